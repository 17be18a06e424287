import { matchFiles, type MatchedFile, type Snapshot } from '../cache/check-profiles.ts'
import type { InventoryEntry, InventoryHeader } from '../inventory/inventory.ts'
import { findProfile } from '../profiles/find-profile.ts'
import type { ManifestFile, ManifestProfile, ModelManifest } from '../profiles/model-manifest.ts'
import type { Check } from '../system/check.ts'
import { parseModelKey, type ModelKey } from '../transfer/key-layout.ts'
import { listObjects } from '../transfer/listing.ts'
import { ngcKey } from '../transfer/wanted.ts'
import type { AgainstRequest, Expectation } from './against.ts'

interface ImageRequest {
  manifest: ModelManifest
  /** Ids or unique beginnings; none: those of the inventory, else those that lie there. */
  asked: readonly string[]
}

/**
 * What an image's own manifest asks of a store, for whom nobody left an inventory, or beside one: every file of every
 * profile that is meant. Profiles that share files are told apart: one is meant that was asked for, else one that is in
 * the inventory, else one that is whole, or of which something lies there that no whole one needs.
 *
 * Contents follow from the names of blobs (their MD5); sizes from manifests that tell them.
 *
 * @param entries of the store's own inventory: then they, and not the listing, say which files it has, and the objects
 *   are proved by it.
 * @throws NimctlError as `findProfile`.
 */
export async function expectImage(
  { manifest, asked }: ImageRequest,
  request: AgainstRequest,
  entries: readonly ModelFile[] | undefined,
): Promise<Expectation> {
  const { header, add } = request
  const here = readFiles(entries ?? (await listFiles(manifest, request)))
  const states = manifest.profiles.map(profile => stateOf(profile, here))
  const meant = chooseMeant(states, { manifest, asked, header })
  const layout = header?.layout ?? here.layout ?? 'cache'
  const named = new Set<string>()
  let bytes = 0
  for (const matched of meant.flatMap(({ files }) => files)) {
    const file = fileOf(matched, here)
    // What is there and in the inventory, the inventory proves.
    if (file !== undefined && entries !== undefined) continue
    const key = file?.key ?? keyOf(matched, layout)
    bytes += file?.size ?? 0
    if (named.has(key)) continue
    named.add(key)
    const { size } = matched.file
    await add({ key, expected: { kind: layout === 'ngc' ? 'file' : 'link', ...(size !== undefined && { size }) } })
  }
  const isForeign = foreignTo(manifest)
  return {
    layout,
    models: header?.models ?? [...new Set(meant.flatMap(({ files }) => files.map(modelOf)))].toSorted(),
    profiles: meant.map(({ profile: { id, tags } }) => ({ id, tags })),
    files: header?.files ?? named.size,
    bytes: header?.bytes ?? bytes,
    ...(header === undefined && { isExtra: isForeign }),
    checks: meant.length > 0 ? meant.map(checkProfile) : [nothingMeant(states)],
  }
}

/** A file of a model as a listing or an inventory has it. */
export interface ModelFile extends ModelKey {
  key: string
  /** Bytes. */
  size: number
}

export function modelFile(entry: InventoryEntry, { layout }: InventoryHeader): ModelFile[] {
  if (entry.type === 'directory') return []
  const { path, size } = entry
  const model = parseModelKey(path)
  if (model === undefined) return []
  return [{ ...model, layout: layout === 'ngc' ? 'ngc' : 'cache', key: entry.key ?? path, size }]
}

/** Of every file that any profile asks for. */
export function namesOf({ profiles }: ModelManifest): ReadonlySet<string> {
  return new Set(profiles.flatMap(({ files }) => files.flatMap(({ file }) => [file, decoded(file)])))
}

/** What any profile of the image could ask for, and no more: there may be a million others. Blobs are named by the way. */
async function listFiles(manifest: ModelManifest, { store, add, signal }: AgainstRequest): Promise<ModelFile[]> {
  const wanted = namesOf(manifest)
  const files: ModelFile[] = []
  for await (const { key, size } of listObjects(store, '', signal)) {
    const md5 = blobName.exec(key)?.[1]
    if (md5 !== undefined) await add({ key, expected: { kind: 'blob', md5 } })
    const model = parseModelKey(key)
    if (model !== undefined && wanted.has(model.file)) files.push({ ...model, key, size })
  }
  return files
}

const blobName = /(?:^|\/)ngc\/hub\/models--[^/]+\/blobs\/([0-9a-f]{32})$/

interface Here {
  layout: ModelKey['layout'] | undefined
  snapshots: (Snapshot & { byName: Map<string, ModelFile> })[]
}

