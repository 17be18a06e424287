import { keyOf, ownFolder, type InventoryEntry, type InventoryHeader, type Layout } from '../inventory/inventory.ts'
import { mergeByKey } from '../inventory/merge.ts'
import type { Store, StoredObject } from '../stores/store.ts'
import type { Check, CheckLog } from '../system/check.ts'
import { forAll } from '../system/for-all.ts'
import type { Report } from '../system/progress.ts'
import { askStore, isReadable, readContent, type ExpectedContent, type SourceSums } from './expected-content.ts'
import { isOfOtherLayout } from './key-layout.ts'
import { batches, canList, isUnlisted, listSorted, openKeySorter } from './listing.ts'

/** An object that should be there. */
export interface NamedObject {
  key: string
  /** Absent where only the inventory of another image in the same bucket names it. */
  expected?: ExpectedContent
  /** Read it back, whatever the store says of it. */
  read?: true
}

/** What an entry of the inventory names; `undefined` where no object stands for it. */
export function namedObject(entry: InventoryEntry, header: InventoryHeader): NamedObject | undefined {
  const key = keyOf(entry, header)
  if (entry.type === 'directory' || key === undefined) return undefined
  return { key, expected: { kind: kindOf(entry), size: entry.size, crc32c: entry.crc32c } }
}

export interface CompareOptions {
  /** Read contents back, instead of asking the store for its checksums. */
  deep: boolean
  /** The inventory's own key: nimctl put it there, too. Absent: something else filled the prefix. */
  markerKey?: string
  /** What the prefix should hold: keys of another layout show that two were mixed. */
  layout: Layout
  /** Whether a key that nobody names is worth a word. Absent: each is. */
  isExtra?: (key: string) => boolean
  /** Told every key that is listed. */
  onListed?: (key: string) => void
  /** Where contents are files on this machine. */
  sums?: SourceSums
  /** Told the size in bytes of each object that was read back. */
  onRead: (bytes: number) => void
  concurrency: number
  signal: AbortSignal
  report: Report
}

/**
 * Compares what lies in a store with what should, a check per object, and holds neither in memory. Read are, unless
 * `deep`, only objects that something else than nimctl wrote among those of nimctl. What speaks against the listing's
 * word is asked for once more: a listing that lies is told from an object that is bad.
 * Names: `store.blob-…`, `store.link-…` and `store.file-…` with `missing`, `size`, `checksum`; `store.archived`,
 * `store.listing`, `store.extra`, `store.layout-mixed`.
 *
 * @param named in the UTF-8 order of keys.
 */
export async function compareStore(
  store: Store,
  { named, checks }: { named: AsyncIterable<NamedObject>; checks: CheckLog },
  options: CompareOptions,
): Promise<void> {
  const add = async ({ key, expected, check }: Compared): Promise<void> => {
    await checks.add(check)
    if (expected !== undefined) options.report({ event: 'finished', key, action: 'checked' })
  }
  const unproved = openKeySorter<Compared>()
  try {
    let keepsChecksums = false
    let isUnproved = false
    const context = { store, options, findDeletion: deletionFinder(store) }
    const pairs = canList(store) ? pairUp(named, listTold(store, options)) : withoutListing(named)
    for await (const one of compareAll(context, withoutUnnamed(pairs, options))) {
      const { method, status } = one.check
      keepsChecksums ||= method === 'listing-checksum' || method === 'stat-checksum'
      isUnproved ||= status === 'not-provable'
      await (status === 'not-provable' ? unproved.add(one) : add(one))
    }
    // Where the store has checksums of some objects, or of the inventory, one without was not put there by nimctl:
    // something else wrote it, and it is read. Where it has none at all, reading everything is for `deep` to ask.
    const reads =
      isUnproved && options.markerKey !== undefined && (keepsChecksums || (await hasChecksum(store, options)))
    const settled = reads ? compareAll(context, toRead(unproved.read())) : unproved.read()
    for await (const one of settled) await add(one)
  } finally {
    await unproved.clear()
  }
}

async function hasChecksum(store: Store, { markerKey, signal }: CompareOptions): Promise<boolean> {
  const marker = markerKey === undefined ? undefined : await store.stat(markerKey, { signal })
  return marker?.crc32c !== undefined
}

