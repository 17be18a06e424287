import { appendFile, cp, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { beforeEach, describe, expect, it } from 'vitest'

import { readCacheRecord } from '../../src/cache/record.ts'
import { scanCacheTree } from '../../src/cache/scan.ts'
import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { type ProgressEvent, type Report, silent } from '../../src/system/progress.ts'
import { download } from '../../src/transfer/download.ts'
import { listCaches } from '../../src/transfer/list-caches.ts'
import { requireInventory } from '../../src/transfer/marker.ts'
import { prepareUpload, type UploadRequest } from '../../src/transfer/prepare-upload.ts'
import { openDirectorySource, type Source } from '../../src/transfer/source.ts'
import { openStoreSource, recordOf } from '../../src/transfer/store-source.ts'
import { upload } from '../../src/transfer/upload.ts'
import { makeHubCache, smallRecord, temporaryDirectory } from '../hub-cache.ts'
import { reportStore } from '../validate/store-report.ts'
import { openMemoryStore } from './memory-store.ts'

const { signal } = new AbortController()
let work: string
let cache: string
let store: Store
let stateDirectory: string

beforeEach(async () => {
  work = await temporaryDirectory()
  cache = join(work, 'cache')
  stateDirectory = join(work, 'state')
  store = await openStore(pathToFileURL(join(work, 'store')), {})
  await makeHubCache(cache)
})

const openSource = async (directory = cache) => openDirectorySource(await scanCacheTree(directory), stateDirectory)
const prepare = async (request: Partial<UploadRequest> = {}) => {
  const source = request.source ?? (await openSource())
  return await prepareUpload({
    source,
    record: await readCacheRecord(source.tree.root),
    store,
    layout: 'cache',
    replace: false,
    delete: false,
    stateDirectory,
    tool: 'nimctl/test',
    signal,
    ...request,
  })
}
const options = { memory: 2 ** 25, signal, report: silent }
const run = async (request: Partial<UploadRequest> = {}) => {
  const source = await openSource()
  const [done] = await upload(source, [await prepare({ source, ...request })], options)
  if (done === undefined) throw new Error('No result.')
  return done
}
const validate = () => reportStore({ store, profiles: [], deep: false, concurrency: 4, signal, report: silent })
const fetchInto = async (directory: string, report: Report = silent) => {
  const { inventory } = await requireInventory(store, undefined, signal)
  return await download({
    store,
    inventory,
    directory,
    stateDirectory,
    concurrency: 4,
    memory: 2 ** 25,
    signal,
    report,
  })
}
const failures = async () => {
  const { checks } = await validate()
  return checks.filter(({ status }) => status === 'failed').map(({ name, path }) => [name, path])
}
const hub = 'ngc/hub/models--nim--meta--test-model'
const stored = (path: string) => join(work, 'store', hub, path)

/** Every path below a directory with its content or link, without what is nimctl's own. */
async function readTree(root: string): Promise<Record<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const tree: Record<string, string> = {}
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(root.length + 1)
    if (name.startsWith('.nimctl')) continue
    if (entry.isSymbolicLink()) tree[name] = `-> ${await readlink(path)}`
    else tree[name] = entry.isFile() ? await readFile(path, 'utf8') : 'directory'
  }
  return tree
}

