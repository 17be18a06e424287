import type { InventoryHeader, InventoryProfile } from '../inventory/inventory.ts'
import { findProfile, profileName } from '../profiles/find-profile.ts'
import { NimctlError } from '../system/errors.ts'

/** What a pod is told to serve. */
export type PodProfile = Pick<InventoryProfile, 'id' | 'tags' | 'description'>

/**
 * The profile that a pod of one's own runs, if any: what has no profiles serves what it is given, and a NIM that may ask
 * outside can choose for itself.
 *
 * @param header of the upload; absent: an image alone was named, and `wanted` is taken as it is.
 * @throws NimctlError `usage` / `PROFILE_REQUIRED`, and what `findProfile` throws.
 */
export function podProfile(
  header: InventoryHeader | undefined,
  { wanted, online }: { wanted: string | undefined; online: boolean },
): PodProfile | undefined {
  if (header === undefined) return wanted === undefined ? undefined : { id: wanted, tags: {} }
  if (header.profiles.length === 0 || (online && wanted === undefined && header.profiles.length > 1)) return undefined
  return chooseProfile(header, wanted)
}

/**
 * The profile that a NIMService runs.
 *
 * @param wanted as a person names it; not needed where there is only one.
 * @throws NimctlError `usage` / `PROFILE_REQUIRED`, `INVENTORY_WITHOUT_PROFILES`, and what `findProfile` throws.
 */
export function chooseProfile({ profiles }: InventoryHeader, wanted: string | undefined): InventoryProfile {
  if (wanted !== undefined && profiles.length > 0) return findProfile(profiles, wanted)
  const [only, second] = profiles
  if (only === undefined)
    throw new NimctlError('usage', 'INVENTORY_WITHOUT_PROFILES', {
      what: 'The inventory names no profile, so there is nothing that a NIMCache or NIMService could point at.',
      why: 'The cache was uploaded without the model manifest of its image, or it holds no profile.',
      next: 'Look at it with: nimctl validate cache DIR, and upload it again',
    })
  if (second === undefined) return only
  throw new NimctlError('usage', 'PROFILE_REQUIRED', {
    what: `The cache holds ${profiles.length} profiles, and a NIMService runs one.`,
    why: `There are: ${profiles.map(profileName).join(', ')}.`,
    next: `Choose with: --profile ${only.id}`,
  })
}
