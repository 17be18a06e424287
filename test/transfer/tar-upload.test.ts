import { randomUUID } from 'node:crypto'
import { appendFile, cp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { scanCacheTree } from '../../src/cache/scan.ts'
import type { InventoryEntry } from '../../src/inventory/inventory.ts'
import { openStore } from '../../src/stores/open.ts'
import type { Store, Upload } from '../../src/stores/store.ts'
import { silent } from '../../src/system/progress.ts'
import { download } from '../../src/transfer/download.ts'
import { listCaches } from '../../src/transfer/list-caches.ts'
import { requireInventory } from '../../src/transfer/marker.ts'
import { prepareUpload, type UploadRequest } from '../../src/transfer/prepare-upload.ts'
import { openDirectorySource, type FileEntry, type Source } from '../../src/transfer/source.ts'
import { openStoreArchive, openStoreSource, recordOf } from '../../src/transfer/store-source.ts'
import { openTarSource } from '../../src/transfer/tar-source.ts'
import { upload } from '../../src/transfer/upload.ts'
import { readTree } from '../e2e/trees.ts'
import { makeHubCache, smallRecord, temporaryDirectory } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'
import { reportStore } from '../validate/store-report.ts'
import { openMemoryStore, type MemoryStore } from './memory-store.ts'

const mebibyte = 2 ** 20
const large = 'ngc/large.bin'
const content = seeded(1).bytes(5 * mebibyte)
const other = seeded(2).bytes(5 * mebibyte)
const { signal } = new AbortController()
let work: string
let cache: string
let stateDirectory: string
let store: MemoryStore

beforeEach(async () => {
  work = await temporaryDirectory()
  cache = join(work, 'cache')
  stateDirectory = join(work, 'state')
  store = openMemoryStore()
  await makeHubCache(cache)
  await writeFile(join(cache, large), content)
})
afterEach(() => rm(work, { recursive: true }))

const openFiles = async () => openDirectorySource(await scanCacheTree(cache), stateDirectory)
const request = (source: Source, more: Partial<UploadRequest> = {}): UploadRequest => ({
  source,
  record: smallRecord,
  store,
  layout: 'tar',
  replace: false,
  delete: false,
  stateDirectory,
  tool: 'nimctl/test',
  signal,
  ...more,
})
const options = { memory: 8 * mebibyte, partSize: mebibyte, concurrency: 1, signal, report: silent }
/** As `nimctl upload --layout tar --part-size 1Mi --concurrency 1` does. */
const send = async (source: Source, more: Partial<UploadRequest> = {}) => {
  const prepared = await prepareUpload(request(source, more))
  const [done] = await upload(source, [prepared], options)
  if (done === undefined) throw new Error('There is no result.')
  return done
}
const run = async (more: Partial<UploadRequest> = {}) => send(openTarSource(await openFiles()), more)
const fetchFrom = async (from: Store, directory: string) => {
  const { inventory } = await requireInventory(from, undefined, signal)
  const limits = { concurrency: 4, memory: 8 * mebibyte }
  return await download({ store: from, inventory, directory, stateDirectory, ...limits, signal, report: silent })
}
const expectComesBack = async (from: Store) => {
  const back = join(work, randomUUID())
  await fetchFrom(from, back)
  expect(await readTree(back)).toEqual(await readTree(cache))
}
const validate = (at: Store = store) =>
  reportStore({ store: at, profiles: [], deep: false, concurrency: 4, signal, report: silent })
const failures = async () => {
  const { checks } = await validate()
  return checks.filter(({ status }) => status !== 'ok').map(({ name, path }) => [name, path])
}
const archiveBytes = (from = store) => from.objects.get('cache.tar')?.bytes ?? Buffer.alloc(0)

describe('an upload in layout tar', () => {
  it('makes one object, and an inventory that says where each file lies in it', async () => {
    expect(await run()).toMatchObject({
      layout: 'tar',
      links: 'record',
      uploadedFiles: 1,
      copiedFiles: 0,
      proof: { 'full-checksum': 1 },
    })
    expect([...store.objects.keys()]).toEqual(['cache.tar', '.nimctl/inventory.jsonl'])
    const { header, entries } = (await requireInventory(store, undefined, signal)).inventory
    expect(header).toMatchObject({
      archive: { key: 'cache.tar', size: archiveBytes().length, partSize: mebibyte },
      image: smallRecord.image,
      files: 14,
    })
    for (const entry of entries.filter(isFile)) {
      const { key, offset = Number.NaN, size, path } = entry
      expect(key).toBe('cache.tar')
      expect(
        archiveBytes()
          .subarray(offset, offset + size)
          .equals(await readFile(join(cache, path))),
      ).toBe(true)
    }
  })

  it('comes back by download as it was, each file by its range, and once', async () => {
    await run()
    await expectComesBack(store)
    await fetchFrom(store, join(work, 'back'))
    expect(await fetchFrom(store, join(work, 'back'))).toMatchObject({ files: 0, bytes: 0 })
  })

  it('reads nothing and sends nothing the second time', async () => {
    const { inventoryDigest } = await run()
    const files = await openFiles()
    const unread: Source = { ...files, open: refuse, readWhole: refuse, hash: refuse }
    expect(await send(openTarSource(unread))).toMatchObject({
      uploadedBytes: 0,
      skippedFiles: 1,
      inventoryDigest,
    })
  })

  it('sends nothing either where the checksums of the files are not known, and reads each file once', async () => {
    const { inventoryDigest } = await run()
    await rm(join(cache, '.nimctl/sums.jsonl'))
    const files = await openFiles()
    const hashed: string[] = []
    const counting: Source = {
      ...files,
      open: refuse,
      readWhole: refuse,
      hash: (file, stop) => (hashed.push(file.path), files.hash(file, stop)),
    }
    expect(await send(openTarSource(counting))).toMatchObject({ uploadedBytes: 0, inventoryDigest })
    expect(hashed.length).toBe(new Set(hashed).size)
  })

  it('has the same bytes whenever and wherever the same files lie', async () => {
    await run()
    const moved = join(work, 'moved')
    await cp(cache, moved, { recursive: true, verbatimSymlinks: true })
    await utimes(join(moved, large), 1, 1)
    const elsewhere = openMemoryStore()
    const source = openTarSource(await openDirectorySource(await scanCacheTree(moved), stateDirectory))
    await send(source, { store: elsewhere })
    expect(archiveBytes(elsewhere).equals(archiveBytes())).toBe(true)
  })

  it.each([
    ['has another content of the same size', () => writeFile(join(cache, large), other)],
    ['is gone', () => rm(join(cache, large))],
    ['is new', () => writeFile(join(cache, 'new.txt'), 'new')],
  ])('is sent anew when a file %s', async (_how, change) => {
    await run()
    await change()
    expect(await run()).toMatchObject({ uploadedFiles: 1, skippedFiles: 0 })
    expect(await failures()).toEqual([])
    await expectComesBack(store)
  })

  it('refuses to give links another meaning', async () => {
    const source = openTarSource(await openFiles())
    for (const links of ['copy', 'follow'] as const) {
      await expect(prepareUpload(request(source, { links }))).rejects.toMatchObject({
        category: 'usage',
        code: 'LINKS_IN_ARCHIVE',
      })
    }
  })

  it('refuses a link that leads nowhere', async () => {
    await rm(join(cache, large))
    const [blob] = await readdir(join(cache, 'ngc/hub/models--nim--meta--test-model/blobs'))
    await rm(join(cache, 'ngc/hub/models--nim--meta--test-model/blobs', blob ?? ''))
    await expect(run()).rejects.toMatchObject({ category: 'local', code: 'LINK_BROKEN' })
  })

  it('works in a store without checksums', async () => {
    const directory = await openStore(pathToFileURL(join(work, 'store')), {})
    const { inventoryDigest } = await run({ store: directory })
    expect(await run({ store: directory })).toMatchObject({ uploadedBytes: 0, inventoryDigest })
    expect((await validate(directory)).ok).toBe(true)
    await expectComesBack(directory)
  })

  it('goes to several stores by one reading of each file', async () => {
    const elsewhere = { ...openMemoryStore(), url: new URL('s3://elsewhere/') }
    const counted = countReads(await openFiles())
    const source = openTarSource(counted.source)
    const both = await Promise.all([store, elsewhere].map(to => prepareUpload(request(source, { store: to }))))
    const [first, second] = await upload(source, both, options)
    expect(first?.inventoryDigest).toBe(second?.inventoryDigest)
    expect(archiveBytes(elsewhere).equals(archiveBytes())).toBe(true)
    const { header } = (await requireInventory(store, undefined, signal)).inventory
    expect(counted.bytes()).toBe(header.bytes)
  })

  it('lies under a prefix alone', async () => {
    const files = await openFiles()
    await run()
    for (const replace of [false, true]) {
      await expect(send(files, { layout: 'cache', replace })).rejects.toMatchObject({ code: 'LAYOUT_MIXED' })
    }
    await send(await openFiles(), { layout: 'cache', replace: true, delete: true })
    expect(store.objects.has('cache.tar')).toBe(false)
    await expect(run()).rejects.toMatchObject({ code: 'LAYOUT_MIXED' })
    await run({ replace: true, delete: true })
    expect([...store.objects.keys()].toSorted()).toEqual(['.nimctl/inventory.jsonl', 'cache.tar'])
  })

  it('takes a file of the same name into the archive', async () => {
    await writeFile(join(cache, 'cache.tar'), 'not an archive')
    await run()
    expect(await run()).toMatchObject({ uploadedBytes: 0 })
    await expectComesBack(store)
  })
})

describe('an interrupted upload in layout tar', () => {
  it('goes on with the parts that were acknowledged, and reads of the rest no more than it must', async () => {
    await expect(run({ store: breakingAfter(store, 3) })).rejects.toThrow('the line is cut')
    const counted = countReads(await openFiles())
    const { uploadedBytes } = await send(openTarSource(counted.source))
    expect(uploadedBytes).toBe(archiveBytes().length - 3 * mebibyte)
    // The border of the large file lies within a part that was sent; so much is read for its checksum.
    expect(counted.bytes()).toBeLessThan(uploadedBytes + mebibyte)
    expect(await failures()).toEqual([])
    await expectComesBack(store)
  })

  it('finds its parts in the store where the journal is lost', async () => {
    await expect(run({ store: breakingAfter(store, 3) })).rejects.toThrow('the line is cut')
    await rm(stateDirectory, { recursive: true })
    expect((await run()).uploadedBytes).toBe(archiveBytes().length - 3 * mebibyte)
    await expectComesBack(store)
  })

  it('begins anew when a file has changed since', async () => {
    await expect(run({ store: breakingAfter(store, 3) })).rejects.toThrow('the line is cut')
    await writeFile(join(cache, large), other)
    expect((await run()).uploadedBytes).toBe(archiveBytes().length)
    await expectComesBack(store)
  })

  it.each([
    ['grows', () => appendFile(join(cache, large), 'more')],
    ['is truncated', () => truncate(join(cache, large), mebibyte)],
    ['is written over', () => writeFile(join(cache, large), other)],
    ['is gone', () => rm(join(cache, large))],
  ])('says so when a file %s meanwhile, and makes no mixture', async (_how, change) => {
    await expect(run({ store: atFirstPart(store, change) })).rejects.toMatchObject({
      category: 'local',
      code: 'SOURCE_CHANGED',
    })
    expect(store.objects.size).toBe(0)
  })

  it('notices that what a former run sent is not what lies there now, and mends it', async () => {
    const path = join(cache, 'ngc/hub/models--nim--meta--test-model/refs/hf-1234567')
    await utimes(path, 1, 1)
    await expect(run({ store: breakingAfter(store, 3) })).rejects.toThrow('the line is cut')
    await rm(join(cache, '.nimctl/sums.jsonl'))
    await writeFile(path, 'fh-7654321')
    await utimes(path, 1, 1)
    await expect(run()).rejects.toMatchObject({ category: 'local', code: 'SOURCE_CHANGED' })
    expect(store.objects.has('.nimctl/inventory.jsonl')).toBe(false)
    await run()
    expect(await failures()).toEqual([])
    await expectComesBack(store)
  })
})

describe('validate and list', () => {
  it.each<[string, string, () => void]>([
    ['a flipped byte', 'store.file-checksum', () => store.place('cache.tar', flipped(archiveBytes(), 5000))],
    ['a cut end', 'store.file-size', () => store.place('cache.tar', archiveBytes().subarray(0, -1))],
    ['no archive', 'store.file-missing', () => void store.objects.delete('cache.tar')],
  ])('name the archive: %s', async (_case, name, hurt) => {
    await run()
    hurt()
    expect(await failures()).toEqual([[name, 'cache.tar']])
    expect(await listCaches(store, signal)).toMatchObject([{ layout: 'tar', complete: name === 'store.file-checksum' }])
  })

  it.each([
    ['is read back where the store has a checksum of the inventory', ['cache.tar'], 'failed'],
    ['is not provable where the store has none of either', ['cache.tar', '.nimctl/inventory.jsonl'], 'not-provable'],
  ])('an archive that another tool put there, without a checksum, %s', async (_case, without, status) => {
    await run()
    store.place('cache.tar', flipped(archiveBytes(), 5000))
    const forgetful: Store = {
      ...store,
      stat: async (key, options) => {
        const { crc32c, ...object } = (await store.stat(key, options)) ?? { key, size: 0 }
        return { ...object, ...(crc32c !== undefined && !without.includes(key) && { crc32c }) }
      },
    }
    const { checks } = await validate(forgetful)
    expect(checks.filter(({ path }) => path === 'cache.tar')).toMatchObject([{ name: 'store.file-checksum', status }])
  })

  it('say that it is not complete without its inventory', async () => {
    await run()
    store.objects.delete('.nimctl/inventory.jsonl')
    expect(await failures()).toEqual([['store.inventory', '.nimctl/inventory.jsonl']])
    expect(await listCaches(store, signal)).toMatchObject([{ files: 1, complete: false }])
    await expect(fetchFrom(store, join(work, 'back'))).rejects.toMatchObject({ code: 'INVENTORY_MISSING' })
  })

  it('count the files in it', async () => {
    await run()
    expect(await listCaches(store, signal)).toMatchObject([{ layout: 'tar', files: 14, complete: true }])
  })

  it('a damaged archive is not downloaded, and the file is named', async () => {
    await run()
    const { inventory } = await requireInventory(store, undefined, signal)
    const entry = inventory.entries.filter(isFile).find(({ path }) => path === large)
    store.place('cache.tar', flipped(archiveBytes(), (entry?.offset ?? 0) + 5))
    await expect(fetchFrom(store, join(work, 'back'))).rejects.toMatchObject({
      code: 'DOWNLOAD_DAMAGED',
      message: expect.stringContaining(`${large} in `),
    })
  })
})

describe('an archive in a store as the source', () => {
  const openPublished = async (from: Store = store) => {
    const published = await requireInventory(from, undefined, signal)
    return { published, record: recordOf(published.inventory.header) }
  }
  const openArchive = async () => {
    const { published, record } = await openPublished()
    const { archive } = published.inventory.header
    if (archive === undefined) throw new Error('There is no archive.')
    return { source: openStoreArchive(store, { published, archive, report: silent }), record }
  }

  it('is copied as it is', async () => {
    const { inventoryDigest } = await run()
    const elsewhere = openMemoryStore()
    const { source, record } = await openArchive()
    expect(await send(source, { record, store: elsewhere })).toMatchObject({ uploadedFiles: 1, inventoryDigest })
    expect(archiveBytes(elsewhere).equals(archiveBytes())).toBe(true)
    expect(await send(source, { record, store: elsewhere })).toMatchObject({ uploadedBytes: 0 })
  })

  it('is unpacked into another layout, and packed again to the same bytes', async () => {
    const { inventoryDigest } = await run()
    const { published, record } = await openPublished()
    const unpacked = openMemoryStore()
    await send(openStoreSource(store, published, silent), { record, store: unpacked, layout: 'cache' })
    await expectComesBack(unpacked)

    const packed = openMemoryStore()
    const back = await openPublished(unpacked)
    const source = openTarSource(openStoreSource(unpacked, back.published, silent))
    expect(await send(source, { record, store: packed })).toMatchObject({ inventoryDigest })
    expect(archiveBytes(packed).equals(archiveBytes())).toBe(true)
  })

  it('is copied by the server whole, and never in the place of a file', async () => {
    await run()
    const service = 'the same'
    const here = { ...store, service }
    const { published, record } = await openPublished(here)
    const { archive } = published.inventory.header
    if (archive === undefined) throw new Error('There is no archive.')
    const destination = (): MemoryStore => {
      const elsewhere = openMemoryStore()
      const copyFrom: NonNullable<Store['copyFrom']> = async ({ object }, to) => {
        elsewhere.place(to, store.objects.get(object.key)?.bytes ?? Buffer.alloc(0))
        return { key: to, size: object.size }
      }
      return { ...elsewhere, service, copyFrom }
    }
    const whole = destination()
    const source = openStoreArchive(here, { published, archive, report: silent })
    expect(await send(source, { record, store: whole })).toMatchObject({ copiedFiles: 1, uploadedFiles: 0 })
    expect(archiveBytes(whole).equals(archiveBytes())).toBe(true)

    const files = destination()
    await send(openStoreSource(here, published, silent), { record, store: files, layout: 'cache' })
    await expectComesBack(files)
  })

  it('is refused where it is not what its inventory says', async () => {
    await run()
    store.place('cache.tar', flipped(archiveBytes(), 5000))
    const { source, record } = await openArchive()
    const elsewhere = openMemoryStore()
    await expect(send(source, { record, store: elsewhere })).rejects.toMatchObject({
      category: 'check-failed',
      code: 'SOURCE_DAMAGED',
    })
    expect(elsewhere.objects.has('.nimctl/inventory.jsonl')).toBe(false)
  })

  it('is refused where a file that is packed is not what its inventory says', async () => {
    await send(await openFiles(), { layout: 'cache' })
    store.place(large, flipped(store.objects.get(large)?.bytes ?? Buffer.alloc(0), 4 * mebibyte))
    const { published, record } = await openPublished()
    const elsewhere = openMemoryStore()
    await expect(
      send(openTarSource(openStoreSource(store, published, silent)), { record, store: elsewhere }),
    ).rejects.toMatchObject({ code: 'SOURCE_DAMAGED' })
    expect(elsewhere.objects.has('.nimctl/inventory.jsonl')).toBe(false)
  })
})

function isFile(entry: InventoryEntry): entry is InventoryEntry & { type: 'file' } {
  return entry.type === 'file'
}

function countReads(files: Source): { source: Source; bytes: () => number } {
  let total = 0
  const open: Source['open'] = async file => {
    const opened = await files.open(file)
    return { ...opened, read: async (bytes, ...rest) => ((total += bytes.length), await opened.read(bytes, ...rest)) }
  }
  const readWhole: Source['readWhole'] = async (file, bytes, rest) => {
    total += bytes.length
    await files.readWhole(file, bytes, rest)
  }
  return { source: { ...files, open, readWhole }, bytes: () => total }
}

async function refuse(file: FileEntry): Promise<never> {
  throw new Error(`${file.path} was read.`)
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
  return copy
}

/** The same store, whose connection breaks after so many parts. */
function breakingAfter(whole: Store, parts: number): Store {
  let sent = 0
  return beforeParts(whole, async () => {
    if (sent++ >= parts) throw new Error('the line is cut')
  })
}

function atFirstPart(whole: Store, change: () => Promise<void>): Store {
  let changed: Promise<void> | undefined
  return beforeParts(whole, async () => await (changed ??= change()))
}

function beforeParts(whole: Store, before: () => Promise<void>): Store {
  const hurt = (opened: Upload): Upload => ({
    ...opened,
    putPart: async (...args) => {
      await before()
      return await opened.putPart(...args)
    },
  })
  return { ...whole, openUpload: async (...args) => hurt(await whole.openUpload(...args)) }
}
