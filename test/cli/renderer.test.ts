import { PassThrough } from 'node:stream'

import { expect, it } from 'vitest'

import { openRenderer } from '../../src/cli/render/renderer.ts'

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
