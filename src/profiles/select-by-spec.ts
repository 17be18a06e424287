import { matchProfile } from '../operator/match-profiles.ts'
import { type ModelSpec, passedOver } from '../operator/model-spec.ts'
import { NimctlError } from '../system/errors.ts'
import { findProfile, profileName } from './find-profile.ts'
import type { ListedProfile, ProfileListing } from './listing.ts'

/** `--spec FILE` and `--node-gpu PRODUCT`, read. */
export interface SpecChoice {
  model: ModelSpec
  /** What the reader of the file had to say. */
  warnings: readonly string[]
  /** Values of the node label `nvidia.com/gpu.product`. */
  nodeGpus: readonly string[]
}

/**
 * Marks the profiles that the NIM Operator would cache for a NIMCache, and says why each. That may be none: then no
 * profile is selected, and a warning says what the operator makes of it.
 *
 * @throws NimctlError `usage` / `SPEC_NEEDS_MANIFEST` where only a host's list is known; `not-found` /
 * `PROFILE_UNKNOWN` for a profile that the spec names and the image does not offer.
 */
export function selectBySpec(listing: ProfileListing, { model, warnings, nodeGpus }: SpecChoice): ProfileListing {
  const { profiles: named = [] } = model
  const marked = named.length > 0 ? selectNamed(listing.profiles, named) : selectMatched(listing, { model, nodeGpus })
  const parser = listing.operatorParser
  const ignored = parser === undefined || parser === 'none' ? [] : passedOver(model, { parser, nodeGpus })
  const none = marked.some(({ selected }) => selected) ? [] : [noneSelected(listing)]
  return { ...listing, profiles: marked, warnings: [...listing.warnings, ...warnings, ...ignored, ...none] }
}

function selectNamed(profiles: readonly ListedProfile[], ids: readonly string[]): ListedProfile[] {
  if (ids.includes('all')) {
    return profiles.map(profile => ({ ...profile, selected: true, why: 'the spec asks for all' }))
  }
  for (const id of ids) requireId(profiles, id)
  return profiles.map(profile => {
    const selected = ids.includes(profile.id)
    return { ...profile, selected, why: selected ? 'is named in the spec' : 'is not among the profiles of the spec' }
  })
}

/** The operator hands the text on as it is, and the container takes whole ids. */
function requireId(profiles: readonly ListedProfile[], id: string): void {
  const found = findProfile(profiles, id)
  if (found.id === id) return
  throw new NimctlError('not-found', 'PROFILE_UNKNOWN', {
    what: `No profile has the id "${id}".`,
    why: `${profileName(found)} comes nearest; the operator takes whole ids alone.`,
    next: `Write ${found.id} into the spec.`,
  })
}

function selectMatched(
  { profiles, operatorParser: parser }: ProfileListing,
  { model, nodeGpus }: Pick<SpecChoice, 'model' | 'nodeGpus'>,
): ListedProfile[] {
  if (parser === undefined) throw needsManifest()
  if (parser === 'none') {
    const why = 'the NIM Operator can not read this model manifest'
    return profiles.map(profile => ({ ...profile, selected: false, why }))
  }
  return profiles.map(profile => {
    const { matched, why } = matchProfile(profile.tags, model, { parser, nodeGpus })
    return { ...profile, selected: matched, why }
  })
}

function noneSelected({ operatorParser }: ProfileListing): string {
  return operatorParser === 'none'
    ? 'The NIM Operator can not read this form of model manifest: a NIMCache of this image fails. Name the profiles in spec.source.ngc.model.profiles.'
    : 'The NIM Operator would choose no profile: the NIMCache fails with "no profiles are selected for caching".'
}

function needsManifest(): NimctlError {
  return new NimctlError('usage', 'SPEC_NEEDS_MANIFEST', {
    what: '--spec needs the model manifest.',
    why: 'The operator matches the tags that stand there; a list of a host does not have them.',
    next: 'Give the IMAGE, its model_manifest.yaml, or what nimctl profiles IMAGE --json saved.',
  })
}
