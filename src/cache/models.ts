import type { CacheForm, CacheTree } from './cache-tree.ts'
import { parseSnapshotPath } from './snapshots.ts'

/** A model of the cache: a snapshot where it is a hub tree, else a folder of plain files. */
export interface CachedModel {
  /** `org/team/model` of NGC, `namespace/name` of Hugging Face; else the folder, or what the whole directory is. */
  name: string
  /** Empty where nothing says it. */
  version: string
  files: number
  /** Of the files that its links lead to; versions may share them. */
  bytes: number
}

/**
 * The models of a directory, sorted by name and version.
 *
 * @param whole names the model that the whole directory is (forms `flat` and `endpoint`).
 */
export function describeModels({ entries }: CacheTree, form: CacheForm = 'hub', whole = ''): CachedModel[] {
  const sizes = new Map(entries.flatMap(entry => (entry.type === 'file' ? [[entry.path, entry.size] as const] : [])))
  const models = new Map<string, CachedModel>()
  for (const entry of entries) {
    const place = entry.type === 'directory' ? undefined : modelOf(entry.path, form, whole)
    if (place === undefined) continue
    const key = `${place.name}:${place.version}`
    const model = models.get(key) ?? { ...place, files: 0, bytes: 0 }
    models.set(key, model)
    model.files += 1
    model.bytes += sizes.get(entry.type === 'link' ? (entry.resolved ?? '') : entry.path) ?? 0
  }
  return [...models.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, model]) => model)
}

function modelOf(path: string, form: CacheForm, whole: string): Pick<CachedModel, 'name' | 'version'> | undefined {
  if (form === 'flat' || form === 'endpoint') return { name: whole, version: '' }
  if (form === 'native') return { name: path.includes('/') ? path.slice(0, path.indexOf('/')) : '.', version: '' }
  const snapshot = parseSnapshotPath(path)
  if (snapshot !== undefined) return { name: snapshot.repository, version: snapshot.version }
  const [, name, version] = /(?:^|\/)models--([^/]+)\/snapshots\/([^/]+)\/./.exec(path) ?? []
  return name === undefined || version === undefined ? undefined : { name: name.replaceAll('--', '/'), version }
}
