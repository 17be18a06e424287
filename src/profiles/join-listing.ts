import type { ListedProfile, ProfileListing } from './listing.ts'
import { manifestProfile } from './manifest-listing.ts'
import type { ModelManifest } from './model-manifest.ts'

/**
 * Adds to a host's list what the image's manifest knows: tags and numbers of files. Profiles that the host left out
 * follow at the end as `unknown`, so that they can be chosen; what stands on one side only is warned of.
 */
export function joinManifest(listing: ProfileListing, manifest: ModelManifest): ProfileListing {
  const inManifest = new Map(manifest.profiles.map(profile => [profile.id, manifestProfile(profile)]))
  const listed = new Set(listing.profiles.map(({ id }) => id))
  const unlisted = [...inManifest.values()].filter(({ id }) => !listed.has(id))
  const foreign = listing.profiles.filter(({ id }) => !inManifest.has(id))
  const joined = listing.profiles.map(profile => joinProfile(profile, inManifest.get(profile.id)))
  const { operatorParser } = manifest
  return {
    ...listing,
    ...(operatorParser !== undefined && { operatorParser }),
    profiles: [...joined, ...unlisted],
    warnings: [...listing.warnings, ...differences(listing, foreign, unlisted)],
  }
}

function joinProfile(listed: ListedProfile, known: ListedProfile | undefined): ListedProfile {
  if (known === undefined) return listed
  const { files } = known
  return {
    ...listed,
    lora: listed.lora || known.lora,
    tags: { ...listed.tags, ...known.tags },
    ...(files !== undefined && { files }),
  }
}

function differences({ profiles }: ProfileListing, foreign: ListedProfile[], unlisted: ListedProfile[]): string[] {
  if (foreign.length === profiles.length) {
    return ['List and model manifest share no profile: they are of different images (ids change with every tag).']
  }
  const warnings: string[] = []
  if (foreign.length > 0) warnings.push(`The model manifest does not name ${namesOf(foreign)}, which the host lists.`)
  if (unlisted.length > 0) warnings.push(`The host does not list ${namesOf(unlisted)} of the model manifest.`)
  return warnings
}

function namesOf(profiles: ListedProfile[]): string {
  const shown = profiles.slice(0, 3).map(({ id, description }) => (description === '' ? id : `${id} (${description})`))
  const more = profiles.length - shown.length
  return `profile ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
