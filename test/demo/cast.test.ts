import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { commandsIn } from '../docs/command-lines.ts'
import { root } from '../docs/markdown.ts'
import { problemOf } from '../docs/parsed.ts'
import { parseCast, renderCast } from './cast.ts'
import { runFlow } from './flow.ts'
import type { Shell } from './shell.ts'

const file = join(root, 'docs/demo.cast')
const { header, events } = parseCast(readFileSync(file, 'utf8'))
const shown = events.map(([, , text]) => text).join('')
const typed = commandsIn(
  shown
    .split('\r\n')
    .filter(line => line.startsWith('$ '))
    .map(line => line.slice(2))
    .join('\n'),
)

it('docs/demo.cast is an asciicast that a page can hold', () => {
  expect(header).toMatchObject({ version: 2, width: expect.any(Number), height: expect.any(Number) })
  expect(statSync(file).size).toBeLessThan(200 * 1024)
  const seconds = events.map(([at]) => at)
  expect(seconds).toEqual(seconds.toSorted((a, b) => a - b))
  expect(new Set(events.map(([, type]) => type))).toEqual(new Set(['o']))
  expect(shown).not.toMatch(/Left out|(?<!\r)\n/)
})

it('docs/demo.cast shows the commands of the demo, which nimctl takes', async () => {
  const wanted: string[][] = []
  const noted: Shell = {
    setEnvironment: () => {},
    heading: () => {},
    leaveOut: why => expect.unreachable(why),
    nimctl: async args => {
      wanted.push([...args])
      return `Inventory: sha256:${'0'.repeat(64)}`
    },
  }
  const work = '/tmp/work'
  const store = `file://${work}/share/llama`
  const running = { image: standIns.llm1.reference, engine: 'there', registry: 'localhost:1', skopeo: true, store }
  await runFlow(noted, { ...running, env: {}, stop: async () => {} }, work)
  expect(typed.map(withoutPlaces), 'run: npm run demo:record').toEqual(wanted.map(withoutPlaces))
  expect(await Promise.all(typed.map(problemOf))).toEqual(typed.map(() => undefined))
})

/** Directories, ports and digests differ from one run to the next. */
function withoutPlaces(args: readonly string[]): string {
  return args
    .join(' ')
    .replaceAll(/\/[\w/.-]*?\/(?=cache\b|share\b|model-store\b)/g, '/work/')
    .replaceAll(/(?:localhost|127\.0\.0\.1):\d+/g, 'localhost:1')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
}

it('keeps the time between two lines, but no long pause', () => {
  const lines = [
    { atMs: 5000, text: 'a\n' },
    { atMs: 5300, text: 'b\n' },
    { atMs: 65_300, text: 'c\n' },
  ]
  const cast = renderCast({ version: 2, width: 80, height: 24, title: 't' }, lines, 2000)
  expect(parseCast(cast).events).toEqual([
    [0, 'o', 'a\r\n'],
    [0.3, 'o', 'b\r\n'],
    [2.3, 'o', 'c\r\n'],
  ])
})
