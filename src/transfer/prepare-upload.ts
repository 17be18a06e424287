import type { CacheRecord, CacheTree } from '../cache/cache-tree.ts'
import {
  inventoryKey,
  listStoredEntries,
  ngcInventoryKey,
  ownFolder,
  type Layout,
  type Links,
} from '../inventory/inventory.ts'
import type { Store, StoredObject } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'
import { forAll } from '../system/for-all.ts'
import { journalPath, openJournal, type Journal } from './journal.ts'
import { canList, findUnlisted, listObjects } from './listing.ts'
import { describeKey, readPublishedInventory, type PublishedInventory } from './marker.ts'
import { planUpload, type TransferPlan } from './plan.ts'
import type { Archive, Source } from './source.ts'
import { listWanted, type WantedObject } from './wanted.ts'

export interface UploadRequest {
  /** With an archive in layout `tar`, and without one in the others. */
  source: Source
  /** Which image the files are of, where it is known. */
  record: CacheRecord | undefined
  store: Store
  layout: Layout
  /** Absent: `copy` where the store can, else `follow`. */
  links?: Links
  /** Another image may lie under the prefix; it is replaced. */
  replace: boolean
  /** Remove objects under the prefix that the source does not have. */
  delete: boolean
  /** Where journals and locks live. */
  stateDirectory: string
  /** `nimctl/<version>`. */
  tool: string
  signal: AbortSignal
}

export interface PreparedUpload {
  /** Without credentials, for people and results. */
  url: string
  store: Store
  layout: Layout
  links: Links
  tree: CacheTree
  archive: Archive | undefined
  record: CacheRecord | undefined
  wanted: WantedObject[]
  stored: Map<string, StoredObject>
  /** CRC32C of stored objects that the listing does not give, by key: recorded before, or asked for now. */
  remoteSums: Map<string, number>
  plan: TransferPlan
  markerKey: string
  published: PublishedInventory | undefined
  journal: Journal
  stateDirectory: string
  tool: string
}

/**
 * Reads both sides and decides. Changes nothing: this alone is a dry run.
 *
 * @throws NimctlError `usage` / `PREFIX_HOLDS_ANOTHER_IMAGE`, `LINKS_COPY_IMPOSSIBLE`, `LINKS_IN_ARCHIVE`,
 *   `LAYOUT_MIXED`, `NGC_NEEDS_ROOT`,
 *   `LISTING_NEEDED`.
 */
export async function prepareUpload(request: UploadRequest): Promise<PreparedUpload> {
  const { source, record, store, layout, stateDirectory, tool, signal } = request
  const { tree, archive } = source
  const links = chooseLinks(request)
  requireRoot(request)
  requireListing(request)
  const wanted = archive === undefined ? listWanted(tree, { layout, links }) : [wholeArchive(archive)]
  const markerKey = chooseMarkerKey(request)
  const [stored, { published, journal }] = await beside(
    stop => listStored(request, wanted, stop),
    async () => {
      const there = await readPublishedInventory(store, markerKey, signal).catch(damagedIsNone)
      checkPrefix(there, request)
      return { published: there, journal: await openJournal(journalPath(stateDirectory, tree.root, store.url)) }
    },
    signal,
  )
  await refuseMixedLayouts(stored, request)
  const remoteSums = await findRemoteSums(wanted, { stored, journal, published, request })
  const plan = planUpload({
    wanted,
    stored,
    localSums: sumsOf(wanted, source),
    remoteSums,
    serverCopy: store.capabilities.serverCopy && layout !== 'ngc',
    originKeys: listOriginKeys(wanted, request),
    deletable: request.delete ? await listDeletable(stored, { request, markerKey, published }) : [],
  })
  const url = describeKey(store, '')
  const decided = { url, store, layout, links, tree, archive, record, wanted, stored, remoteSums, plan }
  return { ...decided, markerKey, published, journal, stateDirectory, tool }
}

/** Whether the server permits it, the first copy shows. */
function listOriginKeys(
  wanted: readonly WantedObject[],
  { source: { origin }, store }: UploadRequest,
): Map<string, string> {
  if (origin === undefined || store.service === undefined || store.service !== origin.store.service) return new Map()
  return new Map(wanted.map(({ source: file }) => [file.path, origin.keyOf(file)]))
}