describe('upload', () => {
  it('sends each blob once, copies links in the store, and is complete', async () => {
    const result = await run()
    expect(result).toMatchObject({
      layout: 'cache',
      links: 'copy',
      uploadedFiles: 7,
      copiedFiles: 6,
      skippedFiles: 0,
      verified: true,
    })
    expect(await readFile(stored('snapshots/hf-1234567/nested/deep/tokenizer.json'), 'utf8')).toBe('{}')
    expect(await failures()).toEqual([])
  })

  it('sends nothing the second time, and keeps the inventory', async () => {
    const first = await run()
    const second = await run()
    expect(second).toMatchObject({
      uploadedBytes: 0,
      copiedFiles: 0,
      skippedFiles: 13,
      inventoryDigest: first.inventoryDigest,
    })
  })

  it('keeps the inventory also of files that went in parts', async () => {
    await writeFile(join(cache, 'large.bin'), Buffer.alloc(20 * 2 ** 20, 7))
    const first = await run()
    expect(await run()).toMatchObject({ uploadedBytes: 0, inventoryDigest: first.inventoryDigest })
  })

  it('comes back by download exactly as it was, links and empty folders included', async () => {
    for (const links of ['copy', 'follow', 'record'] as const) {
      await run({ links, replace: true, delete: true })
      const back = join(work, `back-${links}`)
      await fetchInto(back)
      expect(await readTree(back)).toEqual(await readTree(cache))
      expect(await fetchInto(back)).toMatchObject({ files: 0, bytes: 0 })
    }
  })

  it('goes on with what another run finished, in a store without checksums', async () => {
    const interrupt = new AbortController()
    let put = 0
    const dying: Store = {
      ...store,
      put: async (key, bytes, sums, options) => {
        if (++put === 4) interrupt.abort()
        options.signal.throwIfAborted()
        return await store.put(key, bytes, sums, options)
      },
    }
    const source = await openSource()
    const prepared = await prepare({ source, store: dying })
    await expect(upload(source, [prepared], { ...options, concurrency: 1, signal: interrupt.signal })).rejects.toThrow(
      'aborted',
    )
    expect((await validate()).ok).toBe(false)
    expect(await run()).toMatchObject({ uploadedFiles: 4, skippedFiles: 3 })
    expect(await failures()).toEqual([])
  })

  it('sends a followed link that is missing, and not again what else has its content', async () => {
    store = openMemoryStore()
    await run({ links: 'follow' })
    await store.remove(`${hub}/snapshots/hf-1234567/nested/deep/tokenizer.json`, { signal })
    await rm(join(cache, '.nimctl/sums.jsonl'))
    expect(await run({ links: 'follow' })).toMatchObject({ uploadedFiles: 1, skippedFiles: 12 })
  })

  it('is not complete while it changes', async () => {
    await run()
    await writeFile(join(cache, 'new.txt'), 'new')
    const source = await openSource()
    const prepared = await prepare({ source })
    const failing: Store = { ...prepared.store, put: async () => Promise.reject(new Error('away')) }
    await expect(upload(source, [{ ...prepared, store: failing }], options)).rejects.toThrow('away')
    expect(await failures()).toEqual([['store.inventory', '.nimctl/inventory.jsonl']])
  })

  it('notices a file that changes under its hands', async () => {
    const source = await openSource()
    const prepared = await prepare({ source })
    await appendFile(join(cache, 'ngc/hub/models--nim--meta--test-model/refs/hf-1234567'), 'more')
    await expect(upload(source, [prepared], options)).rejects.toMatchObject({
      category: 'local',
      code: 'SOURCE_CHANGED',
    })
  })

  it('refuses a prefix that holds another image, unless told to replace it', async () => {
    await run()
    const other = { ...smallRecord, imageDigest: `sha256:${'cd'.repeat(32)}` }
    await writeFile(join(cache, '.nimctl/cache.json'), JSON.stringify(other))
    await expect(run()).rejects.toMatchObject({ category: 'usage', code: 'PREFIX_HOLDS_ANOTHER_IMAGE' })
    expect(await run({ replace: true })).toMatchObject({ uploadedBytes: 0 })
  })

  it('never mixes layouts', async () => {
    await run()
    await expect(run({ layout: 'ngc' })).rejects.toMatchObject({ code: 'LAYOUT_MIXED' })
    await rm(join(work, 'store'), { recursive: true })
    await run({ layout: 'ngc' })
    await expect(run()).rejects.toMatchObject({ code: 'LAYOUT_MIXED' })
  })

  it('deletes what the directory does not have only when asked', async () => {
    await run()
    await writeFile(join(work, 'store/extra.txt'), 'extra')
    await run()
    expect((await validate()).checks.filter(({ name }) => name === 'store.extra').map(({ path }) => path)).toEqual([
      'extra.txt',
    ])
    expect(await run({ delete: true })).toMatchObject({ deletedFiles: 1 })
  })

  it("in layout ngc deletes only what is this image's own", async () => {
    await run({ layout: 'ngc' })
    await writeFile(join(work, 'store/somebody-elses'), 'x')
    await rm(join(cache, hub, 'snapshots/hf-1234567/config.json'))
    expect(await run({ layout: 'ngc', delete: true })).toMatchObject({ deletedFiles: 1 })
    expect(await readdir(join(work, 'store'))).toContain('somebody-elses')
  })

  it('says that a missing directory is missing', async () => {
    await expect(openSource(join(work, 'nowhere'))).rejects.toMatchObject({
      category: 'not-found',
      code: 'CACHE_NOT_FOUND',
    })
  })
})

