import { inventoryKey, ownFolder, type Inventory, type Layout } from '../inventory/inventory.ts'
import type { Store } from '../stores/store.ts'
import { listObjects } from './listing.ts'
import { describeKey, readPublishedInventory } from './marker.ts'

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

/**
 * The caches below a store's URL, with and without inventory. A cache is complete when its inventory lies there and
 * every key that it names is listed with the right size; contents are `validate`'s business.
 */
export async function listCaches(store: Store, signal: AbortSignal): Promise<StoredCache[]> {
  const sizes = new Map<string, number>()
  for await (const { key, size } of listObjects(store, '', signal)) sizes.set(key, size)
  const markers = [...sizes.keys()].filter(isMarker)
  const caches: StoredCache[] = []
  const claimed = new Set<string>()
  for (const marker of markers) {
    const prefix = marker.slice(0, marker.indexOf(ownFolder))
    const published = await readPublishedInventory(store, marker, signal)
    if (published !== undefined) caches.push(describe(published.inventory, { store, prefix, sizes, claimed }))
  }
  return [...caches, ...listUnmarked(sizes, { store, claimed, markers })]
}

function isMarker(key: string): boolean {
  return key.endsWith(inventoryKey) || /(?:^|\/)\.nimctl\/[^/]+@[0-9a-f]{12}\.jsonl$/.test(key)
}

function describe(
  { header, entries }: Inventory,
  { store, prefix, sizes, claimed }: { store: Store; prefix: string; sizes: Map<string, number>; claimed: Set<string> },
): StoredCache {
  let complete = true
  for (const entry of entries) {
    if (entry.type === 'directory' || (entry.type === 'link' && header.links === 'record')) continue
    const key = `${prefix}${entry.key ?? entry.path}`
    claimed.add(key)
    if (sizes.get(key) !== entry.size) complete = false
  }
  const { image, imageDigest, layout, profiles, files, bytes } = header
  return {
    prefix: describeKey(store, prefix),
    ...(image !== undefined && { image }),
    ...(imageDigest !== undefined && { imageDigest }),
    layout,
    profiles: profiles.map(({ id }) => id),
    files,
    bytes,
    complete,
  }
}

/** What looks like a cache but has no inventory: an upload that did not end, or another tool's. */
function listUnmarked(
  sizes: ReadonlyMap<string, number>,
  { store, claimed, markers }: { store: Store; claimed: ReadonlySet<string>; markers: readonly string[] },
): StoredCache[] {
  const marked = new Set(markers.map(marker => marker.slice(0, marker.indexOf(ownFolder))))
  const found = new Map<string, { files: number; bytes: number }>()
  for (const [key, size] of sizes) {
    const hub = /^(.*?)ngc\/hub\/models--/.exec(key)
    if (hub === null || claimed.has(key)) continue
    const prefix = hub[1] ?? ''
    if (marked.has(prefix)) continue
    const { files, bytes } = found.get(prefix) ?? { files: 0, bytes: 0 }
    found.set(prefix, { files: files + 1, bytes: bytes + size })
  }
  return [...found].map(([prefix, { files, bytes }]) => ({
    prefix: describeKey(store, prefix),
    profiles: [],
    files,
    bytes,
    complete: false,
  }))
}