/** What is expected under a key and what the listing has there; one of them at least. */
interface Pair {
  key: string
  expected?: ExpectedContent
  listed?: StoredObject
  read?: true
}

type Compared = Pair & { check: Check }

interface Comparison {
  store: Store
  options: CompareOptions
  findDeletion: (key: string, signal: AbortSignal) => Promise<string | undefined>
}

/** What nobody names shows in a listing alone. */
async function* withoutListing(named: AsyncIterable<NamedObject>): AsyncGenerator<Pair> {
  for await (const { key, expected, read } of named) {
    if (expected !== undefined) yield { key, expected, ...(read && { read }) }
  }
}

async function* listTold(store: Store, { onListed, signal }: CompareOptions): AsyncGenerator<StoredObject> {
  for await (const object of listSorted(store, '', signal)) {
    onListed?.(object.key)
    yield object
  }
}

async function* pairUp(named: AsyncIterable<NamedObject>, listed: AsyncIterable<StoredObject>): AsyncGenerator<Pair> {
  for await (const { left, right } of mergeByKey(named, listed)) {
    if (left?.expected !== undefined) {
      const { key, expected, read } = left
      yield { key, expected, ...(read && { read }), ...(right !== undefined && { listed: right }) }
    } else if (left === undefined && right !== undefined && !right.key.startsWith(ownFolder)) {
      yield { key: right.key, listed: right }
    }
  }
}

async function* withoutUnnamed(pairs: AsyncIterable<Pair>, { isExtra, layout }: CompareOptions): AsyncGenerator<Pair> {
  for await (const pair of pairs) {
    const { key, expected } = pair
    if (expected !== undefined || isExtra?.(key) !== false || isOfOtherLayout(key, layout)) yield pair
  }
}

async function* toRead(pairs: AsyncIterable<Compared>): AsyncGenerator<Pair> {
  for await (const { check: _, ...pair } of pairs) yield { ...pair, read: true }
}

async function* compareAll(comparison: Comparison, pairs: AsyncIterable<Pair>): AsyncGenerator<Compared> {
  const { concurrency, signal } = comparison.options
  for await (const batch of batches(pairs)) {
    const compare = async (pair: Pair, stop: AbortSignal): Promise<Compared> => ({
      ...pair,
      check: await comparePair(comparison, pair, stop),
    })
    yield* await forAll(batch, compare, { concurrency, signal })
  }
}

async function comparePair(comparison: Comparison, pair: Pair, signal: AbortSignal): Promise<Check> {
  const { store, options } = comparison
  const { key, expected, listed: inListing } = pair
  if (expected === undefined) return unnamed(key, inListing, options)
  const listed = inListing ?? (isUnlisted(store, key) ? await store.stat(key, { signal }) : undefined)
  const check = await judge(comparison, { ...pair, expected, listed }, signal)
  if (check.status !== 'failed' || !canList(store) || !isByListing(check)) return check
  const asked = await store.stat(key, { signal })
  if (asked === undefined) return withDeletion(check, await comparison.findDeletion(key, signal))
  // A stat does not tell the storage class.
  const again = await judge(comparison, { ...pair, expected, listed: asked }, signal)
  return again.status === 'failed' ? check : lyingListing(key, listed, asked)
}

/** Nothing but the listing was looked at. */
function isByListing({ name, method }: Check): boolean {
  return name !== 'store.archived' && method !== 'content' && method !== 'stat-checksum'
}

interface Judged extends Omit<Pair, 'listed'> {
  expected: ExpectedContent
  listed: StoredObject | undefined
}