describe('several destinations', () => {
  it('get every file by one reading, and each what it lacks', async () => {
    const other = await openStore(pathToFileURL(join(work, 'other')), {})
    await run()
    await rm(stored('refs/hf-1234567'))
    const source = await openSource()
    let read = 0
    const counting: Source = {
      ...source,
      open: file => (read++, source.open(file)),
      readWhole: (file, bytes, how) => (read++, source.readWhole(file, bytes, how)),
    }
    const prepared = await Promise.all([prepare({ source }), prepare({ source, store: other })])
    const done = await upload(counting, prepared, options)
    expect(done.map(({ uploadedFiles }) => uploadedFiles)).toEqual([1, 7])
    expect(read).toBe(7)
    expect(await readTree(join(work, 'other'))).toEqual(await readTree(join(work, 'store')))
  })

  it('have MD5 and BLAKE3 in the inventory of the one that notes them, also after a second run', async () => {
    const first = await run()
    const other = await openStore(pathToFileURL(join(work, 'other')), {})
    other.capabilities.notesDigests = true
    const send = async () => {
      const source = await openSource()
      const prepared = await Promise.all([prepare({ source }), prepare({ source, store: other })])
      return await upload(source, prepared, options)
    }
    const [unchanged, noting] = await send()
    expect(unchanged?.inventoryDigest).toBe(first.inventoryDigest)
    const { inventory } = await requireInventory(other, undefined, signal)
    const files = inventory.entries.filter(entry => entry.type === 'file')
    expect(files.every(({ md5, blake3 }) => md5?.length === 32 && blake3?.length === 64)).toBe(true)
    const [, again] = await send()
    expect(again).toMatchObject({ uploadedFiles: 0, inventoryDigest: noting?.inventoryDigest })
  })

  it('can have a store as their source, links and all', async () => {
    await run({ links: 'record' })
    const published = await requireInventory(store, undefined, signal)
    const source = openStoreSource(store, published, silent)
    const other = await openStore(pathToFileURL(join(work, 'other')), {})
    const record = recordOf(published.inventory.header)
    const prepared = await prepareUpload({
      source,
      record,
      store: other,
      layout: 'cache',
      replace: false,
      delete: false,
      stateDirectory,
      tool: 'nimctl/test',
      signal,
    })
    expect(await upload(source, [prepared], options)).toMatchObject([
      { uploadedFiles: 7, copiedFiles: 6, image: expect.stringContaining(smallRecord.image) },
    ])
    const { inventory } = await requireInventory(other, undefined, signal)
    await download({
      store: other,
      inventory,
      directory: join(work, 'back'),
      stateDirectory,
      concurrency: 4,
      memory: 2 ** 25,
      signal,
      report: silent,
    })
    expect(await readTree(join(work, 'back'))).toEqual(await readTree(cache))
  })

  it('refuse a source that is not what its inventory says', async () => {
    await run()
    const [name] = await readdir(stored('blobs'))
    await writeFile(stored(`blobs/${name}`), Buffer.alloc((await readFile(stored(`blobs/${name}`))).length, 1))
    const published = await requireInventory(store, undefined, signal)
    const source = openStoreSource(store, published, silent)
    const other = await openStore(pathToFileURL(join(work, 'other')), {})
    const prepared = await prepareUpload({
      source,
      record: undefined,
      store: other,
      layout: 'cache',
      replace: false,
      delete: false,
      stateDirectory,
      tool: 'nimctl/test',
      signal,
    })
    await expect(upload(source, [prepared], options)).rejects.toMatchObject({
      category: 'check-failed',
      code: 'SOURCE_DAMAGED',
    })
    await expect(requireInventory(other, undefined, signal)).rejects.toMatchObject({ code: 'INVENTORY_MISSING' })
  })
})

