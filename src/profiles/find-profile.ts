import { distance } from 'fastest-levenshtein'

import { NimctlError } from '../system/errors.ts'
import { leadingProfileId } from './profile-id.ts'

/** What is known of a profile wherever one is named: in a listing, a manifest, an inventory. */
export interface NamedProfile {
  id: string
  description?: string
}

const shortestBeginning = 4

/**
 * The profile that a person named: by id, by a unique beginning of one, by its exact description, or as a line pasted
 * from a list, `<id> (description)`. NIM itself refuses the last form (reference/nim.md 2.1, rule 8); here the id counts.
 *
 * @throws NimctlError `usage` / `PROFILE_AMBIGUOUS` with the candidates; `not-found` / `PROFILE_UNKNOWN` with the nearest.
 */
export function findProfile<Profile extends NamedProfile>(profiles: readonly Profile[], name: string): Profile {
  const asked = name.trim()
  const id = pastedId(asked) ?? asked.toLowerCase()
  const exact = profiles.find(profile => profile.id === id)
  if (exact !== undefined) return exact
  const described = asked === '' ? [] : profiles.filter(({ description }) => description === asked)
  const begun = asked.length < shortestBeginning ? [] : profiles.filter(profile => profile.id.startsWith(id))
  const found = described.length > 0 ? described : begun
  const [only] = found
  if (only === undefined) throw unknown(profiles, asked, id)
  if (found.length > 1) throw ambiguous(found, asked)
  return only
}

function pastedId(text: string): string | undefined {
  return leadingProfileId(text.replace(/^-\s+/, '').toLowerCase())
}

function ambiguous(found: readonly NamedProfile[], asked: string): NimctlError {
  return new NimctlError('usage', 'PROFILE_AMBIGUOUS', {
    what: `"${asked}" fits ${found.length} profiles.`,
    why: `They are ${found.map(profileName).join(', ')}.`,
    next: 'Give more digits of the id, or the whole one.',
  })
}

function unknown(profiles: readonly NamedProfile[], asked: string, id: string): NimctlError {
  if (profiles.length > 0 && isDescription(asked) && profiles.every(({ description = '' }) => description === '')) {
    return idsOnly(asked)
  }
  const nearest = nearestProfiles(profiles, asked, id)
  const short =
    asked.length < shortestBeginning ? ` The beginning of an id has at least ${shortestBeginning} digits.` : ''
  return new NimctlError('not-found', 'PROFILE_UNKNOWN', {
    what: `No profile is "${asked}".`,
    why:
      nearest.length === 0
        ? 'The listing holds no profile.'
        : `The nearest of ${profiles.length}: ${nearest.map(profileName).join(', ')}.${short}`,
    next: 'Ids change with every image tag. See those of this one with: nimctl profiles IMAGE',
  })
}

function isDescription(text: string): boolean {
  return !/^[0-9a-f-]*$/i.test(text)
}

/** Model manifests have no descriptions: the container makes them (reference/nim.md 2.1). */
function idsOnly(asked: string): NimctlError {
  return new NimctlError('not-found', 'PROFILE_UNKNOWN', {
    what: `No profile is "${asked}".`,
    why: 'What was looked into knows profiles by their ids alone; descriptions come from the running container.',
    next: 'Give its id. The ids, and what each is: nimctl profiles IMAGE --on docker',
  })
}

const shownNearest = 3

/** A beginning is compared with beginnings of the same length. */
function nearestProfiles(profiles: readonly NamedProfile[], asked: string, id: string): NamedProfile[] {
  const near = (profile: NamedProfile) => {
    const byId = distance(id, profile.id.slice(0, id.length))
    const { description = '' } = profile
    return description === '' ? byId : Math.min(byId, distance(asked.toLowerCase(), description.toLowerCase()))
  }
  return profiles
    .map(profile => ({ profile, far: near(profile) }))
    .toSorted((a, b) => a.far - b.far)
    .slice(0, shownNearest)
    .map(({ profile }) => profile)
}

export function profileName({ id, description = '' }: NamedProfile): string {
  return description === '' ? id : `${id} (${description})`
}
