import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'

import type { CacheForm, CacheRecord, CacheTree } from '../cache/cache-tree.ts'
import { decoded } from '../cache/check-profiles.ts'
import { missingFile } from '../cache/check-tree.ts'
import { parseChecksums } from '../cache/own-sums.ts'
import { isHubTree, parseSnapshotPath } from '../cache/snapshots.ts'
import type { NimImage } from '../image/inspect.ts'
import type { ManifestProfile } from '../profiles/model-manifest.ts'
import type { Check } from '../system/check.ts'
import type { ExpectedProfiles, ForeignProfile } from './expected-profiles.ts'

/** What the cache looks like against which image. */
export interface Compared {
  tree: CacheTree
  record: CacheRecord | undefined
  form: CacheForm
}

/** A cache of another family can't be served by the image, whatever it holds. */
export function checkFamily({ tree, record, form }: Compared, { image }: ExpectedProfiles): Check[] {
  if (image === undefined) return []
  const other = record === undefined ? hubOfNative(tree, image) : otherFamily(record, { family: image.family, form })
  if (other === undefined) return []
  return [
    {
      name: 'cache.family',
      status: 'failed',
      method: 'structure',
      path: '.',
      expected: `what images of the family ${image.family} make, as ${image.reference} is`,
      found: other,
      next: `Name the image that this cache was filled with, or fill another directory: nimctl cache ${image.reference} DIR`,
    },
  ]
}

function otherFamily(record: CacheRecord, { family, form }: { family: string; form: CacheForm }): string | undefined {
  if (record.family === family) return undefined
  return `a cache of the family ${record.family}, in the form ${form}, of ${record.image}`
}

function hubOfNative({ entries }: CacheTree, { family }: Pick<NimImage, 'family'>): string | undefined {
  if (family !== 'native' || !isHubTree(entries)) return undefined
  return 'a hub tree, which no native image makes'
}

/** What can be said of the profiles that were to be there, beside whether their files are. */
export function checkAsked(expected: ExpectedProfiles, form: CacheForm): Check[] {
  const { manifest, profiles, foreign } = expected
  if (manifest === undefined) return foreign.map(({ id }) => unprovable(id))
  const withProfiles = form === 'hub' || form === 'flat'
  if (withProfiles && profiles.length === 0 && foreign.length === 0) return [profilesUnknown]
  return foreign.map(profile => ofAnotherTag(profile, expected, manifest.profiles))
}

/** Else a cache without a record would pass against any image. */
const profilesUnknown: Check = {
  name: 'cache.profile',
  status: 'not-provable',
  method: 'structure',
  expected: 'profiles to compare with',
  found: 'a cache that does not say which it holds',
  next: 'Name them: --profile ID',
}

function unprovable(id: string): Check {
  return {
    name: 'cache.profile',
    status: 'not-provable',
    method: 'structure',
    path: id,
    expected: 'a manifest that says which files it has',
    found: 'none',
    next: 'Name the image that has it: --against IMAGE',
  }
}

/** Ids are hashes: what is near by its digits is not near. */
function ofAnotherTag(
  { id, tags }: ForeignProfile,
  { image }: ExpectedProfiles,
  own: readonly ManifestProfile[],
): Check {
  const where = image?.reference ?? 'the image of this cache'
  const near = tags === undefined ? undefined : nearestByTags(tags, own)
  const nearest = near === undefined ? '' : `; the nearest by its tags is ${near.id} (${describeTags(near.tags)})`
  return {
    name: 'cache.profile-of-another-tag',
    status: 'failed',
    method: 'structure',
    path: id,
    expected: `one of the ${own.length} profiles of ${where}`,
    found: `an id that it does not have${tags === undefined ? '' : ` (${describeTags(tags)})`}${nearest}`,
    next: `Ids change with every image tag. Fill the cache with this one: nimctl cache ${image?.reference ?? 'IMAGE'} DIR --profile ${near?.id ?? 'ID'}`,
  }
}

function nearestByTags(
  tags: Record<string, string>,
  profiles: readonly ManifestProfile[],
): ManifestProfile | undefined {
  const likeness = (other: Record<string, string>) => {
    const names = new Set([...Object.keys(tags), ...Object.keys(other)])
    return [...names].filter(name => tags[name] === other[name]).length / Math.max(1, names.size)
  }
  return profiles
    .map(profile => ({ profile, like: likeness(profile.tags) }))
    .filter(({ like }) => like > 0)
    .toSorted((a, b) => b.like - a.like)[0]?.profile
}