describe('validate store', () => {
  it.each([
    ['a flipped byte', 'blobs/d0e0f6a5b5b2ac8cae9b4bcbda8fb6c3', 'x', 'checksum'],
    ['a truncated blob', 'blobs', '', 'size'],
    ['a missing blob', 'blobs', undefined, 'missing'],
  ])('names the key of %s', async (_case, _path, _content, kind) => {
    await run()
    const [name] = (await readdir(stored('blobs'))).toSorted()
    const path = stored(`blobs/${name}`)
    if (kind === 'missing') await rm(path)
    else if (kind === 'size') await writeFile(path, (await readFile(path)).subarray(0, -1))
    else {
      const bytes = await readFile(path)
      bytes[0] = (bytes[0] ?? 0) ^ 1
      await writeFile(path, bytes)
    }
    expect(await failures()).toEqual([[`store.blob-${kind}`, `${hub}/blobs/${name}`]])
  })

  it('names a missing snapshot key', async () => {
    await run()
    await rm(stored('snapshots/hf-1234567/config.json'))
    expect(await failures()).toEqual([['store.link-missing', `${hub}/snapshots/hf-1234567/config.json`]])
  })

  it('fails without an inventory, with a damaged one and with another one', async () => {
    const { inventoryDigest } = await run()
    const marker = join(work, 'store/.nimctl/inventory.jsonl')
    const other = await reportStore({
      store,
      inventoryDigest: `sha256:${'0'.repeat(64)}`,
      profiles: [],
      deep: false,
      concurrency: 1,
      signal,
      report: silent,
    })
    expect(other.checks.filter(({ status }) => status === 'failed')).toMatchObject([
      { name: 'store.inventory-digest', found: inventoryDigest },
    ])
    await writeFile(marker, (await readFile(marker)).subarray(0, -5))
    expect(await failures()).toEqual([['store.inventory', '.nimctl/inventory.jsonl']])
    await rm(marker)
    expect(await failures()).toEqual([['store.inventory', '.nimctl/inventory.jsonl']])
  })

  it('knows which profiles were uploaded', async () => {
    await run()
    const report = await reportStore({
      store,
      profiles: ['c0ffee', 'dead'],
      deep: false,
      concurrency: 1,
      signal,
      report: silent,
    })
    expect(report.checks.filter(({ name }) => name === 'store.profile')).toMatchObject([
      { status: 'failed', expected: 'dead' },
      { status: 'ok', expected: 'c0ffee' },
    ])
  })
})

describe('download', () => {
  it('refuses what is not what was uploaded, and keeps the rest', async () => {
    await run()
    const [name] = await readdir(stored('blobs'))
    const bytes = await readFile(stored(`blobs/${name}`))
    await writeFile(stored(`blobs/${name}`), Buffer.alloc(bytes.length, 1))
    await expect(fetchInto(join(work, 'back'))).rejects.toMatchObject({
      category: 'check-failed',
      code: 'DOWNLOAD_DAMAGED',
    })
    await writeFile(stored(`blobs/${name}`), bytes)
    await fetchInto(join(work, 'back'))
    expect(await readTree(join(work, 'back'))).toEqual(await readTree(cache))
  })

  it('counts what is there as done, and not as fetched', async () => {
    await run()
    const back = join(work, 'back')
    const { bytes } = await fetchInto(back)
    const events: ProgressEvent[] = []
    await fetchInto(back, event => events.push(event))
    const arrived = events.filter(event => event.event === 'bytes')
    expect(arrived.filter(({ resumed }) => resumed !== true)).toEqual([])
    expect(arrived.reduce((sum, event) => sum + event.bytes, 0)).toBe(bytes)
  })

  it('does not follow a link that leads out of the directory', async () => {
    await run()
    await mkdir(join(work, 'back'))
    await mkdir(join(work, 'elsewhere'))
    await symlink(join(work, 'elsewhere'), join(work, 'back/ngc'))
    await expect(fetchInto(join(work, 'back'))).rejects.toMatchObject({ code: 'DIRECTORY_LEADS_OUTSIDE' })
    expect(await readdir(join(work, 'elsewhere'))).toEqual([])
  })

  it('needs an inventory', async () => {
    await cp(cache, join(work, 'store'), { recursive: true })
    await expect(fetchInto(join(work, 'back'))).rejects.toMatchObject({
      category: 'check-failed',
      code: 'INVENTORY_MISSING',
    })
  })

  it('restores modes', async () => {
    await run()
    await fetchInto(join(work, 'back'))
    const modes = await Promise.all([cache, join(work, 'back')].map(root => stat(join(root, hub, 'refs/hf-1234567'))))
    expect(modes[0]?.mode).toBe(modes[1]?.mode)
  })
})

describe('list', () => {
  it('tells complete caches from others', async () => {
    await run()
    await cp(cache, join(work, 'store/by-another-tool'), { recursive: true })
    expect(await listCaches(store, signal)).toMatchObject([
      { image: smallRecord.image, layout: 'cache', complete: true, files: 13 },
      { prefix: expect.stringContaining('by-another-tool/'), complete: false },
    ])
    await rm(stored('refs/hf-1234567'))
    expect((await listCaches(store, signal))[0]).toMatchObject({ complete: false })
  })
})
