import {
  archiveEntry,
  archiveKey,
  inventoryKey,
  keyOf,
  ownFolder,
  type InventoryEntry,
  type InventoryHeader,
  type Layout,
} from '../inventory/inventory.ts'
import { mergeByKey } from '../inventory/merge.ts'
import type { Store } from '../stores/store.ts'
import type { Sorter } from '../system/external-sort.ts'
import { askEach, canList, isUnlisted, listObjects, openKeySorter } from './listing.ts'
import { describeKey, listMarkers, streamInventory } from './marker.ts'

export interface StoredCache {
  prefix: string
  image?: string
  imageDigest?: string
  layout?: Layout
  profiles: string[]
  files: number
  bytes: number
  complete: boolean
}

interface Listed {
  key: string
  size: number
}

/** An object that the inventory of a cache names. */
interface Named extends Listed {
  /** Index of the cache. */
  cache: number
}

/**
 * The caches below a store's URL, with and without inventory. A cache is complete when its inventory lies there and
 * every key that it names is listed with the right size; contents are `validate`'s business. Listing and inventories
 * take temporary files where they are long. A store that can't be listed shows the cache at its URL alone.
 */
export async function listCaches(store: Store, signal: AbortSignal): Promise<StoredCache[]> {
  const listed = openKeySorter<Listed>()
  const named = openKeySorter<Named>()
  const unlisted = openKeySorter<Named>()
  try {
    const markers: string[] = []
    if (!canList(store)) markers.push(...(await listMarkers(store, signal)))
    else {
      for await (const { key, size } of listObjects(store, '', signal)) {
        await listed.add({ key, size })
        if (isMarker(key)) markers.push(key)
      }
    }
    const caches: StoredCache[] = []
    for (const marker of markers) {
      const context = { prefix: prefixOf(marker), cache: caches.length, named }
      const header = await streamInventory(store, { key: marker, signal }, async reader => {
        for (const entry of archiveEntry(reader.header)) await nameObject(entry, reader.header, context)
        for await (const entry of reader.entries) await nameObject(entry, reader.header, context)
        return reader.header
      })
      if (header !== undefined) caches.push(describe(header, describeKey(store, context.prefix)))
    }
    const unmarked = openUnmarked(markers)
    for await (const { left, right } of mergeByKey(named.read(), listed.read())) {
      const cache = left === undefined ? undefined : caches[left.cache]
      if (cache !== undefined && left !== undefined && left.size !== right?.size) {
        if (right === undefined && isUnlisted(store, left.key)) await unlisted.add(left)
        else cache.complete = false
      }
      if (left === undefined && right !== undefined) unmarked.add(right)
    }
    for await (const { cache, size, object } of askEach(store, unlisted.read(), signal)) {
      const found = caches[cache]
      if (found !== undefined && object?.size !== size) found.complete = false
    }
    return [...caches, ...unmarked.caches(store)]
  } finally {
    await Promise.all([listed.clear(), named.clear(), unlisted.clear()])
  }
}

function isMarker(key: string): boolean {
  return key.endsWith(inventoryKey) || /(?:^|\/)\.nimctl\/[^/]+@[0-9a-f]{12}\.jsonl$/.test(key)
}

function prefixOf(marker: string): string {
  return marker.slice(0, marker.indexOf(ownFolder))
}

async function nameObject(
  entry: InventoryEntry,
  header: InventoryHeader,
  { prefix, cache, named }: { prefix: string; cache: number; named: Sorter<Named> },
): Promise<void> {
  const key = keyOf(entry, header)
  if (entry.type !== 'directory' && key !== undefined) await named.add({ key: prefix + key, size: entry.size, cache })
}

/** Complete, until something of it is found missing. */
function describe(header: InventoryHeader, prefix: string): StoredCache {
  const { image, imageDigest, layout, profiles, files, bytes } = header
  return {
    prefix,
    ...(image !== undefined && { image }),
    ...(imageDigest !== undefined && { imageDigest }),
    layout,
    profiles: profiles.map(({ id }) => id),
    files,
    bytes,
    complete: true,
  }
}

/** Gathers what looks like a cache but has no inventory: an upload that did not end, or another tool's. */
function openUnmarked(markers: readonly string[]) {
  const marked = new Set(markers.map(prefixOf))
  const found = new Map<string, { files: number; bytes: number }>()
  return {
    /** @param object that no inventory names. */
    add({ key, size }: Listed): void {
      const prefix = /^(.*?)ngc\/hub\/models--/.exec(key)?.[1] ?? prefixOfArchive(key)
      if (prefix === undefined || marked.has(prefix)) return
      const { files, bytes } = found.get(prefix) ?? { files: 0, bytes: 0 }
      found.set(prefix, { files: files + 1, bytes: bytes + size })
    },
    caches: (store: Store): StoredCache[] =>
      [...found].map(([prefix, { files, bytes }]) => ({
        prefix: describeKey(store, prefix),
        profiles: [],
        files,
        bytes,
        complete: false,
      })),
  }
}

function prefixOfArchive(key: string): string | undefined {
  return key === archiveKey || key.endsWith(`/${archiveKey}`) ? key.slice(0, -archiveKey.length) : undefined
}
