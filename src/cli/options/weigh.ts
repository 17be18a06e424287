import { isAskable, type RefusedVersion } from '../../profiles/file-sizes.ts'
import type { ListedProfile, ProfileListing } from '../../profiles/listing.ts'
import type { ModelManifest } from '../../profiles/model-manifest.ts'
import { type HeldFile, untoldFiles, weighProfiles } from '../../profiles/weigh.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { count } from '../render/format.ts'
import type { RegistryFlags } from './image.ts'
import { askNgcSizes } from './ngc.ts'
import { openPlace } from './place.ts'
import type { StoreFlags } from './store.ts'

export interface WeighFlags extends RegistryFlags, StoreFlags {
  newTo?: string
  sizes?: true
}

/**
 * What the profiles of a listing weigh, with what `--sizes` and `--new-to` find out; what they don't is a warning.
 *
 * @throws NimctlError `usage` / `NEW_TO_NEEDS_MANIFEST`, `SIZES_NEED_MANIFEST`, and what NGC, the directory or the store
 * throw.
 */
export async function weighListing(
  listing: ProfileListing,
  manifest: ModelManifest | undefined,
  { flags, context }: { flags: WeighFlags; context: Context },
): Promise<ProfileListing> {
  const { newTo } = flags
  if (manifest === undefined || manifest.profiles.length === 0) {
    refuseWithoutManifest(flags)
    return listing
  }
  const held = newTo === undefined ? undefined : await readHeldFiles(newTo, flags, context)
  const told = flags.sizes === true ? await tellSizes({ listing, manifest, held }, flags, context) : undefined
  const weighed = weighProfiles(listing, manifest, { held, sizes: told?.sizes })
  const unsaid = newTo === undefined ? 0 : countChosen(weighed, profile => profile.new === undefined)
  const message = `What is new to ${newTo} can not be told of ${unsaid} of the chosen profiles: the model manifest names no NGC version of their files.`
  const warnings = [...listing.warnings, ...(told?.warnings ?? []), ...(unsaid === 0 ? [] : [message])]
  return { ...weighed, warnings }
}

/** It alone says which files belong to a profile. */
function refuseWithoutManifest({ newTo, sizes }: WeighFlags): void {
  const why = 'It alone says which files belong to a profile.'
  const next = 'Give the IMAGE, or --file with its model_manifest.yaml.'
  if (newTo !== undefined) {
    throw new NimctlError('usage', 'NEW_TO_NEEDS_MANIFEST', { what: '--new-to needs the model manifest.', why, next })
  }
  if (sizes === true) {
    throw new NimctlError('usage', 'SIZES_NEED_MANIFEST', { what: '--sizes needs the model manifest.', why, next })
  }
}

interface Untold {
  listing: ProfileListing
  manifest: ModelManifest
  held: readonly HeldFile[] | undefined
}

async function tellSizes(
  untold: Untold,
  flags: WeighFlags,
  context: Context,
): Promise<{ sizes: ReadonlyMap<string, number>; warnings: string[] }> {
  const files = untoldFiles(untold.listing, untold.manifest, untold.held)
  const { sizes, refused } = await askNgcSizes(files.filter(isAskable), flags, context)
  const nameless = files.filter(file => !isAskable(file)).length
  const message = `NGC can not be asked for the bytes of ${count(nameless, 'file')}: the model manifest names no NGC version of them.`
  return { sizes, warnings: [...refused.map(describeRefusal), ...(nameless === 0 ? [] : [message])] }
}

function describeRefusal({ model, error: { message, why, next } }: RefusedVersion): string {
  return [`The bytes of ${model} are not known.`, message, why, next].filter(text => text !== undefined).join(' ')
}

function countChosen({ profiles }: ProfileListing, is: (profile: ListedProfile) => boolean): number {
  return profiles.filter(profile => profile.selected && is(profile)).length
}

/**
 * What the place of `--new-to` holds: a directory begins with `/`, `./` or `../`, anything else is a store's URL.
 *
 * @throws NimctlError `usage` / `URL_INVALID`, and what the directory or the store throws.
 */
async function readHeldFiles(place: string, flags: StoreFlags, context: Context): Promise<HeldFile[]> {
  const { filesHeldIn, filesStoredIn } = await import('../../pipeline/held-files.ts')
  if (/^(?:\/|\.{1,2}(?:\/|$))/.test(place)) return await filesHeldIn(place)
  const store = await openPlace(place, flags, { context, readOnly: true })
  try {
    return await filesStoredIn(store, context.signal)
  } finally {
    store.close()
  }
}
