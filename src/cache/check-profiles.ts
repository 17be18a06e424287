import type { ManifestFile, ManifestProfile } from '../profiles/model-manifest.ts'
import type { CacheEntry, CacheTree } from './cache-tree.ts'
import { parseSnapshotPath } from './snapshots.ts'

export interface ProfilePresence {
  id: string
  /** Every file that the manifest names is there. With a manifest that names none: something is there. */
  present: boolean
  /** `repository:version/file`, as far as the manifest says it. */
  missing: string[]
}

/** A version of a model with the files that are there, wherever that is. */
export interface Snapshot {
  repository: string
  version: string
  files: ReadonlySet<string>
}

/** A file that a profile asks for, and the snapshot that it was looked for in. */
export interface MatchedFile {
  file: ManifestFile
  /** The one that comes nearest; absent where none comes near. */
  snapshot?: Snapshot
  /** Its name there; absent where it is missing. */
  found?: string
}

/**
 * Says which profiles a cache holds, from names and sizes alone; nothing is hashed.
 *
 * Version 2 manifests name repository, version and file, so presence is exact. Version 1 manifests name no version and
 * often no repository: there a component (the files of one `dst`) counts as present if one snapshot, of that repository
 * where it is named, holds all of its files. Two engines with the same file names can't be told apart by that, and an
 * id that was never downloaded may look present; the container's log tells more (`skippedProfiles`).
 *
 * Which directory is looked at never follows from the image's name, and files that only `checksums.blake3` or an index
 * of shards names are not asked for (reference/nim.md 4.1). Blobs and links may be missing altogether: caches copied
 * with links resolved are good (4.2).
 */
export function checkProfiles(profiles: readonly ManifestProfile[], tree: CacheTree): ProfilePresence[] {
  const snapshots = readSnapshots(tree)
  return profiles.map(({ id, files }) => {
    const missing = matchFiles(files, snapshots).filter(({ found }) => found === undefined)
    const present = files.length === 0 ? snapshots.length > 0 : missing.length === 0
    return { id, present, missing: missing.map(({ file }) => describeFile(file)) }
  })
}

/**
 * The same of what `create-model-store` made: there every file lies at its path in the workspace, and none is named by a
 * version (reference/nim.md 4.1).
 */
export function checkModelStore(profiles: readonly ManifestProfile[], { entries }: CacheTree): ProfilePresence[] {
  const there = new Set(entries.flatMap(entry => (entry.type === 'directory' ? [] : [entry.path])))
  return profiles.map(({ id, files }) => {
    const missing = files.map(({ path }) => path).filter(path => !there.has(path) && !there.has(decoded(path)))
    return { id, present: files.length === 0 ? there.size > 0 : missing.length === 0, missing }
  })
}

/** Looks for the files of one profile among snapshots, as `checkProfiles` says. */
export function matchFiles(files: readonly ManifestFile[], snapshots: readonly Snapshot[]): MatchedFile[] {
  return components(files).flatMap(component => matchComponent(component, snapshots))
}

/** `repository:version/file`, as far as the manifest says it. */
function describeFile({ repository, version, file }: ManifestFile): string {
  const place = `${repository ?? ''}${version === undefined ? '' : `:${version}`}`
  return place === '' ? file : `${place}/${file}`
}

/** The snapshots with the files that are there: existing, and empty only if they are meant to be. */
function readSnapshots({ entries }: CacheTree): Snapshot[] {
  const byPath = new Map(entries.map(entry => [entry.path, entry]))
  const snapshots = new Map<string, Snapshot & { files: Set<string> }>()
  for (const entry of entries) {
    const place = parseSnapshotPath(entry.path)
    if (place === undefined) continue
    const { repository, version, file } = place
    const key = `${repository}:${version}`
    const snapshot = snapshots.get(key) ?? { repository, version, files: new Set() }
    snapshots.set(key, snapshot)
    if (hasContent(entry, byPath)) snapshot.files.add(file)
  }
  return [...snapshots.values()]
}

const md5OfNothing = 'd41d8cd98f00b204e9800998ecf8427e'

/** A blob that claims to have content and has none was cut off. Without a blob an empty file proves nothing bad. */
function hasContent(entry: CacheEntry, byPath: ReadonlyMap<string, CacheEntry>): boolean {
  if (entry.type === 'file') return true
  if (entry.type !== 'link' || entry.resolved === undefined) return false
  const target = byPath.get(entry.resolved)
  if (target?.type !== 'file') return false
  return target.size > 0 || target.claimedMd5 === md5OfNothing
}

/** Files that have to lie in one snapshot. */
interface Component {
  repository: string | undefined
  version: string | undefined
  files: ManifestFile[]
}

function components(files: readonly ManifestFile[]): Component[] {
  const found = new Map<string, Component>()
  for (const manifestFile of files) {
    const { path, repository, version, file } = manifestFile
    const target = path.endsWith(file) ? path.slice(0, -file.length) : path
    const key = JSON.stringify(version === undefined ? [repository, target] : [repository, version])
    const component = found.get(key) ?? { repository, version, files: [] }
    found.set(key, component)
    component.files.push(manifestFile)
  }
  return [...found.values()]
}

/** In the snapshot that comes nearest. */
function matchComponent({ repository, version, files }: Component, snapshots: readonly Snapshot[]): MatchedFile[] {
  const candidates = snapshots
    .filter(snapshot => repository === undefined || snapshot.repository === repository)
    .filter(snapshot => version === undefined || snapshot.version === version)
    .map(snapshot => files.map(file => matchFile(file, snapshot)))
  const none: MatchedFile[] = files.map(file => ({ file }))
  return candidates.reduce((best, matched) => (countFound(matched) > countFound(best) ? matched : best), none)
}

function matchFile(file: ManifestFile, snapshot: Snapshot): MatchedFile {
  const found = [file.file, decoded(file.file)].find(name => snapshot.files.has(name))
  return { file, snapshot, ...(found !== undefined && { found }) }
}

function countFound(matched: readonly MatchedFile[]): number {
  return matched.filter(({ found }) => found !== undefined).length
}

/** Addresses in manifests may be percent-encoded, names on disk are not. */
export function decoded(file: string): string {
  try {
    return decodeURIComponent(file)
  } catch {
    return file
  }
}
