import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { makeHubCache, smallRecord } from '../hub-cache.ts'
import { mistakesOf, type Failure } from './failures.ts'
import { boundByPermissions } from './launchers.ts'
import { nimctl, type RunOptions } from './nimctl.ts'

const listing = 'fixtures/listings/llm-1.8-logs-between.txt'
const root = join(import.meta.dirname, '../..')

let directory: string
let socket: Server
const path = (name: string) => join(directory, name)
const store = () => pathToFileURL(path('store')).href
const run = (args: readonly string[], options: RunOptions = {}) => {
  const env = {
    HOME: directory,
    NIMCTL_STATE_DIR: path('state'),
    NIMCTL_RETRIES: '0',
    DOCKER_HOST: `unix://${path('no.sock')}`,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...options.env,
  }
  return nimctl(args, { cwd: root, ...options, env })
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-errors-'))
  await makeHubCache(path('cache'))
  expect(await run(['upload', path('cache'), store()])).toMatchObject({ exitCode: 0 })
  await makeHubCache(path('other'), { record: { ...smallRecord, imageDigest: `sha256:${'cd'.repeat(32)}` } })
  await mkdir(path('closed'))
  await chmod(path('closed'), 0o500)
  await mkdir(path('empty'))
  await writeFile(path('empty.txt'), '')
  await mkdir(path('old-skopeo'))
  await writeFile(path('old-skopeo/skopeo'), '#!/bin/sh\necho skopeo version 1.2.3\n', { mode: 0o755 })
  socket = createServer()
  await new Promise<void>(resolve => socket.listen(path('closed.sock'), resolve))
  await chmod(path('closed.sock'), 0)
})
afterAll(async () => {
  socket.close()
  await rm(directory, { recursive: true, force: true })
})

type Case = Failure & { name: string; args: () => string[]; options?: () => RunOptions }

const usage = { category: 'usage' } as const

describe('2, nothing was tried', () => {
  it.each<Case>([
    { name: 'an unknown command', args: () => ['uplaod'], ...usage, code: 'USAGE', says: ['uplaod', 'upload'] },
    { name: 'an unknown flag', args: () => ['list', '--depe'], ...usage, code: 'USAGE', says: ['--depe'] },
    { name: 'a missing argument', args: () => ['cache'], ...usage, code: 'USAGE', says: ['image'] },
    {
      name: 'a number that is none',
      args: () => ['list', store(), '--retries', 'x'],
      ...usage,
      code: 'USAGE',
      says: ['--retries'],
    },
    {
      name: 'an unknown scheme',
      args: () => ['list', 'ftp://models/'],
      ...usage,
      code: 'STORE_SCHEME_UNKNOWN',
      says: ['ftp:', 's3://'],
    },
    {
      name: 'a directory for a store',
      args: () => ['list', './store'],
      ...usage,
      code: 'URL_INVALID',
      says: ['./store', 'file:///'],
    },
    { name: 'a word for a store', args: () => ['list', 'models'], ...usage, code: 'URL_INVALID', says: ['"models"'] },
    {
      name: 'a store as source',
      args: () => ['upload', 's3://models/a', store()],
      ...usage,
      code: 'SOURCE_NOT_A_DIRECTORY',
    },
    {
      name: '--profile and --all',
      args: () => ['cache', 'a/b:1', 'd', '--profile', '0494aafc', '--all'],
      ...usage,
      code: 'PROFILE_CHOICE_CONFLICT',
      says: ['--profile', '--all'],
    },
    {
      name: 'no choice of profiles',
      args: () => ['cache', 'a/b:1', 'd'],
      ...usage,
      code: 'PROFILE_CHOICE_REQUIRED',
      says: ['nimctl profiles'],
    },
    {
      name: 'a list without profiles',
      args: () => ['profiles', '--file', path('empty.txt')],
      ...usage,
      code: 'LISTING_EMPTY',
    },
    { name: 'no image to mirror', args: () => ['mirror', '--to', 'r:5000'], ...usage, code: 'IMAGES_MISSING' },
    {
      name: 'a name that is no image',
      args: () => ['profiles', 'A B'],
      ...usage,
      code: 'IMAGE_REFERENCE_INVALID',
      says: ['A B'],
    },
    {
      name: 'no address of an engine',
      args: () => ['profiles', 'a/b:1'],
      options: () => ({ env: { DOCKER_HOST: 'nowhere://' } }),
      ...usage,
      code: 'DOCKER_HOST_INVALID',
      says: ['nowhere://'],
    },
    {
      name: 'another image under the prefix',
      args: () => ['upload', path('other'), store()],
      ...usage,
      code: 'PREFIX_HOLDS_ANOTHER_IMAGE',
      says: ['--replace'],
    },
  ])('$name', async ({ args, options, ...failure }) => {
    await expectFailure(each => run(each, options?.()), args(), failure)
  })
})

