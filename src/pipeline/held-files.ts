import { scanCacheTree } from '../cache/scan.ts'
import { parseSnapshotPath } from '../cache/snapshots.ts'
import type { HeldFile } from '../profiles/weigh.ts'
import type { Store } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'
import { listMarkers, streamInventory } from '../transfer/marker.ts'

/** The files of NGC in a cache directory; none where there is no directory yet. */
export async function filesHeldIn(directory: string): Promise<HeldFile[]> {
  const tree = await scanCacheTree(directory).catch((error: unknown) => {
    if (error instanceof NimctlError && error.code === 'CACHE_NOT_FOUND') return { entries: [] }
    throw error
  })
  const sizes = new Map(tree.entries.flatMap(entry => (entry.type === 'file' ? [[entry.path, entry.size]] : [])))
  return tree.entries.flatMap(entry => {
    const size = entry.type === 'link' ? sizes.get(entry.resolved ?? '') : sizes.get(entry.path)
    const place = parseSnapshotPath(entry.path)
    return place === undefined || size === undefined ? [] : [{ ...place, size }]
  })
}

/**
 * The files of NGC that the inventories under a prefix name.
 *
 * @throws NimctlError `check-failed` / `INVENTORY_INVALID`, and what the store throws.
 */
export async function filesStoredIn(store: Store, signal: AbortSignal): Promise<HeldFile[]> {
  const held: HeldFile[] = []
  for (const key of await listMarkers(store, signal)) {
    const found = await streamInventory(store, { key, signal }, async ({ entries }) => {
      const files: HeldFile[] = []
      for await (const entry of entries) {
        const place = parseSnapshotPath(entry.path)
        if (place !== undefined && entry.type !== 'directory') files.push({ ...place, size: entry.size })
      }
      return files
    })
    held.push(...(found ?? []))
  }
  return held
}
