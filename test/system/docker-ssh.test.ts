import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { openDockerEngine } from '../../src/system/docker.ts'
import { temporaryDirectory } from '../hub-cache.ts'

let directory: string
let engine: Server
beforeAll(async () => {
  directory = await temporaryDirectory()
  engine = createServer((_, response) => response.end('{"Version":"28.0","ApiVersion":"1.48"}'))
  await new Promise<void>(resolve => engine.listen(join(directory, 'engine.sock'), resolve))
})
afterAll(() => void engine.close())

const toEngine = `exec '${process.execPath}' -e "const engine = require('node:net').connect(process.env.ENGINE)
process.stdin.pipe(engine)
engine.pipe(process.stdout)"`

/** Puts a program ssh on PATH that does what a script says, and notes how it was called. */
async function openBySsh(script: string, host: string) {
  const programs = await temporaryDirectory()
  await mkdir(join(programs, 'bin'))
  await writeFile(join(programs, 'bin/ssh'), `#!/bin/sh\necho "$*" > ${programs}/args\n${script}\n`, { mode: 0o755 })
  const env = { PATH: `${programs}/bin:/usr/bin:/bin`, DOCKER_HOST: host, ENGINE: join(directory, 'engine.sock') }
  return { opened: await openDockerEngine({ env }), args: () => readFile(join(programs, 'args'), 'utf8') }
}

it.each([
  ['ssh://me@gpu-host:2222', '-l me -p 2222 -- gpu-host docker system dial-stdio'],
  ['ssh://gpu-host', '-- gpu-host docker system dial-stdio'],
])('asks the engine of another machine: %s', async (host, end) => {
  const { opened, args } = await openBySsh(toEngine, host)
  expect(await opened.version()).toEqual({ version: '28.0', apiVersion: '1.48' })
  expect(await opened.version()).toMatchObject({ version: '28.0' })
  expect(await args()).toBe(`-T -o BatchMode=yes -o ConnectTimeout=30 ${end}\n`)
})

it.each([
  [
    'a host key that is not known',
    'echo Host key verification failed. >&2; exit 255',
    'missing-tool',
    'ENGINE_UNREACHABLE',
    'ssh says: Host key verification failed.',
  ],
  [
    'a key that is not known',
    'echo "me@gpu-host: Permission denied (publickey)." >&2; exit 255',
    'auth',
    'ENGINE_FORBIDDEN',
    'ssh says: me@gpu-host: Permission denied (publickey).',
  ],
  ['an end without a word', 'exit 3', 'missing-tool', 'ENGINE_UNREACHABLE', 'ssh ended with 3.'],
])('says what ssh said: %s', async (_, script, category, code, why) => {
  const { opened } = await openBySsh(script, 'ssh://gpu-host')
  await expect(opened.version()).rejects.toMatchObject({ category, code, why })
})

it('says that there is no ssh', async () => {
  const absent = await openDockerEngine({ env: { PATH: directory, DOCKER_HOST: 'ssh://gpu-host' } })
  await expect(absent.version()).rejects.toMatchObject({ category: 'missing-tool', code: 'TOOL_MISSING' })
})