function describeTags(tags: Record<string, string>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')
}

/**
 * What lies in snapshots and no profile of the image names. Silent where the manifest leaves open what belongs to a
 * profile: some name no files, some no repository (reference/nim.md 3).
 */
export function checkExtra({ tree, form }: Compared, { manifest }: ExpectedProfiles): Check[] {
  if (form !== 'hub' || manifest === undefined || manifest.profiles.length === 0) return []
  const known = namedFiles(manifest.profiles)
  if (known === undefined) return []
  const checks = new Map<string, Check>()
  for (const { type, path } of tree.entries) {
    const place = type === 'directory' ? undefined : parseSnapshotPath(path)
    if (place === undefined) continue
    const files = known.get(`${place.repository}:${place.version}`) ?? known.get(place.repository)
    if (files === undefined) {
      const snapshot = path.slice(0, -place.file.length - 1)
      checks.set(snapshot, unknownSnapshot(snapshot))
    } else if (!files.has(place.file) && posix.basename(path) !== 'checksums.blake3') {
      checks.set(path, extraFile(path, 'a file that the manifest names'))
    }
  }
  return [...checks.values()]
}

/** By `repository:version`, by `repository` alone where manifests name no version; `undefined` where they leave it open. */
function namedFiles(profiles: readonly ManifestProfile[]): Map<string, Set<string>> | undefined {
  const known = new Map<string, Set<string>>()
  for (const { files } of profiles) {
    if (files.length === 0) return undefined
    for (const { repository, version, file } of files) {
      if (repository === undefined) return undefined
      const place = version === undefined ? repository : `${repository}:${version}`
      const names = known.get(place) ?? new Set()
      known.set(place, names.add(file).add(decoded(file)))
    }
  }
  return known
}

function unknownSnapshot(path: string): Check {
  return {
    name: 'cache.snapshot-extra',
    status: 'warning',
    method: 'structure',
    path,
    expected: 'a model and version that a profile of the image names',
    found: 'another model, or a version of another image tag',
    next: 'Give each image a directory of its own: this one costs space and is not served.',
  }
}

export function extraFile(path: string, expected: string): Check {
  return {
    name: 'cache.extra',
    status: 'warning',
    method: 'structure',
    path,
    expected,
    found: 'a file of which nothing is known',
    next: 'Remove it if you did not put it there: a NIM may take it for a part of the model.',
  }
}

/** Of files whose size the manifest says. */
export function checkSizes({ tree, form }: Compared, profiles: readonly ManifestProfile[]): Check[] {
  const byPath = new Map(tree.entries.map(entry => [entry.path, entry]))
  const places = new Map<string, string>()
  for (const { path } of tree.entries) {
    const place = form === 'flat' ? undefined : parseSnapshotPath(path)
    places.set(place === undefined ? path : `${place.repository}:${place.version}/${place.file}`, path)
  }
  const checks = new Map<string, Check>()
  for (const { path, repository, version, file, size } of profiles.flatMap(({ files }) => files)) {
    const found = places.get(form === 'flat' ? path : `${repository}:${version}/${decoded(file)}`)
    const entry = found === undefined ? undefined : byPath.get(found)
    const target = entry?.type === 'link' ? byPath.get(entry.resolved ?? '') : entry
    if (found === undefined || size === undefined || target?.type !== 'file' || target.size === size) continue
    checks.set(found, otherSize(found, size, target.size))
  }
  return [...checks.values()]
}

function otherSize(path: string, expected: number, found: number): Check {
  return {
    name: 'cache.file-size',
    status: 'failed',
    method: 'size',
    path,
    expected: `${expected} bytes, by the manifest`,
    found: `${found} bytes`,
    next: 'Remove this file, then run nimctl cache again: it is fetched anew.',
  }
}

/**
 * Native images have no manifest; they take a version whole, and its own list says what is in it. What nimctl noted when
 * it filled the directory says the same, so this is asked only of directories that something else filled.
 */
export async function checkListed({ tree: { root, entries } }: Compared): Promise<Check[]> {
  const there = new Set(entries.map(({ path }) => path))
  const checks: Check[] = []
  for (const list of [...there].filter(path => posix.basename(path) === 'checksums.blake3')) {
    for (const [, name] of parseChecksums(await readFile(join(root, list), 'utf8'))) {
      const path = posix.join(posix.dirname(list), name)
      if (!there.has(path)) checks.push(missingFile(path, `${list} names it.`))
    }
  }
  return checks
}
