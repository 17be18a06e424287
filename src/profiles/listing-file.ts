import * as v from 'valibot'

import { NimctlError } from '../system/errors.ts'
import { type ProfileListing, sections } from './listing.ts'
import { listManifest } from './manifest-listing.ts'
import { parseModelManifest } from './manifest.ts'
import type { ModelManifest } from './model-manifest.ts'
import { parseProfileList } from './parse-listing.ts'

/** A list, and the model manifest where it was made from one: that alone tells files. */
export interface ProfilesWithManifest {
  listing: ProfileListing
  manifest?: ModelManifest | undefined
}

/** As `readProfilesFile`, for whom the list is enough. */
export function readListingFile(text: string): ProfileListing {
  return readProfilesFile(text).listing
}

/**
 * Reads what somebody saved: the output of a list command, a model manifest, or the JSON of `nimctl profiles --json`,
 * told apart by what is in it. The last keeps its image, digest and selection.
 *
 * @throws NimctlError `usage` / `LISTING_EMPTY` naming what was looked for, `LISTING_INVALID`, `MANIFEST_INVALID`.
 */
export function readProfilesFile(text: string): ProfilesWithManifest {
  const json = parseJson(text)
  if (json !== undefined && 'kind' in json) return { listing: readSavedListing(json) }
  if (json !== undefined || manifestKey.test(text)) {
    const manifest = parseModelManifest(text)
    return { listing: { ...listManifest(manifest), source: 'file' }, manifest }
  }
  const list = parseProfileList(text)
  if (list.profiles.length === 0) throw empty(list.warnings)
  return { listing: { source: 'file', ...list } }
}

/** The JSON of nimctl names its kind; a model manifest may be JSON as well, a log may hold lines of it. */
function parseJson(text: string): object | undefined {
  if (!/^\uFEFF?\s*\{/.test(text)) return undefined
  try {
    const json: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    return typeof json === 'object' && json !== null ? json : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Keys at the left edge that only a manifest has; ids of a list stand behind a bullet. Ids may be any name. */
const manifestKey =
  /^\uFEFF?["']?(?:(?:schema_version|model_profile)["']?\s*:|profiles\s*:\s*$|(?:[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})["']?\s*:|[\w.-]+["']?:[ \t]*\r?\n[ \t]+(?:model|release|tags|container_url|workspace):)/m

const gpu = v.looseObject({
  name: v.string(),
  pciId: v.exactOptional(v.string()),
  index: v.exactOptional(v.number()),
  free: v.boolean(),
  utilizationPercent: v.exactOptional(v.number()),
})

const profile = v.looseObject({
  id: v.pipe(v.string(), v.nonEmpty()),
  description: v.string(),
  section: v.picklist(sections),
  lora: v.boolean(),
  tags: v.record(v.string(), v.string()),
  requiresGbPerGpu: v.exactOptional(v.number()),
  files: v.exactOptional(v.number()),
  bytes: v.exactOptional(v.number()),
  selected: v.boolean(),
  why: v.exactOptional(v.string()),
})

const savedListing = v.looseObject({
  formatVersion: v.literal(1),
  kind: v.literal('ProfileListing'),
  image: v.exactOptional(v.string()),
  imageDigest: v.exactOptional(v.string()),
  family: v.exactOptional(v.string()),
  operatorParser: v.exactOptional(v.picklist(['v1', 'v2', 'none'])),
  gpus: v.array(gpu),
  profiles: v.array(profile),
  warnings: v.array(v.string()),
})

function readSavedListing(json: object): ProfileListing {
  const result = v.safeParse(savedListing, json)
  if (!result.success)
    throw invalid(result.issues.map(issue => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`))
  // What was new or shared then was so for another choice.
  const { formatVersion: _version, kind: _kind, ok: _ok, together: _together, ...listing } = result.output
  if (listing.profiles.length === 0) throw empty(listing.warnings)
  const profiles = listing.profiles.map(({ shared: _shared, new: _new, ...profile }) => profile)
  return { ...listing, profiles, source: 'file' }
}

const shownProblems = 5

function invalid(problems: string[]): NimctlError {
  const more = problems.length > shownProblems ? `; and ${problems.length - shownProblems} more` : ''
  return new NimctlError('usage', 'LISTING_INVALID', {
    what: 'The file is no profile listing of nimctl.',
    why: `${problems.slice(0, shownProblems).join('; ')}${more}.`,
    next: 'Save one with: nimctl profiles IMAGE --json > listing.json',
  })
}

function empty(warnings: readonly string[]): NimctlError {
  const looked =
    'Looked for lines "- <id> (description)" under MODEL PROFILES, a model manifest, and nimctl\'s own JSON.'
  return new NimctlError('usage', 'LISTING_EMPTY', {
    what: 'The file holds no profile.',
    why: [looked, ...warnings].join(' '),
    next: 'Save the whole output of list-model-profiles, or run: nimctl profiles IMAGE --json',
  })
}
