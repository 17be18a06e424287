import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, expect, it } from 'vitest'

import { freePort } from './free-port.ts'
import { isRunning } from './processes.ts'
import { startProcess } from './start-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'start-process-test-'))
const logFile = join(directory, 'log')
/** A machine that others use lets processes wait. */
const patience = { timeout: 30_000 }

afterAll(() => rmSync(directory, { recursive: true }))

it('fails with the end of its log when it ends early', async () => {
  const args = ['-c', 'echo cannot bind >&2; exit 4']
  const starting = startProcess({ name: 'thing', command: 'sh', args, logFile, isReady: async () => false })
  await expect(starting).rejects.toThrow('thing ended early (exit code 4). The end of its log:\ncannot bind')
})

it('fails, and stops it, when it never answers', async () => {
  const pidFile = join(directory, 'pid')
  const args = ['-c', `echo $$ > ${pidFile}; exec sleep 1000`]
  const isReady = async () => {
    await expect.poll(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n'), patience).toBe(true)
    return false
  }
  const starting = startProcess({ name: 'thing', command: 'sh', args, logFile, isReady, readyTimeoutMs: 300 })
  await expect(starting).rejects.toThrow('thing did not answer within 300 ms')
  expect(isRunning(Number(readFileSync(pidFile, 'utf8')))).toBe(false)
})

it('kills what ignores SIGTERM', async () => {
  const args = ['-c', `trap '' TERM; echo up; while :; do sleep 1; done`]
  const file = join(directory, 'stubborn')
  const isReady = async () => existsSync(file) && readFileSync(file, 'utf8').includes('up')
  const server = await startProcess({ name: 'thing', command: 'sh', args, logFile: file, isReady, graceMs: 100 })
  await server.stop()
  expect(isRunning(server.pid)).toBe(false)
  await server.stop()
})

it.each([
  { signal: 'SIGINT', leavesDirectory: false },
  { signal: 'SIGTERM', leavesDirectory: false },
  { signal: 'SIGKILL', leavesDirectory: true },
] as const)('ends with its parent: $signal', async ({ signal, leavesDirectory }) => {
  const program = join(directory, `parent-${signal}.ts`)
  const module = (name: string) => JSON.stringify(join(import.meta.dirname, name))
  writeFileSync(
    program,
    `import { startProcess } from ${module('start-process.ts')}
import { makeTemporaryDirectory } from ${module('temporary-directory.ts')}
const { path } = makeTemporaryDirectory()
const isReady = async () => true
const { pid } = await startProcess({ name: 's', command: 'sleep', args: ['1000'], logFile: path + '/log', isReady })
process.stdout.write(JSON.stringify({ pid, path }) + '\\n')
setInterval(() => {}, 1000)
`,
  )
  const parent = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = await new Promise<string>(resolve => parent.stdout.once('data', data => resolve(String(data))))
  const { pid, path } = JSON.parse(said)
  const ended = new Promise(resolve => parent.once('exit', (code, how) => resolve(how)))
  parent.kill(signal)
  expect(await ended).toBe(signal)
  await expect.poll(() => isRunning(pid), patience).toBe(false)
  expect(existsSync(path)).toBe(leavesDirectory)
  if (leavesDirectory) rmSync(path, { recursive: true })
})

it('gives ports that differ', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort))
  expect(new Set(ports).size).toBe(50)
})