/** Begins the first and does the second meanwhile, whose error counts: then the first is stopped and waited for. */
async function beside<T, U>(
  first: (stop: AbortSignal) => Promise<T>,
  second: () => Promise<U>,
  signal: AbortSignal,
): Promise<[T, U]> {
  const failing = new AbortController()
  const begun = first(AbortSignal.any([signal, failing.signal]))
  try {
    // Waited for below; until then nobody listens for its error.
    begun.catch(() => {})
    const done = await second()
    return [await begun, done]
  } catch (error) {
    failing.abort(error)
    await begun.catch(() => {})
    throw error
  }
}

function sumsOf(wanted: readonly WantedObject[], source: Source): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { source: file } of wanted) {
    const sum = source.sumOf(file)
    if (sum !== undefined) sums.set(file.path, sum)
  }
  return sums
}

/** An upload writes the inventory anew, which mends a damaged one. */
function damagedIsNone(error: unknown): undefined {
  if (error instanceof NimctlError && error.code === 'INVENTORY_INVALID') return undefined
  throw error
}

function wholeArchive({ file }: Archive): WantedObject {
  return { key: file.path, path: file.path, source: file }
}

function chooseLinks({ links, layout, store }: UploadRequest): Links {
  if (layout === 'tar') return linksInArchive(links)
  const { serverCopy } = store.capabilities
  if (links === 'copy' && !serverCopy) {
    throw new NimctlError('usage', 'LINKS_COPY_IMPOSSIBLE', {
      what: `The store ${describeKey(store, '')} can't copy objects inside itself.`,
      next: 'Use --links follow (each link is sent as a file) or --links record (links stand in the inventory).',
    })
  }
  return links ?? (serverCopy ? 'copy' : 'follow')
}

function linksInArchive(asked: Links | undefined): Links {
  if (asked === undefined || asked === 'record') return 'record'
  throw new NimctlError('usage', 'LINKS_IN_ARCHIVE', {
    what: `Layout tar keeps links as links in its archive, so --links ${asked} has no meaning there.`,
    next: 'Leave --links away, or use --layout cache.',
  })
}

function requireListing({ delete: removes, layout, store }: UploadRequest): void {
  if (canList(store) || !(removes || layout === 'ngc')) return
  throw new NimctlError('usage', 'LISTING_NEEDED', {
    what: `${describeKey(store, '')} can't be listed, so nobody can say what else lies there.`,
    why: `${removes ? '--delete' : '--layout ngc'} has to know.`,
    next: `Leave ${removes ? '--delete' : '--layout ngc'} away, or have listings switched on (docs/stores/https.md).`,
  })
}

/** NIM_REPOSITORY_OVERRIDE knows no prefix (reference/nim.md 5.1). */
function requireRoot({ layout, store }: UploadRequest): void {
  if (layout !== 'ngc' || store.url.protocol !== 's3:' || store.url.pathname.replaceAll('/', '') === '') return
  throw new NimctlError('usage', 'NGC_NEEDS_ROOT', {
    what: `Layout ngc lies at a bucket's root; ${describeKey(store, '')} has a prefix.`,
    why: 'NIM_REPOSITORY_OVERRIDE takes a bucket and no prefix.',
    next: `Use s3://${store.url.host}/ or another bucket.`,
  })
}

function chooseMarkerKey({ layout, source, record }: UploadRequest): string {
  if (layout !== 'ngc') return inventoryKey
  if (record !== undefined) return ngcInventoryKey(record.image, record.imageDigest)
  throw new NimctlError('usage', 'CACHE_RECORD_MISSING', {
    what: `${source.tree.root} does not say which image it belongs to, which layout ngc needs to keep images apart in one bucket.`,
    next: 'Fill it with nimctl cache, which notes the image in .nimctl/cache.json.',
  })
}

function checkPrefix(published: PublishedInventory | undefined, request: UploadRequest): void {
  const { record, layout, replace } = request
  const there = published?.inventory.header
  if (there === undefined || layout === 'ngc') return
  const where = describeKey(request.store, '')
  // The files of a cache would stay beside an archive, and an archive beside the files.
  const mixes = [layout, there.layout].includes('tar') && !request.delete
  if (there.layout !== layout && (!replace || mixes)) {
    throw new NimctlError('usage', 'LAYOUT_MIXED', {
      what: `${where} holds layout ${there.layout}, and layouts never mix under one prefix.`,
      next: `Use another prefix, or --layout ${there.layout}, or --replace --delete to put this in its place.`,
    })
  }
  if (replace || there.imageDigest === record?.imageDigest) return
  throw new NimctlError('usage', 'PREFIX_HOLDS_ANOTHER_IMAGE', {
    what: `${where} holds ${there.image ?? 'files of no image'} (${there.imageDigest ?? 'no digest'}).`,
    why: `This directory holds ${record?.image ?? 'files of no image'} (${record?.imageDigest ?? 'no digest'}).`,
    next: 'Use another prefix, or --replace to put this one in its place.',
  })
}

