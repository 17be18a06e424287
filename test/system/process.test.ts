import { expect, it } from 'vitest'

import { runTool } from '../../src/system/process.ts'

const never = new AbortController().signal
const env = { PATH: process.env['PATH'] }
const sh = (script: string, options: Partial<Parameters<typeof runTool>[2]> = {}) =>
  runTool('/bin/sh', ['-c', script], { env, signal: never, ...options })

it('gives stdout byte for byte, the tail of stderr and the exit code', async () => {
  const result = await sh("printf 'a\\000b\\n\\n'; for i in $(seq 100); do echo line $i >&2; done; exit 3")
  expect(result.exitCode).toBe(3)
  expect([...result.stdout]).toEqual([97, 0, 98, 10, 10])
  expect(result.stderrTail.split('\n')).toHaveLength(40)
  expect(result.stderrTail).toMatch(/line 100$/)
})

it('hands on lines of both outputs, and writes the input', async () => {
  const lines: string[] = []
  await sh('cat; echo err >&2', { input: 'in\n', onLine: line => lines.push(line) })
  expect(lines.toSorted()).toEqual(['err', 'in'])
})

it('gives the child no other environment', async () => {
  const result = await sh('echo "${HOME:-none} $SET"', { env: { ...env, SET: 'yes', UNSET: undefined } })
  expect(result.stdout.toString()).toBe('none yes\n')
})

it('says what is missing and how to get it', async () => {
  const running = runTool('no-such-tool', [], { env, signal: never, install: 'Install it: apt-get install x' })
  await expect(running).rejects.toMatchObject({
    category: 'missing-tool',
    code: 'TOOL_MISSING',
    next: 'Install it: apt-get install x',
  })
})

it('ends the child when the signal aborts, and throws its reason', async () => {
  const abort = new AbortController()
  let pid = 0
  const running = sh('echo $$; exec sleep 60', {
    signal: abort.signal,
    onLine: line => {
      pid = Number(line)
      abort.abort(new Error('Ctrl-C'))
    },
  })
  await expect(running).rejects.toThrow('Ctrl-C')
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

it('is no exit code when a signal ends it from outside', async () => {
  expect((await sh('kill -9 $$')).exitCode).toBeUndefined()
})