describe('4 to 8, what is around us', () => {
  it.each<Case>([
    {
      name: 'Docker not permitted',
      args: () => ['profiles', 'a/b:1'],
      options: () => ({ program: boundByPermissions, env: { DOCKER_HOST: `unix://${path('closed.sock')}` } }),
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
      args: () => ['upload', path('absent'), store()],
      category: 'not-found',
      code: 'CACHE_NOT_FOUND',
      says: ['absent'],
    },
    {
      name: 'no cache to check',
      args: () => ['validate', 'cache', path('absent')],
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
      args: () => ['profiles', 'a/b:1'],
      category: 'missing-tool',
      code: 'ENGINE_UNREACHABLE',
      says: ['no.sock', 'DOCKER_HOST'],
    },
    {
      name: 'no skopeo',
      args: () => ['mirror', 'a/b:1', '--to', 'r:5000'],
      options: () => ({ env: { PATH: path('empty') } }),
      category: 'missing-tool',
      code: 'TOOL_MISSING',
      says: ['skopeo', 'apt-get install skopeo'],
    },
    {
      name: 'an old skopeo',
      args: () => ['mirror', 'a/b:1', '--to', 'r:5000'],
      options: () => ({ env: { PATH: `${path('old-skopeo')}:${process.env['PATH']}` } }),
      category: 'missing-tool',
      code: 'TOOL_TOO_OLD',
      says: ['1.2.3'],
    },
    {
      name: 'a directory that may not be written',
      args: () => ['download', store(), path('closed')],
      options: () => ({ program: boundByPermissions }),
      category: 'local',
      code: 'DIRECTORY_NOT_WRITABLE',
      says: ['closed'],
    },
    {
      name: 'a file where a directory belongs',
      args: () => ['download', store(), path('empty.txt')],
      category: 'local',
      code: 'DIRECTORY_NOT_WRITABLE',
      says: ['file of that name'],
    },
    {
      name: 'a store that may not be written',
      args: () => ['upload', path('cache'), `file://${path('closed')}/a`],
      options: () => ({ program: boundByPermissions }),
      category: 'local',
      code: 'NOT_WRITABLE',
      says: ['closed'],
    },
  ])('$name', async ({ args, options, ...failure }) => {
    await expectFailure(each => run(each, options?.()), args(), failure)
  })
})

it('3: no inventory, so nobody can say whether it is complete', async () => {
  const failure = {
    category: 'check-failed',
    code: 'INVENTORY_MISSING',
    says: ['.nimctl/inventory.jsonl'],
  }
  await expectFailure(run, ['download', `${store()}/elsewhere`, path('out')], failure)
})

it('1: what nobody foresaw shows its stack, also in the document', async () => {
  const fault = `data:text/javascript,Object.defineProperty(process,'arch',{get(){if(new Error().stack.includes('/comm'+'ands/'))throw new TypeError('planted')}})`
  const options = { env: { NODE_OPTIONS: `--import=${fault.replaceAll(' ', '%20')}` } }
  const inText = await run(['version'], options)
  expect(inText).toMatchObject({ exitCode: 1, stdout: '' })
  expect(inText.stderr).toMatch(/bug in nimctl:\nTypeError: planted\n {4}at /)
  const inJson = await run(['version', '--json'], options)
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
    const failure = { category: 'missing-tool', code: 'NODE_TOO_OLD', says }
    await expectFailure(args => run(args, { program }), ['version'], failure)
  })
})

function isOldNode(program: string): boolean {
  try {
    return Number(execFileSync(program, ['--version'], { encoding: 'utf8' }).slice(1).split('.')[0]) < 22
  } catch {
    return false
  }
}