/** Our own folder is no content. */
async function listStored(
  { store }: UploadRequest,
  wanted: readonly WantedObject[],
  signal: AbortSignal,
): Promise<Map<string, StoredObject>> {
  const stored = new Map<string, StoredObject>()
  if (canList(store)) {
    for await (const object of listObjects(store, '', signal)) {
      if (!object.key.startsWith(ownFolder)) stored.set(object.key, object)
    }
  }
  const keys = wanted.map(({ key }) => key)
  const unlisted = await findUnlisted(store, keys, { found: stored, signal })
  for (const [key, object] of unlisted) stored.set(key, object)
  return stored
}

async function refuseMixedLayouts(stored: ReadonlyMap<string, StoredObject>, request: UploadRequest): Promise<void> {
  const { store, layout, signal } = request
  const where = describeKey(store, '')
  if (layout === 'ngc') {
    const other = await readPublishedInventory(store, inventoryKey, signal)
    if (other === undefined) return
    throw new NimctlError('usage', 'LAYOUT_MIXED', {
      what: `${where} holds layout ${other.inventory.header.layout}, and layouts never mix under one prefix.`,
      next: 'Use a bucket of its own for layout ngc.',
    })
  }
  const ngcObject = [...stored.keys()].find(key => /^[^/]+%3A[^/]+%3Ffile%3D/.test(key))
  if (ngcObject === undefined) return
  throw new NimctlError('usage', 'LAYOUT_MIXED', {
    what: `${where} holds layout ngc (${ngcObject}), and layouts never mix under one prefix.`,
    next: 'Use a prefix below it, or another bucket.',
  })
}

const asksAtOnce = 32

/**
 * Checksums of what may stay as it is. An object that still has the ETag with which a former run left it needs no
 * question; of others the store is asked. Where it has no checksums, what a former run put whole counts, by its size.
 */
async function findRemoteSums(
  wanted: readonly WantedObject[],
  {
    stored,
    journal,
    published,
    request,
  }: Pick<PreparedUpload, 'stored' | 'journal' | 'published'> & { request: UploadRequest },
): Promise<Map<string, number>> {
  const { store, signal } = request
  const sums = new Map<string, number>()
  const keepsChecksums = store.capabilities.statProof === 'full-checksum'
  for (const entry of keepsChecksums || published === undefined ? [] : listStoredEntries(published.inventory)) {
    sums.set(entry.key ?? entry.path, Number.parseInt(entry.crc32c, 16))
  }
  const unknown: string[] = []
  for (const { key, source } of wanted) {
    const object = stored.get(key)
    if (object === undefined || object.crc32c !== undefined || object.size !== source.size) continue
    if (object.notedCrc32c !== undefined) {
      sums.set(key, object.notedCrc32c)
      continue
    }
    const recorded = journal.objects.get(key)
    const trusted = keepsChecksums
      ? recorded?.etag !== undefined && recorded.etag === object.etag
      : recorded !== undefined
    if (trusted && recorded?.size === object.size) sums.set(key, recorded.crc32c)
    else if (keepsChecksums) unknown.push(key)
  }
  await forAll(
    unknown,
    async (key, stop) => {
      const object = await store.stat(key, { signal: stop })
      if (object?.crc32c !== undefined) sums.set(key, object.crc32c)
    },
    { concurrency: asksAtOnce, signal },
  )
  return sums
}

/** In a bucket that images share, only what this image's last inventory owned and no other image's names. */
async function listDeletable(
  stored: ReadonlyMap<string, StoredObject>,
  { request, markerKey, published }: { request: UploadRequest; markerKey: string } & Pick<PreparedUpload, 'published'>,
): Promise<string[]> {
  if (request.layout !== 'ngc') return [...stored.keys()]
  const owned = keysOf(published)
  for await (const { key } of listObjects(request.store, ownFolder, request.signal)) {
    if (!key.endsWith('.jsonl') || key === markerKey) continue
    for (const other of keysOf(await readPublishedInventory(request.store, key, request.signal))) owned.delete(other)
  }
  return [...owned].filter(key => stored.has(key))
}

function keysOf(published: PublishedInventory | undefined): Set<string> {
  const entries = published?.inventory.entries ?? []
  return new Set(entries.flatMap(entry => (entry.type === 'file' ? [entry.key ?? entry.path] : [])))
}
