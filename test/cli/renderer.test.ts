import { PassThrough } from 'node:stream'

import { afterEach, expect, it, vi } from 'vitest'

import { openRenderer } from '../../src/cli/render/renderer.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'

function aStream(terminal: { isTTY?: boolean; columns?: number }): NodeJS.WriteStream {
  return Object.assign(new PassThrough(), terminal) as unknown as NodeJS.WriteStream
}

async function shown(
  terminal: { isTTY?: boolean; columns?: number },
  env: Record<string, string> = {},
): Promise<string> {
  const stream = aStream(terminal)
  const { report, close } = await openRenderer({}, stream, env)
  report({ event: 'warning', code: 'X', message: 'Look out.' })
  report({ event: 'started', task: 'upload' })
  close()
  return String(stream.read())
}

it.each([
  ['no terminal', {}, {}],
  ['a terminal without a width', { isTTY: true, columns: 0 }, {}],
  ['a terminal in CI', { isTTY: true, columns: 80 }, { CI: 'true' }],
  ['a dumb terminal', { isTTY: true, columns: 80 }, { TERM: 'dumb' }],
])('plain lines for %s', async (_case, terminal, env) => {
  expect(await shown(terminal, env)).toBe('Warning: Look out.\nupload: started\n')
})

it('says nothing with --quiet', async () => {
  const stream = aStream({ isTTY: true, columns: 80 })
  const { report } = await openRenderer({ quiet: true }, stream, {})
  report({ event: 'warning', code: 'X', message: 'Look out.' })
  expect(stream.read()).toBeNull()
})

afterEach(() => void vi.useRealTimers())

/** What a terminal of this width shows last, before the spinner's sign. */
async function lastShown(columns: number, events: readonly ProgressEvent[]): Promise<string[]> {
  vi.useFakeTimers()
  const cursor = { cursorTo: () => true, moveCursor: () => true, clearLine: () => true }
  const stream = Object.assign(aStream({ isTTY: true, columns }), cursor)
  const { report, close } = await openRenderer({}, stream, { NO_COLOR: '1' })
  const written: string[] = []
  stream.on('data', chunk => written.push(String(chunk)))
  for (const event of events) report(event)
  await vi.advanceTimersByTimeAsync(10_000)
  close()
  const shown = written.filter(text => text.includes('upload'))
  return (shown.at(-1) ?? '').split('\n')
}

const [near, far] = ['file:///near/', 's3://far/']
const toTwo: readonly ProgressEvent[] = [
  { event: 'started', task: 'upload' },
  ...[near, far].map((destination): ProgressEvent => ({
    event: 'phase',
    destination,
    phase: 'send',
    totalBytes: 2048,
    totalFiles: 2,
  })),
  { event: 'bytes', destination: far, key: 'a', bytes: 1024 },
]

it('a terminal shows each destination on a line of its own, and the rate goes on by the clock', async () => {
  const [first, second, ...more] = await lastShown(100, toTwo)
  expect(first).toMatch(/^\S upload file:\/\/\/near\/ {2}0 B of 2\.0 KiB {2}0 of 2 files {2}0:10$/)
  expect(second).toMatch(/^ {2}upload s3:\/\/far\/ {6}1\.0 KiB of 2\.0 KiB {2}0 of 2 files {2}\d+ B\/s {2}0:1\d left$/)
  expect(more).toEqual([])
})

it.each([80, 50, 20])('no line is wider than a terminal of %d columns', async columns => {
  const lines = await lastShown(columns, toTwo)
  expect(lines).toHaveLength(2)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns)
})

it('plain lines name each of several destinations', async () => {
  const stream = aStream({})
  const { report } = await openRenderer({}, stream, {})
  for (const event of toTwo) report(event)
  report({ event: 'ended', task: 'upload' })
  const [, ...lines] = String(stream.read()).trim().split('\n')
  expect(lines).toEqual([expect.stringContaining(`upload ${near}`), expect.stringContaining(`upload ${far}`)])
})
