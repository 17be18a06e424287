import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { beforeEach, expect, it } from 'vitest'

import { scanCacheTree } from '../../src/cache/scan.ts'
import { openStore } from '../../src/stores/open.ts'
import type { Store, Upload } from '../../src/stores/store.ts'
import { type ProgressEvent, silent } from '../../src/system/progress.ts'
import { cleanUp } from '../../src/transfer/cleanup.ts'
import { prepareUpload } from '../../src/transfer/prepare-upload.ts'
import { openDirectorySource } from '../../src/transfer/source.ts'
import { upload } from '../../src/transfer/upload.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { openMemoryStore } from './memory-store.ts'

const mebibyte = 2 ** 20
const { signal } = new AbortController()
let work: string
let store: Store

beforeEach(async () => {
  work = await temporaryDirectory()
  store = await openStore(pathToFileURL(join(work, 'store')), {})
  await writeFile(join(work, 'large.bin'), Buffer.alloc(40 * mebibyte, 'content'))
})

async function run(to: Store, report = silent): Promise<number> {
  const stateDirectory = join(work, 'state')
  const source = await openDirectorySource(
    { root: work, entries: (await scanCacheTree(work)).entries.filter(({ path }) => path === 'large.bin') },
    stateDirectory,
  )
  const prepared = await prepareUpload({
    source,
    record: undefined,
    store: to,
    layout: 'plain',
    replace: false,
    delete: false,
    stateDirectory,
    tool: 'nimctl/test',
    signal,
  })
  const [done] = await upload(source, [prepared], { memory: 32 * mebibyte, concurrency: 1, signal, report })
  return done?.uploadedBytes ?? Number.NaN
}

/** The same store, whose connection breaks after so many parts. */
function breakingAfter(parts: number): Store {
  let sent = 0
  const broken = (opened: Upload): Upload => ({
    ...opened,
    putPart: async (...args) => {
      if (sent++ >= parts) throw new Error('the line is cut')
      return await opened.putPart(...args)
    },
  })
  return { ...store, openUpload: async (...args) => broken(await store.openUpload(...args)) }
}

it('goes on with the parts that were acknowledged', async () => {
  await expect(run(breakingAfter(3))).rejects.toThrow('the line is cut')
  expect(await run(store)).toBe(16 * mebibyte)
})

it('finds its parts in the store where the journal is lost', async () => {
  await expect(run(breakingAfter(3))).rejects.toThrow('the line is cut')
  await rm(join(work, 'state'), { recursive: true })
  expect(await run(store)).toBe(16 * mebibyte)
})

it.each(['with the journal', 'without the journal'])('tells what was there from what was sent, %s', async journal => {
  await expect(run(breakingAfter(3))).rejects.toThrow('the line is cut')
  if (journal === 'without the journal') await rm(join(work, 'state'), { recursive: true })
  const events: ProgressEvent[] = []
  await run(store, event => events.push(event))
  const arrived = events.filter(event => event.event === 'bytes')
  const bytes = (there: boolean) =>
    arrived.reduce((sum, event) => ((event.resumed ?? false) === there ? sum + event.bytes : sum), 0)
  expect([bytes(true), bytes(false)]).toEqual([24 * mebibyte, 16 * mebibyte])
})

it('takes no parts of another content', async () => {
  await expect(run(breakingAfter(3))).rejects.toThrow('the line is cut')
  await rm(join(work, 'state'), { recursive: true })
  await writeFile(join(work, 'large.bin'), Buffer.alloc(40 * mebibyte, 'another'))
  expect(await run(store)).toBe(40 * mebibyte)
})

it('leaves no upload open whose object is whole by other means', async () => {
  const memory = openMemoryStore()
  store = memory
  await expect(run(breakingAfter(3))).rejects.toThrow('the line is cut')
  memory.place('large.bin', await readFile(join(work, 'large.bin')))
  expect(await run(store)).toBe(0)
  expect(await Array.fromAsync(store.listUploads?.('', { signal }) ?? [])).toEqual([])
})

it('cleans up what nobody will go on with', async () => {
  await expect(run(breakingAfter(1))).rejects.toThrow('the line is cut')
  const clean = (olderThanMs: number, dryRun = false) =>
    cleanUp(store, { olderThanMs, nowMs: Date.now(), dryRun, signal })
  expect(await clean(60_000)).toEqual([])
  expect(await clean(0, true)).toMatchObject([{ key: 'large.bin' }])
  expect(await clean(0)).toMatchObject([{ key: 'large.bin' }])
  expect(await clean(0)).toEqual([])
})

it('cleans up what a killed put left in a directory, once it is old enough', async () => {
  const name = '.nimctl-incomplete/01234567-89ab-4cde-8f01-23456789abcd'
  await run(store)
  await mkdir(join(work, 'store/.nimctl-incomplete'), { recursive: true })
  await writeFile(join(work, 'store', name), 'half')
  const clean = (olderThanMs: number) => cleanUp(store, { olderThanMs, nowMs: Date.now(), dryRun: false, signal })
  expect(await clean(60_000)).toEqual([])
  expect(await clean(0)).toMatchObject([{ key: name }])
  store.close()
  expect(await readdir(join(work, 'store'))).toEqual(['.nimctl', 'large.bin'])
})
