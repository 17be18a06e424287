import { keyOf, ownFolder, type InventoryEntry, type InventoryHeader } from '../inventory/inventory.ts'
import { mergeByKey } from '../inventory/merge.ts'
import type { Store, StoredObject } from '../stores/store.ts'
import type { Check, CheckLog, CheckMethod } from '../system/check.ts'
import { forAll } from '../system/for-all.ts'
import { crc32c, crc32cToHex } from '../system/hash.ts'
import type { Report } from '../system/progress.ts'
import { batches, canList, isUnlisted, listSorted, openKeySorter } from './listing.ts'

/** An object that an inventory names. */
export interface NamedObject {
  key: string
  /** Absent where only the inventory of another image in the same bucket names it. */
  expected?: ExpectedContent
}

interface ExpectedContent {
  kind: 'blob' | 'link' | 'file'
  /** Bytes. */
  size: number
  /** 8 hex digits. */
  crc32c: string
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
  /** The inventory's own key: nimctl put it there, too. */
  markerKey: string
  concurrency: number
  signal: AbortSignal
  report: Report
}

/**
 * Compares what lies in a store with what its inventory names, a check per object, and holds neither in memory. Read
 * are, unless `deep`, only objects that something else than nimctl wrote.
 * Names: `store.blob-…`, `store.link-…` and `store.file-…` with `missing`, `size`, `checksum`; `store.extra`.
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
    const pairs = canList(store) ? pairUp(named, listSorted(store, '', options.signal)) : withoutListing(named)
    for await (const one of compareAll(store, pairs, options)) {
      const { method, status } = one.check
      keepsChecksums ||= method === 'listing-checksum' || method === 'stat-checksum'
      isUnproved ||= status === 'not-provable'
      await (status === 'not-provable' ? unproved.add(one) : add(one))
    }
    // Where the store has checksums of some objects, or of the inventory, one without was not put there by nimctl:
    // something else wrote it, and it is read. Where it has none at all, reading everything is for `deep` to ask.
    if (isUnproved && !keepsChecksums) keepsChecksums = await hasChecksum(store, options)
    const read = { ...options, deep: true }
    const settled = keepsChecksums ? compareAll(store, unproved.read(), read) : unproved.read()
    for await (const one of settled) await add(one)
  } finally {
    await unproved.clear()
  }
}

async function hasChecksum(store: Store, { markerKey, signal }: CompareOptions): Promise<boolean> {
  const marker = await store.stat(markerKey, { signal })
  return marker?.crc32c !== undefined
}

/** What the inventory expects under a key and what the listing has there; one of them at least. */
interface Pair {
  key: string
  expected?: ExpectedContent
  listed?: StoredObject
}

type Compared = Pair & { check: Check }

/** What nobody names shows in a listing alone. */
async function* withoutListing(named: AsyncIterable<NamedObject>): AsyncGenerator<Pair> {
  for await (const { key, expected } of named) if (expected !== undefined) yield { key, expected }
}

async function* pairUp(named: AsyncIterable<NamedObject>, listed: AsyncIterable<StoredObject>): AsyncGenerator<Pair> {
  for await (const { left, right } of mergeByKey(named, listed)) {
    if (left?.expected !== undefined) {
      yield { key: left.key, expected: left.expected, ...(right !== undefined && { listed: right }) }
    } else if (left === undefined && right !== undefined && !right.key.startsWith(ownFolder)) {
      yield { key: right.key, listed: right }
    }
  }
}

async function* compareAll(
  store: Store,
  pairs: AsyncIterable<Pair>,
  { deep, concurrency, signal }: CompareOptions,
): AsyncGenerator<Compared> {
  for await (const batch of batches(pairs)) {
    const compare = async (pair: Pair, stop: AbortSignal): Promise<Compared> => ({
      ...pair,
      check: await comparePair(store, pair, { deep, signal: stop }),
    })
    yield* await forAll(batch, compare, { concurrency, signal })
  }
}

async function comparePair(
  store: Store,
  { key, expected, listed: inListing }: Pair,
  { deep, signal }: { deep: boolean; signal: AbortSignal },
): Promise<Check> {
  if (expected === undefined) return extra(key, inListing)
  const listed = inListing ?? (isUnlisted(store, key) ? await store.stat(key, { signal }) : undefined)
  const { kind, size } = expected
  if (listed === undefined) {
    return {
      name: `store.${kind}-missing`,
      status: 'failed',
      method: 'structure',
      path: key,
      expected: `${size} bytes`,
      found: 'nothing',
      next: uploadAgain,
    }
  }
  if (listed.size !== size) {
    return {
      name: `store.${kind}-size`,
      status: 'failed',
      method: 'size',
      path: key,
      expected: `${size} bytes`,
      found: `${listed.size} bytes`,
      next: uploadAgain,
    }
  }
  const { method, sum } = deep
    ? { method: 'content' as const, sum: await readSum(store, key, signal) }
    : await askSum(store, listed, signal)
  const known = listed.notedCrc32c !== undefined || store.capabilities.statProof === 'full-checksum'
  const cure = known ? uploadAgain : removeFirst
  return judge(expected, { key, method, sum, cure })
}

const uploadAgain = 'Run nimctl upload again from the cache: it sends what differs.'
const removeFirst =
  'Remove it, then run nimctl upload again: in a store without checksums it sees only what is missing.'

function judge(
  { kind, size, crc32c: expectedSum }: ExpectedContent,
  { key, method, sum, cure }: { key: string; method: CheckMethod; sum: number | undefined; cure: string },
): Check {
  const name = `store.${kind}-checksum`
  const expected = `crc32c ${expectedSum}`
  if (sum === undefined) {
    const next = 'The store has no checksum for it: --deep reads it back.'
    return { name, status: 'not-provable', method, path: key, expected, found: `${size} bytes`, next }
  }
  const found = `crc32c ${crc32cToHex(sum)}`
  if (found === expected) return { name, status: 'ok', method, path: key }
  return { name, status: 'failed', method, path: key, expected, found, next: cure }
}

async function askSum(
  store: Store,
  listed: StoredObject,
  signal: AbortSignal,
): Promise<{ method: CheckMethod; sum: number | undefined }> {
  const sum = listed.crc32c ?? listed.notedCrc32c
  if (sum !== undefined) return { method: 'listing-checksum', sum }
  if (store.capabilities.statProof !== 'full-checksum') return { method: 'size', sum: undefined }
  const object = await store.stat(listed.key, { signal })
  return { method: object?.crc32c === undefined ? 'size' : 'stat-checksum', sum: object?.crc32c }
}

async function readSum(store: Store, key: string, signal: AbortSignal): Promise<number> {
  let sum = 0
  for await (const chunk of await store.read(key, undefined, { signal })) sum = crc32c(chunk, sum)
  return sum
}

function kindOf({ type, path }: InventoryEntry): ExpectedContent['kind'] {
  if (type === 'link') return 'link'
  return /(?:^|\/)blobs\/[^/]+$/.test(path) ? 'blob' : 'file'
}

function extra(key: string, listed: StoredObject | undefined): Check {
  return {
    name: 'store.extra',
    status: 'warning',
    method: 'structure',
    path: key,
    found: `${listed?.size} bytes`,
    next: 'It does no harm to nimctl; other readers take it for part of the cache. upload --delete removes it.',
  }
}