async function judge(comparison: Comparison, judged: Judged, signal: AbortSignal): Promise<Check> {
  const { store, options } = comparison
  const { key, expected, listed } = judged
  const { kind, size } = expected
  if (listed === undefined) return missing(key, expected)
  if (size !== undefined && listed.size !== size) {
    const found = `${listed.size} bytes`
    const name = `store.${kind}-size`
    return { name, status: 'failed', method: 'size', path: key, expected: `${size} bytes`, found, next: uploadAgain }
  }
  if (listed.archived !== undefined) return archived(key, listed.archived)
  const asked = { store, expected, object: listed, sums: options.sums, signal }
  const reads = (options.deep || judged.read === true) && isReadable(expected)
  if (reads && isRemote(store)) {
    const stat = await store.stat(key, { signal })
    if (stat !== undefined && stat.size !== listed.size) return lyingListing(key, listed, stat)
  }
  const { report, onRead } = options
  const evidence = reads ? await readContent({ ...asked, report, onRead }) : await askStore(asked)
  const name = `store.${kind}-checksum`
  if (evidence === undefined) {
    const wanted = expected.crc32c === undefined ? expected.md5 && `md5 ${expected.md5}` : `crc32c ${expected.crc32c}`
    const next = isReadable(expected) ? 'The store has no checksum for it: --deep reads it back.' : nobodyKnows
    return {
      name,
      status: 'not-provable',
      method: 'size',
      path: key,
      ...(wanted !== undefined && { expected: wanted }),
      found: `${listed.size} bytes`,
      next,
    }
  }
  const { method } = evidence
  if (evidence.found === evidence.expected) return { name, status: 'ok', method, path: key }
  const known = listed.notedCrc32c !== undefined || store.capabilities.statProof === 'full-checksum'
  return { name, status: 'failed', path: key, ...evidence, next: known ? uploadAgain : removeFirst }
}

const uploadAgain = 'Run nimctl upload again from the cache: it sends what differs.'
const removeFirst =
  'Remove it, then run nimctl upload again: in a store without checksums it sees only what is missing.'
const nobodyKnows = 'Nothing says what it should hold: compare with the directory that it came from (--against DIR).'

/** A directory is what its listing says. */
function isRemote({ url }: Store): boolean {
  return url.protocol !== 'file:'
}

function missing(path: string, { kind, size }: ExpectedContent): Check {
  return {
    name: `store.${kind}-missing`,
    status: 'failed',
    method: 'structure',
    path,
    expected: size === undefined ? 'an object' : `${size} bytes`,
    found: 'nothing',
    next: uploadAgain,
  }
}

function withDeletion(check: Check, deletedAt: string | undefined): Check {
  if (deletedAt === undefined) return check
  return {
    ...check,
    found: `a delete marker of ${deletedAt}`,
    next: 'An earlier version is kept: remove the marker to have it back, or run nimctl upload again.',
  }
}

/** Of so many missing keys it is asked whether they were deleted; of more, nobody reads it. */
const mostDeletions = 1000

function deletionFinder({ deletedAt }: Store): Comparison['findDeletion'] {
  let asked = 0
  return async (key, signal) => {
    if (deletedAt === undefined || asked >= mostDeletions) return undefined
    asked += 1
    return await deletedAt(key, { signal })
  }
}

function archived(path: string, storageClass: string): Check {
  return {
    name: 'store.archived',
    status: 'failed',
    method: 'structure',
    path,
    expected: 'an object that can be read',
    found: `storage class ${storageClass}`,
    next: 'Restore it and copy it into another storage class; then keep the rule away from this prefix that moved it.',
  }
}

function lyingListing(path: string, listed: StoredObject | undefined, asked: StoredObject): Check {
  return {
    name: 'store.listing',
    status: 'failed',
    method: 'structure',
    path,
    expected: `${asked.size} bytes, as the store says of the object itself`,
    found: listed === undefined ? 'nothing in the listing' : `${listed.size} bytes in the listing`,
    next: 'Readers that list get another cache than is there: ask who runs the store, or what stands before it.',
  }
}

function kindOf({ type, path }: InventoryEntry): ExpectedContent['kind'] {
  return type === 'link' ? 'link' : kindOfPath(path)
}

/** Of what is no link. */
export function kindOfPath(path: string): ExpectedContent['kind'] {
  return /(?:^|\/)blobs\/[^/]+$/.test(path) ? 'blob' : 'file'
}

function unnamed(path: string, listed: StoredObject | undefined, { layout }: CompareOptions): Check {
  const found = `${listed?.size} bytes`
  const known = { status: 'warning', method: 'structure', path } as const
  if (isOfOtherLayout(path, layout)) {
    const next = 'Two layouts lie under one prefix: give each a prefix of its own, or remove one.'
    return { name: 'store.layout-mixed', ...known, expected: `keys of layout ${layout}`, found, next }
  }
  const next = 'It does no harm to nimctl; other readers take it for part of the cache. upload --delete removes it.'
  return { name: 'store.extra', ...known, found, next }
}
