import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { makeHubCache, temporaryDirectory } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'
import { type HdfsProgram, writeHdfsProgram } from '../servers/hdfs-program.ts'
import { type Hdfs, startHdfs } from '../servers/hdfs.ts'
import { listKeys, never, nastyKeys, putText, readText, sumsOf } from '../stores/contract-tools.ts'
import { nimctl, type Outcome, startNimctl, succeeded } from './nimctl.ts'
import { readTree } from './trees.ts'

/**
 * The whole contract of stores would take some thousand starts of Java. What it asks is here once for each operation, and
 * files go together wherever the client sends them together. Each start takes more than half a second of a core, and far
 * longer on a machine that is busy with other tests.
 */
vi.setConfig({ testTimeout: 400_000 })

const mebibyte = 1024 ** 2

let hdfs: Hdfs
let place: string
let program: HdfsProgram
let directory: string
let folders = 0
let url: string
let env: Record<string, string>

beforeAll(async () => {
  hdfs = await startHdfs()
  place = await temporaryDirectory()
  program = await writeHdfsProgram(place, hdfs)
})
afterAll(async () => {
  await hdfs.stop()
  await rm(place, { recursive: true })
})
beforeEach(async () => {
  directory = await temporaryDirectory()
  url = `hdfs://${hdfs.rpcAddress}/models%20of%20%5B1%5D/${folders++}`
  const PATH = `${program.directory}:${process.env.PATH}`
  env = { PATH, HADOOP_USER_NAME: hdfs.superuser, NIMCTL_STATE_DIR: path('state'), NIMCTL_RETRIES: '0' }
})
afterEach(() => rm(directory, { recursive: true }))

const path = (name: string) => join(directory, name)
const run = (...args: string[]): Promise<Outcome> => nimctl(args, { env, cwd: directory })
const open = (): Promise<Store> => openStore(new URL(url), { hdfs: { clientEnvironment: env } })

it('stores, lists, proves, reads and removes names of every kind, many in one call', async () => {
  const store = await open()
  // One call moves what goes into one folder: two folders say as much as four.
  const usual = nastyKeys.filter(key => !key.includes('\n') && !/^(ab|deep)\//.test(key))
  const keys = [...usual, '-dash', 'st*r', '{a,b}', 'with %20 and ü']
  const before = program.calls().length
  await Promise.all([...keys.map(key => putText(store, key, key)), putText(store, 'empty', '')])
  // By far fewer than one for each.
  expect(program.calls().length - before).toBeLessThan(keys.length)
  expect((await listKeys(store)).toSorted()).toEqual([...keys, 'empty'].toSorted())
  const stored = await Promise.all(keys.map(key => store.stat(key, never)))
  expect(stored.map(object => object?.crc32c)).toEqual(keys.map(key => sumsOf(Buffer.from(key)).crc32c))
  expect(await store.stat('empty', never)).toMatchObject({ size: 0, crc32c: 0 })
  expect(await Promise.all(keys.map(key => readText(store, key)))).toEqual(keys)

  await putText(store, 'a/b', 'another one')
  expect(await readText(store, 'a/b', { start: 2, end: 6 })).toBe('other')
  const absent = ['a', 'a/b/c', 'absent'].map(key => store.stat(key, never))
  expect(await Promise.all(absent)).toEqual([undefined, undefined, undefined])
  await Promise.all([...keys, 'empty', 'absent', 'a'].map(key => store.remove(key, never)))
  expect(await listKeys(store)).toEqual([])
  store.close()
})

it('refuses what it can not store before anything is sent', async () => {
  const store = await open()
  const before = program.calls().length
  for (const key of ['line\nbreak', 'a/.weights.crc', 'colon:', '../up']) {
    await expect(putText(store, key, key)).rejects.toMatchObject({ category: 'usage' })
  }
  const bytes = Buffer.from('changed')
  await expect(store.put('key', bytes, { crc32c: 1 }, never)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
  expect(program.calls().length).toBe(before)
  store.close()
})

it('keeps what is there with ifAbsent, and says what stands in the way', async () => {
  const store = await open()
  const bytes = Buffer.from('text')
  const first = () => store.put('folder/key', bytes, sumsOf(bytes), { ifAbsent: true, ...never })
  const outcomes = await Promise.allSettled([first(), first()])
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  await Promise.all([
    expect(first()).rejects.toMatchObject({ category: 'check-failed', code: 'STORE_KEY_EXISTS' }),
    expect(putText(store, 'folder', 'text')).rejects.toMatchObject({ code: 'STORE_KEY_CONFLICT' }),
    expect(store.read('absent', undefined, never)).rejects.toMatchObject({ category: 'not-found' }),
  ])
  expect(await listKeys(store)).toEqual(['folder/key'])
  store.close()
})

it('goes on with an upload where it was left, and gives ranges in one call', async () => {
  const store = await open()
  const whole = Buffer.from(seeded(3).bytes(5 * mebibyte + 123))
  const parts = Array.from({ length: 6 }, (_, index) => whole.subarray(index * mebibyte, (index + 1) * mebibyte))
  const shape = { size: whole.length, partSize: mebibyte, ...never }
  const begun = await store.openUpload('deep/we[i]ghts', shape)
  for (const number of [1, 2]) await putPart(begun, number)
  expect(await listKeys(store)).toEqual([])
  store.close()

  const other = await open()
  const [found] = await Array.fromAsync(other.listUploads?.('deep/', never) ?? [])
  expect(found).toMatchObject(begun.saved)
  const resumed = await other.openUpload('deep/we[i]ghts', { ...shape, resume: begun.saved })
  expect(resumed.saved.id).toBe(begun.saved.id)
  const finished = []
  for (const number of [1, 2, 3, 4, 5, 6]) finished.push(await putPart(resumed, number))
  const stored = await resumed.complete(sumsOf(whole), finished, never)
  expect(stored).toMatchObject({ size: whole.length, crc32c: sumsOf(whole).crc32c })

  const before = program.calls().filter(command => command === '-cat').length
  const ranges = [4, 1, 0, 3].map(async index => {
    const range = { start: index * mebibyte, end: (index + 1) * mebibyte - 1 }
    const read = await other.read('deep/we[i]ghts', range, { ...never, ifMatch: stored.etag ?? '' })
    return (await buffer(read)).equals(parts[index] ?? Buffer.alloc(0))
  })
  expect(await Promise.all(ranges)).toEqual([true, true, true, true])
  expect(program.calls().filter(command => command === '-cat').length).toBe(before + 1)
  const changed = other.read('deep/we[i]ghts', undefined, { ...never, ifMatch: 'other' })
  await expect(changed).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })

  const given = await other.openUpload('given up', shape)
  await putPart(given, 1)
  await given.abort()
  await expect(putPart(given, 2)).rejects.toMatchObject({ code: 'UPLOAD_GONE' })
  expect(await Array.fromAsync(other.listUploads?.('', never) ?? [])).toEqual([])
  other.close()

  async function putPart(upload: typeof begun, number: number) {
    const bytes = parts[number - 1] ?? Buffer.alloc(0)
    return await upload.putPart(number, bytes, sumsOf(bytes), never)
  }
})

