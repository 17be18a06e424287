import type { FileCount, ListedProfile, ProfileListing } from './listing.ts'
import type { ManifestFile, ModelManifest } from './model-manifest.ts'

/** A file of NGC that lies in a cache or store already. */
export interface HeldFile {
  /** `org/team/model`. */
  repository: string
  version: string
  file: string
  /** Bytes. */
  size: number
}

/**
 * Says of each profile its bytes, what of it other selected profiles have too, and what is new to a place. A file is
 * the same where NGC address and name are; manifests of version 1 name no version, so nothing is said of theirs.
 *
 * @param held what the place holds; its sizes count where the manifest tells none.
 */
export function weighProfiles(
  listing: ProfileListing,
  manifest: ModelManifest,
  held?: readonly HeldFile[],
): ProfileListing {
  const heldSizes = held && new Map(held.map(file => [addressOf(file) ?? '', file.size]))
  const filesOf = new Map(manifest.profiles.map(({ id, files }) => [id, weighFiles(files, heldSizes)]))
  const selected = listing.profiles.filter(profile => profile.selected).map(({ id }) => filesOf.get(id))
  const owners = countOwners(selected)
  const profiles = listing.profiles.map(profile => {
    const files = filesOf.get(profile.id)
    const weighed = files === undefined ? profile : { ...profile, ...knownBytes(files.sizes) }
    if (files?.isAddressed !== true) return weighed
    return { ...weighed, ...sharedFiles(weighed, files, owners), ...(heldSizes && { new: newFiles(files, heldSizes) }) }
  })
  return { ...listing, profiles, ...countTogether(selected, heldSizes) }
}

/** A profile's files by their addresses, each with its size. */
interface WeighedFiles {
  sizes: ReadonlyMap<string, number | undefined>
  /** Every file has an address that says whether it is another profile's too. */
  isAddressed: boolean
}

function weighFiles(files: readonly ManifestFile[], heldSizes: ReadonlyMap<string, number> | undefined): WeighedFiles {
  const sizes = new Map<string, number | undefined>()
  for (const file of files) {
    const address = addressOf(file)
    sizes.set(address ?? file.path, file.size ?? (address === undefined ? undefined : heldSizes?.get(address)))
  }
  return { sizes, isAddressed: files.length > 0 && files.every(file => addressOf(file) !== undefined) }
}

/** Addresses in manifests may be percent-encoded, names on disk are not. */
function addressOf({ repository, version, file }: Omit<ManifestFile, 'path'>): string | undefined {
  if (repository === undefined || version === undefined) return undefined
  return `${repository}:${version}/${decoded(file)}`
}

function decoded(file: string): string {
  try {
    return decodeURIComponent(file)
  } catch (error) {
    if (error instanceof URIError) return file
    throw error
  }
}

function countOwners(selected: readonly (WeighedFiles | undefined)[]): Map<string, number> {
  const owners = new Map<string, number>()
  for (const files of selected) {
    for (const address of files?.sizes.keys() ?? []) owners.set(address, (owners.get(address) ?? 0) + 1)
  }
  return owners
}

function sharedFiles(
  { selected }: ListedProfile,
  { sizes }: WeighedFiles,
  owners: ReadonlyMap<string, number>,
): Pick<ListedProfile, 'shared'> {
  const itself = selected ? 1 : 0
  return { shared: countFiles(filterFiles(sizes, address => (owners.get(address) ?? 0) > itself)) }
}

function newFiles({ sizes }: WeighedFiles, heldSizes: ReadonlyMap<string, number>): FileCount {
  return countFiles(filterFiles(sizes, address => !heldSizes.has(address)))
}

function countTogether(
  selected: readonly (WeighedFiles | undefined)[],
  heldSizes: ReadonlyMap<string, number> | undefined,
): Pick<ProfileListing, 'together'> {
  if (selected.length === 0 || !selected.every(files => files?.isAddressed === true)) return {}
  const sizes = new Map(selected.flatMap(files => [...(files?.sizes ?? [])]))
  const fresh = heldSizes && newFiles({ sizes, isAddressed: true }, heldSizes)
  return { together: { ...countFiles(sizes), ...(fresh && { new: fresh }) } }
}

type Sizes = ReadonlyMap<string, number | undefined>

function filterFiles(sizes: Sizes, keep: (address: string) => boolean): Sizes {
  return new Map([...sizes].filter(([address]) => keep(address)))
}

function countFiles(sizes: Sizes): FileCount {
  return { files: sizes.size, ...(sizes.size === 0 ? { bytes: 0 } : knownBytes(sizes)) }
}

function knownBytes(sizes: Sizes): { bytes?: number } {
  let bytes = 0
  for (const size of sizes.values()) {
    if (size === undefined) return {}
    bytes += size
  }
  return sizes.size === 0 ? {} : { bytes }
}
