import { NimctlError } from '../system/errors.ts'
import { checkChoice, isNamed, type ProfileChoice } from './choice.ts'
import { choiceConditions, type Condition } from './conditions.ts'
import { findProfile } from './find-profile.ts'
import type { ListedProfile, ProfileListing } from './listing.ts'
import { selectBySpec } from './select-by-spec.ts'
import { profileTraits, type Traits } from './traits.ts'

/**
 * Marks each profile with whether the choosing flags choose it, and why. Where nothing is chosen all are selected.
 *
 * @throws NimctlError `usage` / `PROFILE_CHOICE_CONFLICT` or `PROFILE_AMBIGUOUS`; `not-found` / `PROFILE_UNKNOWN` with
 * the nearest, or `PROFILES_NONE_MATCH` naming the flag that left none; and what `selectBySpec` throws.
 */
export function selectProfiles(listing: ProfileListing, choice: ProfileChoice): ProfileListing {
  const conditions = choiceConditions(choice)
  checkChoice(
    choice,
    conditions.map(({ flag }) => flag),
  )
  if (isNamed(choice)) return { ...listing, profiles: selectNamed(listing.profiles, choice.profiles ?? []) }
  if (choice.spec !== undefined) return requireSome(selectBySpec(listing, choice.spec))
  if (conditions.length > 0) return { ...listing, profiles: selectMatching(listing, conditions) }
  return { ...listing, profiles: listing.profiles.map(({ why: _why, ...profile }) => ({ ...profile, selected: true })) }
}

/** Whoever only asks what the operator would choose takes `selectBySpec`, where none is an answer. */
function requireSome(listing: ProfileListing): ProfileListing {
  if (listing.profiles.some(({ selected }) => selected)) return listing
  throw new NimctlError('not-found', 'PROFILES_NONE_MATCH', {
    what: 'No profile matches the spec of --spec.',
    why: listing.warnings.at(-1),
    next: 'Why not, for each of them: nimctl profiles IMAGE --spec FILE --explain',
  })
}

function selectNamed(profiles: readonly ListedProfile[], names: readonly string[]): ListedProfile[] {
  const namedBy = new Map(names.map(name => [findProfile(profiles, name).id, name]))
  return profiles.map(profile => {
    const name = namedBy.get(profile.id)
    return { ...profile, selected: name !== undefined, why: name === undefined ? 'is not named' : `is named: ${name}` }
  })
}

interface Candidate {
  profile: ListedProfile
  traits: Traits
}

function selectMatching(listing: ProfileListing, conditions: readonly Condition[]): ListedProfile[] {
  const candidates = listing.profiles.map(profile => ({ profile, traits: profileTraits(profile) }))
  requireMatches(listing, candidates, conditions)
  const asAsked = `is as asked: ${conditions.map(({ flag }) => flag).join(' ')}`
  return candidates.map(({ profile, traits }) => {
    const unmet = conditions.map(condition => condition.unmet(profile, traits)).filter(reason => reason !== undefined)
    return { ...profile, selected: unmet.length === 0, why: unmet.length === 0 ? asAsked : unmet.join(', ') }
  })
}

function requireMatches(listing: ProfileListing, candidates: Candidate[], conditions: readonly Condition[]): void {
  let left = candidates
  for (const condition of conditions) {
    const kept = left.filter(({ profile, traits }) => condition.unmet(profile, traits) === undefined)
    if (kept.length === 0) throw noneMatch(listing, condition, left, conditions)
    left = kept
  }
}

const shownReasons = 5

function noneMatch(
  { profiles }: ProfileListing,
  { flag, unmet }: Condition,
  left: Candidate[],
  conditions: readonly Condition[],
): NimctlError {
  const reasons = [...new Set(left.map(({ profile, traits }) => unmet(profile, traits)))].slice(0, shownReasons)
  const hostUnknown = flag.startsWith('--section') && profiles.every(({ section }) => section === 'unknown')
  return new NimctlError('not-found', 'PROFILES_NONE_MATCH', {
    what: `No profile matches ${conditions.map(condition => condition.flag).join(' ')}.`,
    why:
      left.length === 0
        ? 'The listing holds no profile.'
        : `${flag} leaves none of the last ${left.length}: each ${reasons.join(' or ')}.`,
    next: hostUnknown
      ? 'No host was asked what it can run: add --on docker, or leave out --section.'
      : `Leave out ${flag}, or see what there is with: nimctl profiles IMAGE`,
  })
}
