import { access, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import { describe, expect, it } from 'vitest'

import { listWithDocker } from '../../src/profiles/docker-source.ts'
import { parseModelManifest } from '../../src/profiles/manifest.ts'
import { parseProfileList } from '../../src/profiles/parse-listing.ts'
import type { ContainerEngine, ContainerRequest } from '../../src/system/container-engine.ts'
import { NimctlError } from '../../src/system/errors.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'
import { readList } from './fixtures.ts'

interface Behaviour {
  stdout?: string
  stderr?: string
  exitCode?: number
  throws?: Error
}

/** An engine whose containers print what they are told, one behaviour a run; it keeps what it was asked. */
function anEngine(behaviours: Behaviour[], address = 'unix:///run/test.sock') {
  const requests: ContainerRequest[] = []
  const unused = () => Promise.reject(new Error('unused'))
  const engine: ContainerEngine = {
    address,
    version: unused,
    runtimes: unused,
    inspectImage: unused,
    pullImage: unused,
    readImageFile: unused,
    endContainers: unused,
    async run(request, { onOutput }) {
      const behaviour = behaviours[requests.push(request) - 1] ?? {}
      if (behaviour.throws !== undefined) throw behaviour.throws
      const [mount] = request.mounts
      if (mount !== undefined) await writeFile(join(mount.source, 'config.json'), '{}')
      onOutput({ stdout: Readable.from([behaviour.stdout ?? '']), stderr: Readable.from([behaviour.stderr ?? '']) })
      return { exitCode: behaviour.exitCode ?? 0, outOfMemory: false }
    },
  }
  return { engine, requests }
}

const image = 'nvcr.io/nim/example/standin:1.0'
const signal = new AbortController().signal
const list = readList('llm-1.8-logs-between')

async function run(behaviours: Behaviour[], changes: Partial<Parameters<typeof listWithDocker>[0]> = {}) {
  const { engine, requests } = anEngine(behaviours)
  const events: ProgressEvent[] = []
  const report = (event: ProgressEvent) => void events.push(event)
  const listing = await listWithDocker({ engine, image, family: 'llm', ...changes }, { signal, report })
  return { listing, requests, events }
}

it('runs the list command and reads what it prints', async () => {
  const { listing, requests } = await run([{ stdout: list, stderr: 'INFO nothing\n' }], {
    gpus: 'all',
    user: '1000:1000',
    env: { A: 'b' },
  })
  expect(listing).toEqual({ source: 'docker', image, family: 'llm', ...parseProfileList(list) })
  expect(requests).toMatchObject([
    { image, command: ['list-model-profiles'], gpus: 'all', user: '1000:1000', env: { A: 'b' } },
  ])
  expect(requests[0]).not.toHaveProperty('entrypoint')
  expect(requests[0]).not.toHaveProperty('engine')
})

it('lets the container trust the CAs that it is handed', async () => {
  const { requests } = await run([{ stdout: list }], { caBundle: '/etc/company.pem', env: { CURL_CA_BUNDLE: '/mine' } })
  expect(requests).toMatchObject([
    {
      env: { SSL_CERT_FILE: '/etc/nimctl/ca.pem', CURL_CA_BUNDLE: '/mine' },
      mounts: expect.arrayContaining([{ source: '/etc/company.pem', target: '/etc/nimctl/ca.pem', readOnly: true }]),
    },
  ])
})

it('gives the container a cache that anybody can write to, and removes it', async () => {
  let mode = 0
  const { engine } = anEngine([])
  const requests: ContainerRequest[] = []
  const looking: ContainerEngine = {
    ...engine,
    async run(request, { onOutput }) {
      requests.push(request)
      mode = (await stat(request.mounts[0]?.source ?? '')).mode & 0o777
      onOutput({ stdout: Readable.from([list]), stderr: Readable.from([]) })
      return { exitCode: 0, outOfMemory: false }
    },
  }
  await listWithDocker({ engine: looking, image, family: 'llm' }, { signal, report: () => {} })
  const [mount] = requests[0]?.mounts ?? []
  expect(mount?.target).toBe('/opt/nim/.cache')
  expect(mode).toBe(0o777)
  await expect(access(join(mount?.source ?? '', '..'))).rejects.toThrow('ENOENT')
})

it('mounts nothing where the engine is on another host', async () => {
  const { engine, requests } = anEngine([{ stdout: list }], 'tcp://gpu-host:2376')
  await listWithDocker({ engine, image, family: 'llm' }, { signal, report: () => {} })
  expect(requests[0]?.mounts).toEqual([])
})

it('hands the key on by the environment, and shows it to nobody', async () => {
  const key = secret('legacy/0123456789abcdef')
  const { requests, events, listing } = await run([{ stdout: `key legacy/0123456789abcdef\n${list}` }], { key })
  expect(requests[0]?.env['NGC_API_KEY']).toBe(key)
  expect(events.length).toBeGreaterThan(3)
  expect(JSON.stringify([events, listing])).not.toContain('0123456789abcdef')
})

it.each<[string, Behaviour]>([
  ['the list on stderr', { stdout: 'banner\n', stderr: list }],
  ['a bad exit code after the list', { stdout: list, exitCode: 1 }],
])('reads %s', async (_, behaviour) => {
  const { listing } = await run([behaviour])
  expect(listing.profiles).toEqual(parseProfileList(list).profiles)
  expect(listing.warnings).toEqual(behaviour.exitCode === 1 ? ['The list command exited with 1.'] : [])
})

it('joins the list with the manifest', async () => {
  const [first] = parseProfileList(list).profiles
  const manifest = parseModelManifest(`${first?.id}:\n  tags: {tp: '1'}\n`)
  const { listing } = await run([{ stdout: list }], { manifest })
  expect(listing.profiles[0]).toMatchObject({ section: 'incompatible', tags: { tp: '1' } })
  expect(listing.warnings).toHaveLength(1)
})

describe('nimlib', () => {
  const missing = new NimctlError('not-found', 'COMMAND_NOT_FOUND', { what: 'No such program.' })
  it.each<[string, Behaviour[], string[]]>([
    ['its own name', [{ stdout: readList('nimlib-pairs') }], ['nim_list_model_profiles']],
    [
      'the other name where there is no such program',
      [{ throws: missing }, { stdout: list }],
      ['nim_list_model_profiles', 'list-model-profiles'],
    ],
    [
      'the other name where a shell found none',
      [{ exitCode: 127 }, { stdout: list }],
      ['nim_list_model_profiles', 'list-model-profiles'],
    ],
  ])('is asked by %s', async (_, behaviours, entrypoints) => {
    const { requests, listing } = await run(behaviours, { family: 'nimlib' })
    expect(requests.map(({ entrypoint }) => entrypoint?.join(' '))).toEqual(entrypoints)
    expect(requests.map(({ command }) => command)).toEqual(entrypoints.map(() => []))
    expect(listing.profiles).not.toEqual([])
  })
})

describe('a failure', () => {
  it.each<[string, Behaviour[], Parameters<typeof run>[1], object]>([
    ['native images have no list', [], { family: 'native' }, { category: 'usage', code: 'PROFILES_NOT_LISTABLE' }],
    [
      'the last lines',
      [{ stderr: 'a\nb\nboom\n', exitCode: 3 }],
      {},
      { category: 'check-failed', code: 'PROFILES_NOT_LISTED', why: 'It exited with 3; its last lines: a | b | boom' },
    ],
    ['nothing printed', [{}], {}, { code: 'PROFILES_NOT_LISTED', why: 'It exited with 0 and printed nothing.' }],
    [
      'a known symptom',
      [{ stderr: 'The requested operation requires an API key, but none was found\n', exitCode: 1 }],
      {},
      { category: 'auth' },
    ],
    [
      'neither name is there',
      Array.from({ length: 2 }, () => ({ throws: new NimctlError('not-found', 'COMMAND_NOT_FOUND', { what: 'x' }) })),
      { family: 'nimlib' },
      { category: 'usage', code: 'NO_LIST_UTILITY' },
    ],
    [
      'the engine',
      [{ throws: new NimctlError('missing-tool', 'ENGINE_UNREACHABLE', { what: 'x' }) }],
      { family: 'nimlib' },
      { code: 'ENGINE_UNREACHABLE' },
    ],
  ])('tells %s', async (_, behaviours, changes, expected) => {
    await expect(run(behaviours, changes)).rejects.toMatchObject(expected)
  })
})
