import type { CacheTree } from './cache-tree.ts'
import { parseSnapshotPath } from './snapshots.ts'

/** A snapshot of the cache. */
export interface CachedModel {
  /** `org/team/model` of NGC. */
  name: string
  version: string
  files: number
  /** Of the files that its links lead to; versions may share them. */
  bytes: number
}

/** The snapshots of a cache, sorted by name and version. */
export function describeModels({ entries }: CacheTree): CachedModel[] {
  const sizes = new Map(entries.flatMap(entry => (entry.type === 'file' ? [[entry.path, entry.size] as const] : [])))
  const models = new Map<string, CachedModel>()
  for (const entry of entries) {
    const place = parseSnapshotPath(entry.path)
    if (place === undefined || entry.type === 'directory') continue
    const key = `${place.repository}:${place.version}`
    const model = models.get(key) ?? { name: place.repository, version: place.version, files: 0, bytes: 0 }
    models.set(key, model)
    model.files += 1
    model.bytes += sizes.get(entry.type === 'link' ? (entry.resolved ?? '') : entry.path) ?? 0
  }
  return [...models.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, model]) => model)
}
