import { parseSnapshotPath } from '../cache/snapshots.ts'
import { archiveKey, type Layout } from '../inventory/inventory.ts'

/** A file of a model, by the key of an object. */
export interface ModelKey {
  layout: 'cache' | 'ngc'
  /** `org/team/model`. */
  repository: string
  version: string
  /** Path in the model. */
  file: string
}

/** What a key says of the file that it is; `undefined` for blobs, refs and what is no file of a model. */
export function parseModelKey(key: string): ModelKey | undefined {
  const snapshot = parseSnapshotPath(key)
  if (snapshot !== undefined) {
    const { repository, version, file } = snapshot
    return { layout: 'cache', repository, version, file }
  }
  const [, repository, version, file] = /^([^:?]+):([^?]+)\?file=(.+)$/s.exec(decoded(key)) ?? []
  if (repository === undefined || version === undefined || file === undefined) return undefined
  return { layout: 'ngc', repository, version, file }
}

/** That a key belongs to a layout that is not the prefix's. In layout `plain` any key may be. */
export function isOfOtherLayout(key: string, layout: Layout): boolean {
  if (layout === 'plain') return false
  if (layout !== 'tar' && key === archiveKey) return true
  if (layout !== 'ngc' && parseModelKey(key)?.layout === 'ngc') return true
  return layout !== 'cache' && key.startsWith('ngc/hub/models--')
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
