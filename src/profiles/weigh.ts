import { fileAddress } from './file-address.ts'
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

export interface KnownBesideManifest {
  /** What the place holds; its sizes count where the manifest tells none. */
  held?: readonly HeldFile[] | undefined
  /** What NGC says, by `fileAddress`; it counts where neither of them tells. */
  sizes?: ReadonlyMap<string, number> | undefined
}

/**
 * Says of each profile its bytes, what of it other selected profiles have too, and what is new to a place. A file is
 * the same where NGC address and name are; manifests of version 1 name no version, so nothing is said of theirs.
 */
export function weighProfiles(
  listing: ProfileListing,
  manifest: ModelManifest,
  { held, sizes }: KnownBesideManifest = {},
): ProfileListing {
  const heldSizes = held && new Map(held.map(file => [fileAddress(file) ?? '', file.size]))
  const known = new Map([...(sizes ?? []), ...(heldSizes ?? [])])
  const filesOf = new Map(manifest.profiles.map(({ id, files }) => [id, weighFiles(files, known)]))
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

/** The files of the selected profiles whose sizes neither the manifest tells nor the place where they lie. */
export function untoldFiles(
  listing: ProfileListing,
  manifest: ModelManifest,
  held: readonly HeldFile[] = [],
): ManifestFile[] {
  const selected = new Set(listing.profiles.filter(profile => profile.selected).map(({ id }) => id))
  const there = new Set(held.map(fileAddress))
  const files = manifest.profiles.filter(({ id }) => selected.has(id)).flatMap(profile => profile.files)
  const untold = files.filter(file => file.size === undefined && !there.has(fileAddress(file)))
  return [...new Map(untold.map(file => [fileAddress(file) ?? file.path, file])).values()]
}

/** A profile's files by their addresses, each with its size. */
interface WeighedFiles {
  sizes: ReadonlyMap<string, number | undefined>
  /** Every file has an address that says whether it is another profile's too. */
  isAddressed: boolean
}

function weighFiles(files: readonly ManifestFile[], known: ReadonlyMap<string, number>): WeighedFiles {
  const sizes = new Map<string, number | undefined>()
  for (const file of files) {
    const address = fileAddress(file)
    sizes.set(address ?? file.path, file.size ?? (address === undefined ? undefined : known.get(address)))
  }
  return { sizes, isAddressed: files.length > 0 && files.every(file => fileAddress(file) !== undefined) }
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
