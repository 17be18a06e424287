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
 * Compares what lies in a store with an inventory, a check per object. Nothing is downloaded unless `deep`.
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
  const compared = await pMap(
    wanted,
    async ([key, entry]) => {
      const check = await compareObject(store, { key, entry, listed: listed.get(key), deep, signal })
      report({ event: 'finished', key, action: 'checked' })
      return check
    },
    { concurrency, signal },
  )
  return [...compared, ...checks]
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
  return judge(entry, { key, kind, method, sum })
}

const uploadAgain = 'Run nimctl upload again from the cache: it sends what differs.'

function judge(
  entry: StoredEntry,
  { key, kind, method, sum }: { key: string; kind: string; method: CheckMethod; sum: number | undefined },
): Check {
  const name = `store.${kind}-checksum`
  const expected = `crc32c ${entry.crc32c}`
  if (sum === undefined) {
    const next = 'The store has no checksum for it: --deep reads it back.'
    return { name, status: 'not-provable', method, path: key, expected, found: `${entry.size} bytes`, next }
  }
  const found = `crc32c ${sum.toString(16).padStart(8, '0')}`
  if (found === expected) return { name, status: 'ok', method, path: key }
  return { name, status: 'failed', method, path: key, expected, found, next: uploadAgain }
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
