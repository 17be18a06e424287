import pMap from 'p-map'

import type { Inventory, InventoryEntry } from '../inventory/inventory.ts'
import { ownFolder } from '../inventory/inventory.ts'
import type { Store, StoredObject } from '../stores/store.ts'
import type { Check, CheckMethod } from '../system/check.ts'
import { crc32c } from '../system/hash.ts'
import type { Report } from '../system/progress.ts'
import { listObjects } from './listing.ts'

type StoredEntry = InventoryEntry & { type: 'file' | 'link' }

export interface CompareOptions {
  /** Read contents back, instead of asking the store for its checksums. */
  deep: boolean
  /** Keys beside the inventory's that are no content and may lie there. */
  ignore: (key: string) => boolean
  concurrency: number
  signal: AbortSignal
  report: Report
}

/**
 * Compares what lies in a store with an inventory, a check per object. Read are, unless `deep`, only objects that
 * something else than nimctl wrote.
 * Names: `store.blob-…`, `store.link-…` and `store.file-…` with `missing`, `size`, `checksum`; `store.extra`.
 */
export async function compareStore(
  store: Store,
  inventory: Inventory,
  { deep, ignore, concurrency, signal, report }: CompareOptions,
): Promise<Check[]> {
  const wanted = new Map(
    inventory.entries
      .filter(entry => entry.type !== 'directory')
      .filter(entry => !(entry.type === 'link' && inventory.header.links === 'record'))
      .map(entry => [entry.key ?? entry.path, entry] as const),
  )
  const listed = new Map<string, StoredObject>()
  const checks: Check[] = []
  for await (const object of listObjects(store, '', signal)) {
    if (wanted.has(object.key)) listed.set(object.key, object)
    else if (!object.key.startsWith(ownFolder) && !ignore(object.key)) checks.push(extra(object))
  }
  const compareAll = (deeply: boolean, keys: readonly string[]) =>
    pMap(
      keys,
      async key => {
        const entry = wanted.get(key)
        if (entry === undefined) throw new Error(`${key} is not in the inventory.`)
        const check = await compareObject(store, { key, entry, listed: listed.get(key), deep: deeply, signal })
        report({ event: 'finished', key, action: 'checked' })
        return check
      },
      { concurrency, signal },
    )
  const compared = await compareAll(deep, [...wanted.keys()])
  const outsiders = findOutsiders(compared)
  const read = await compareAll(true, [...outsiders])
  return [...compared.filter(({ path }) => path === undefined || !outsiders.has(path)), ...read, ...checks]
}

/**
 * Where the store has checksums of some objects, one without was not put there by nimctl: something else wrote it, and
 * it is read. Where it has none at all, reading everything is for `deep` to ask.
 */
function findOutsiders(compared: readonly Check[]): Set<string> {
  const keepsChecksums = compared.some(({ method }) => method === 'listing-checksum' || method === 'stat-checksum')
  if (!keepsChecksums) return new Set()
  return new Set(
    compared.flatMap(({ status, path }) => (status === 'not-provable' && path !== undefined ? [path] : [])),
  )
}

async function compareObject(
  store: Store,
  context: { key: string; entry: StoredEntry; listed: StoredObject | undefined; deep: boolean; signal: AbortSignal },
): Promise<Check> {
  const { key, entry, listed, deep, signal } = context
  const kind = kindOf(entry)
  if (listed === undefined) {
    return {
      name: `store.${kind}-missing`,
      status: 'failed',
      method: 'structure',
      path: key,
      expected: `${entry.size} bytes`,
      found: 'nothing',
      next: uploadAgain,
    }
  }
  if (listed.size !== entry.size) {
    return {
      name: `store.${kind}-size`,
      status: 'failed',
      method: 'size',
      path: key,
      expected: `${entry.size} bytes`,
      found: `${listed.size} bytes`,
      next: uploadAgain,
    }
  }
  const { method, sum } = deep
    ? { method: 'content' as const, sum: await readSum(store, key, signal) }
    : await askSum(store, listed, signal)
  const cure = store.capabilities.statProof === 'full-checksum' ? uploadAgain : removeFirst
  return judge(entry, { key, kind, method, sum, cure })
}

const uploadAgain = 'Run nimctl upload again from the cache: it sends what differs.'
const removeFirst =
  'Remove it, then run nimctl upload again: in a store without checksums it sees only what is missing.'

function judge(
  entry: StoredEntry,
  context: { key: string; kind: string; method: CheckMethod; sum: number | undefined; cure: string },
): Check {
  const { key, kind, method, sum, cure } = context
  const name = `store.${kind}-checksum`
  const expected = `crc32c ${entry.crc32c}`
  if (sum === undefined) {
    const next = 'The store has no checksum for it: --deep reads it back.'
    return { name, status: 'not-provable', method, path: key, expected, found: `${entry.size} bytes`, next }
  }
  const found = `crc32c ${sum.toString(16).padStart(8, '0')}`
  if (found === expected) return { name, status: 'ok', method, path: key }
  return { name, status: 'failed', method, path: key, expected, found, next: cure }
}

async function askSum(
  store: Store,
  listed: StoredObject,
  signal: AbortSignal,
): Promise<{ method: CheckMethod; sum: number | undefined }> {
  if (listed.crc32c !== undefined) return { method: 'listing-checksum', sum: listed.crc32c }
  if (store.capabilities.statProof !== 'full-checksum') return { method: 'size', sum: undefined }
  const object = await store.stat(listed.key, { signal })
  return { method: object?.crc32c === undefined ? 'size' : 'stat-checksum', sum: object?.crc32c }
}

async function readSum(store: Store, key: string, signal: AbortSignal): Promise<number> {
  let sum = 0
  for await (const chunk of await store.read(key, undefined, { signal })) sum = crc32c(chunk, sum)
  return sum
}

function kindOf(entry: StoredEntry): string {
  if (entry.type === 'link') return 'link'
  return /(?:^|\/)blobs\/[^/]+$/.test(entry.path) ? 'blob' : 'file'
}

function extra(object: StoredObject): Check {
  return {
    name: 'store.extra',
    status: 'warning',
    method: 'structure',
    path: object.key,
    found: `${object.size} bytes`,
    next: 'It does no harm to nimctl; other readers take it for part of the cache. upload --delete removes it.',
  }
}