it('takes a cache, proves all of it, gives it back, and says by which way', async () => {
  await makeHubCache(path('cache'))
  const flags = ['--hdfs-client', '--hdfs-permission', '640', '--require', 'full-checksum']
  const uploaded = succeeded(await run('upload', 'cache', url, ...flags, '--json'))
  expect(uploaded.stderr).toContain('by the installed program hdfs, over RPC (--hdfs-client)')
  const [{ proof, uploadedFiles }] = uploaded.json()['destinations'] as [
    { proof: Record<string, number>; uploadedFiles: number },
  ]
  expect(proof).toEqual({ 'full-checksum': uploadedFiles, parts: 0, etag: 0, size: 0 })
  expect(await run('validate', 'store', url, '--hdfs-client')).toMatchObject({ exitCode: 0 })
  expect(await run('download', url, 'back', '--hdfs-client')).toMatchObject({ exitCode: 0 })
  expect(await readTree(path('back'))).toEqual(await readTree(path('cache')))
  const listed = await hdfs.shell([
    '-ls',
    '-R',
    '-C',
    decodeURIComponent(new URL(url).pathname).replaceAll(/[[\]]/g, '\\$&'),
  ])
  expect(listed.stdout).not.toContain('incomplete')
})

it('goes on with a file after kill -9', async () => {
  const size = 40 * mebibyte + 12_345
  await mkdir(path('files'))
  await writeFile(path('files/weights'), seeded(7).bytes(size))
  const flags = ['--layout', 'plain', '--part-size', '1Mi', '--hdfs-client']
  const limited = [...flags, '--limit-rate', '1Mi', '--progress', 'json']
  const child = startNimctl(['upload', 'files', url, ...limited], { env, cwd: directory })
  const ended = once(child, 'exit')
  let progress = ''
  child.stderr?.on('data', chunk => (progress += String(chunk)))
  await expect.poll(() => progress.match(/"event":"bytes"/g)?.length ?? 0, { timeout: 200_000 }).toBeGreaterThan(3)
  child.kill('SIGKILL')
  await ended
  expect((await run('list', url, '--hdfs-client', '--json')).json()).toMatchObject({ caches: [] })

  env.NIMCTL_RETRIES = '5'
  const again = succeeded(await run('upload', 'files', url, ...flags, '--json')).json()
  const [{ uploadedBytes, proof }] = again['destinations'] as [{ uploadedBytes: number; proof: Record<string, number> }]
  expect(uploadedBytes).toBeLessThan(size - mebibyte)
  // By HDFS' own checksum over what it has, which spares a download here.
  expect(proof['full-checksum']).toBe(1)
})

it('translates what the client says: who may not, what is away, and what is missing', async () => {
  await makeHubCache(path('cache'))
  env.HADOOP_USER_NAME = 'reader'
  const refused = await run('upload', 'cache', url, '--hdfs-client', '--json')
  expect({ exitCode: refused.exitCode, ...refused.json() }).toMatchObject({ exitCode: 4, code: 'ACCESS_DENIED' })
  const away = await run('list', 'hdfs://127.0.0.1:1/models', '--hdfs-client', '--json')
  expect({ exitCode: away.exitCode, ...away.json() }).toMatchObject({ exitCode: 6, code: 'STORE_UNREACHABLE' })
  env.PATH = '/nowhere'
  const missing = await run('list', url, '--hdfs-client', '--json')
  expect({ exitCode: missing.exitCode, ...missing.json() }).toMatchObject({ exitCode: 7, code: 'TOOL_MISSING' })
})