/** In each layout by itself: a profile half of which lies in each is whole in none. */
function readFiles(files: readonly ModelFile[]): Here {
  const snapshots = new Map<string, Here['snapshots'][number] & { files: Set<string> }>()
  for (const file of files) {
    const { layout, repository, version } = file
    const id = `${layout} ${repository}:${version}`
    const snapshot = snapshots.get(id) ?? { repository, version, files: new Set(), byName: new Map() }
    snapshots.set(id, snapshot)
    snapshot.files.add(file.file)
    snapshot.byName.set(file.file, file)
  }
  return { layout: files[0]?.layout, snapshots: [...snapshots.values()] }
}

function fileOf({ snapshot, found }: MatchedFile, { snapshots }: Here): ModelFile | undefined {
  if (found === undefined) return undefined
  return snapshots.find(one => one === snapshot)?.byName.get(found)
}

interface ProfileState {
  profile: ManifestProfile
  files: MatchedFile[]
  isWhole: boolean
}

function stateOf(profile: ManifestProfile, { snapshots }: Here): ProfileState {
  const files = matchFiles(profile.files, snapshots)
  const isWhole = files.length > 0 ? files.every(isFound) : snapshots.length > 0
  return { profile, files, isWhole }
}

function isFound({ found }: MatchedFile): boolean {
  return found !== undefined
}

function chooseMeant(
  states: readonly ProfileState[],
  { manifest, asked, header }: ImageRequest & { header: InventoryHeader | undefined },
): ProfileState[] {
  const ids =
    asked.length > 0
      ? asked.map(name => findProfile(manifest.profiles, name).id)
      : (header?.profiles ?? []).map(({ id }) => id)
  const named = states.filter(({ profile }) => ids.includes(profile.id))
  if (named.length > 0) return named
  // Each counts of which something lies there that no other needs, beginning with those of which the most lies there:
  // the rest only share files with them.
  const lying = states.filter(({ isWhole, files }) => isWhole || files.some(isFound))
  const needed = new Set<string>()
  return lying.toSorted(fullestFirst).filter(({ isWhole, files }) => {
    const here = files.filter(isFound).map(addressOf)
    const isMeant = isWhole || here.some(address => !needed.has(address))
    for (const address of here) needed.add(address)
    return isMeant
  })
}

function fullestFirst(a: ProfileState, b: ProfileState): number {
  const found = ({ files }: ProfileState) => files.filter(isFound).length
  return Number(b.isWhole) - Number(a.isWhole) || found(b) - found(a)
}

function addressOf({ file, snapshot, found }: MatchedFile): string {
  return `${snapshot?.repository ?? file.repository}:${snapshot?.version ?? file.version}/${found ?? file.file}`
}

function modelOf({ file, snapshot }: MatchedFile): string {
  return [snapshot?.repository ?? file.repository, snapshot?.version ?? file.version].filter(Boolean).join(':')
}

/** Where a file that is missing should lie, as far as manifest and listing tell. */
function keyOf(
  { file: { repository: wantedFrom, version: wantedVersion, file }, snapshot }: MatchedFile,
  layout: string,
) {
  const repository = snapshot?.repository ?? wantedFrom
  const version = snapshot?.version ?? wantedVersion
  if (repository === undefined || version === undefined) return [repository, version, file].filter(Boolean).join('/')
  if (layout === 'ngc') return ngcKey({ repository, version, file: decoded(file) })
  return `ngc/hub/models--${repository.replaceAll('/', '--')}/snapshots/${version}/${decoded(file)}`
}

/** Names that no profile has, in a manifest that tells which versions it means. */
function foreignTo({ profiles }: ModelManifest): (key: string) => boolean {
  const files = profiles.flatMap(profile => profile.files)
  const tellsVersions = files.every(({ version }) => version !== undefined)
  const models = new Set(files.map(({ repository, version }: ManifestFile) => `${repository}:${version}`))
  return key => {
    const model = parseModelKey(key)
    return tellsVersions && model !== undefined && !models.has(`${model.repository}:${model.version}`)
  }
}

function checkProfile({ profile: { id }, files, isWhole }: ProfileState): Check {
  const missing = files.filter(one => !isFound(one))
  return {
    name: 'store.profile',
    status: isWhole ? 'ok' : 'failed',
    method: 'structure',
    expected: `${files.length} files of profile ${id}`,
    found: `${files.length - missing.length}`,
    ...(!isWhole && { next: uploadProfile }),
  }
}

function nothingMeant(states: readonly ProfileState[]): Check {
  return {
    name: 'store.profile',
    status: 'failed',
    method: 'structure',
    expected: `the files of one of ${states.length} profiles`,
    found: 'none of any',
    next: uploadProfile,
  }
}

const uploadProfile = 'Build and upload it: nimctl cache IMAGE DIR --profile ID, then nimctl upload.'

function decoded(file: string): string {
  try {
    return decodeURIComponent(file)
  } catch {
    return file
  }
}
