import { execFileSync } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openBarePlace, type BarePlace } from './bare-place.ts'
import { mistakesOf, type Failure } from './failures.ts'
import { boundByPermissions } from './launchers.ts'
import type { RunOptions } from './nimctl.ts'

const listing = 'fixtures/listings/llm-1.8-logs-between.txt'

let place: BarePlace
let socket: Server
beforeAll(async () => {
  place = await openBarePlace()
  await mkdir(place.path('closed'))
  await chmod(place.path('closed'), 0o500)
  await mkdir(place.path('empty'))
  await mkdir(place.path('one'))
  await writeFile(place.path('one/file'), 'file')
  await writeFile(place.path('empty.txt'), '')
  await mkdir(place.path('old-skopeo'))
  await writeFile(place.path('old-skopeo/skopeo'), '#!/bin/sh\necho skopeo version 1.2.3\n', { mode: 0o755 })
  socket = createServer()
  await new Promise<void>(resolve => socket.listen(place.path('closed.sock'), resolve))
  await chmod(place.path('closed.sock'), 0)
})
afterAll(async () => {
  socket.close()
  await place.remove()
})

type Case = Failure & { name: string; args: () => string[]; options?: () => RunOptions }

describe('4 to 8, what is around us', () => {
  it.each<Case>([
    {
      name: 'Docker not permitted',
      args: () => ['profiles', 'docker-daemon:a/b:1'],
      options: () => ({ program: boundByPermissions, env: { DOCKER_HOST: `unix://${place.path('closed.sock')}` } }),
      category: 'auth',
      code: 'ENGINE_FORBIDDEN',
      says: ['closed.sock', 'usermod -aG docker'],
    },
    {
      name: 'credentials missing',
      args: () => ['list', 's3://models/'],
      options: () => ({ env: { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' } }),
      category: 'auth',
      code: 'CREDENTIALS_MISSING',
      says: ['AWS_ACCESS_KEY_ID'],
    },
    {
      name: 'no cache to upload',
      args: () => ['upload', place.path('absent'), place.url],
      category: 'not-found',
      code: 'CACHE_NOT_FOUND',
      says: ['absent'],
    },
    {
      name: 'no cache to check',
      args: () => ['validate', 'cache', place.path('absent')],
      category: 'not-found',
      code: 'CACHE_NOT_FOUND',
      says: ['absent'],
    },
    {
      name: 'a profile that nobody offers',
      args: () => ['profiles', '--file', listing, '--profile', 'deadbeef'],
      category: 'not-found',
      code: 'PROFILE_UNKNOWN',
      says: ['"deadbeef"', 'nearest'],
    },
    {
      name: 'conditions that nothing meets',
      args: () => ['profiles', '--file', listing, '--tp', '64'],
      category: 'not-found',
      code: 'PROFILES_NONE_MATCH',
      says: ['--tp 64'],
    },
    {
      name: 'endpoint down',
      args: () => ['list', 's3://models/', '--endpoint-url', 'http://127.0.0.1:1'],
      options: () => ({ env: { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' } }),
      category: 'unavailable',
      code: 'STORE_UNREACHABLE',
      says: ['127.0.0.1:1', 'ECONNREFUSED'],
    },
    {
      name: 'no Docker',
      args: () => ['profiles', 'docker-daemon:a/b:1'],
      category: 'missing-tool',
      code: 'ENGINE_UNREACHABLE',
      says: ['no.sock', 'DOCKER_HOST'],
    },
    {
      name: 'no skopeo',
      args: () => ['mirror', 'a/b:1', '--to', 'r:5000'],
      options: () => ({ env: { PATH: place.path('empty') } }),
      category: 'missing-tool',
      code: 'TOOL_MISSING',
      says: ['skopeo', 'apt-get install skopeo'],
    },
    {
      name: 'an old skopeo',
      args: () => ['mirror', 'a/b:1', '--to', 'r:5000'],
      options: () => ({ env: { PATH: `${place.path('old-skopeo')}:${process.env['PATH']}` } }),
      category: 'missing-tool',
      code: 'TOOL_TOO_OLD',
      says: ['1.2.3'],
    },
    {
      name: 'a directory that may not be written',
      args: () => ['download', place.url, place.path('closed')],
      options: () => ({ program: boundByPermissions }),
      category: 'local',
      code: 'DIRECTORY_NOT_WRITABLE',
      says: ['closed'],
    },
    {
      name: 'a file where a directory belongs',
      args: () => ['download', place.url, place.path('empty.txt')],
      category: 'local',
      code: 'DIRECTORY_NOT_WRITABLE',
      says: ['file of that name'],
    },
    {
      name: 'a store that may not be written',
      // A single file: which of several fails first differs from run to run.
      args: () => ['upload', place.path('one'), `file://${place.path('closed')}/a`, '--layout', 'plain'],
      options: () => ({ program: boundByPermissions }),
      category: 'local',
      code: 'NOT_WRITABLE',
      says: ['closed'],
    },
  ])('$name', async ({ args, options, ...failure }) => {
    expect(await mistakesOf(each => place.run(each, options?.()), args(), failure)).toEqual([])
  })
})

it('3: no inventory, so nobody can say whether it is complete', async () => {
  const failure = {
    category: 'check-failed',
    code: 'INVENTORY_MISSING',
    says: ['no inventory', '/store/elsewhere/'],
  } as const
  expect(
    await mistakesOf(args => place.run(args), ['download', `${place.url}/elsewhere`, place.path('out')], failure),
  ).toEqual([])
})

it('1: what nobody foresaw shows its stack, also in the document', async () => {
  const fault = `data:text/javascript,Object.defineProperty(process,'arch',{get(){if(new Error().stack.includes('/comm'+'ands/'))throw new TypeError('planted')}})`
  const options = { env: { NODE_OPTIONS: `--import=${fault.replaceAll(' ', '%20')}` } }
  const inText = await place.run(['version'], options)
  expect(inText).toMatchObject({ exitCode: 1, stdout: '' })
  expect(inText.stderr).toMatch(/bug in nimctl:\nTypeError: planted\n {4}at /)
  const inJson = await place.run(['version', '--json'], options)
  expect(inJson).toMatchObject({ exitCode: 1 })
  expect(inJson.json()).toMatchObject({ kind: 'Error', category: 'unexpected', code: 'UNEXPECTED', exitCode: 1 })
})

describe('7: an old Node', () => {
  const old = ['/usr/local/bin/node', '/usr/bin/node'].find(isOldNode)
  // Every machine can pretend; where there is an old one, it has to parse the file too.
  const pretended = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.19.0'})`
  const programs: [string, [string, ...string[]]][] = [['pretended', [process.execPath, '--import', pretended]]]
  if (old !== undefined) programs.push(['real', [old]])

  it.each(programs)('%s', async (_, program) => {
    const says = ['needs Node.js 22.15', 'https://nodejs.org']
    const failure = { category: 'missing-tool', code: 'NODE_TOO_OLD', says } as const
    expect(await mistakesOf(args => place.run(args, { program }), ['version'], failure)).toEqual([])
  })
})

function isOldNode(program: string): boolean {
  try {
    return Number(execFileSync(program, ['--version'], { encoding: 'utf8' }).slice(1).split('.')[0]) < 22
  } catch {
    return false
  }
}
