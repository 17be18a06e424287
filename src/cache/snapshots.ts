import type { CacheEntry } from './cache-tree.ts'

/** A file of a snapshot, with the NGC address that it came from. */
export interface SnapshotFile {
  /** Path in the cache directory. */
  path: string
  /** `org/team/model`; two components where NGC has no team. */
  repository: string
  version: string
  /** Path in the snapshot. */
  file: string
}

const snapshotPath = /^(?:.*\/)?ngc\/hub\/models--([^/]+)\/snapshots\/([^/]+)\/(.+)$/

/**
 * The NGC address of a path in a hub tree: `ngc/hub/models--<org>--<team>--<model>/snapshots/<version>/<file>`
 * (reference/nim.md 4.1). `undefined` for blobs, refs and everything else.
 */
export function parseSnapshotPath(path: string): SnapshotFile | undefined {
  const match = snapshotPath.exec(path)
  if (match === null) return undefined
  const [, folder = '', version = '', file = ''] = match
  return { path, repository: repositoryOf(folder), version, file }
}

/** Whether there is a snapshot of NGC. */
export function isHubTree(entries: readonly Pick<CacheEntry, 'path'>[]): boolean {
  return entries.some(({ path }) => parseSnapshotPath(path) !== undefined)
}

/** `org/team/model:version` of every snapshot, sorted. */
export function listModels(entries: readonly Pick<CacheEntry, 'path'>[]): string[] {
  const models = new Set<string>()
  for (const { path } of entries) {
    const snapshot = parseSnapshotPath(path)
    if (snapshot !== undefined) models.add(`${snapshot.repository}:${snapshot.version}`)
  }
  return [...models].toSorted()
}

/** Model names may contain `--` themselves: the first two separators are the organisation's and the team's. */
function repositoryOf(folder: string): string {
  const [organisation = '', team, ...model] = folder.split('--')
  return [organisation, team, model.join('--')].filter(part => part !== undefined && part !== '').join('/')
}
