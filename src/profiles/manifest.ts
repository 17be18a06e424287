import { parseDocument } from 'yaml'

import { NimctlError } from '../system/errors.ts'
import { readComponents, readFileMap } from './manifest-files.ts'
import { isMap, textOf, type YamlMap } from './manifest-values.ts'
import type { ManifestProfile, ModelManifest } from './model-manifest.ts'
import { isProfileId } from './profile-id.ts'

/**
 * Reads a `model_manifest.yaml`, version 1 (a map by id), 2 (a list) or the older `{model_profile, manifest}` of MolMIM,
 * also as JSON. All values are kept as they are written: `tp: 8` and `release: 1.0` are texts, as the operator reads them
 * (reference/operator.md section 3, Manifest shapes).
 *
 * @throws NimctlError `usage` / `MANIFEST_INVALID` naming the line, or what was looked for.
 */
export function parseModelManifest(text: string): ModelManifest {
  const top = readYaml(text)
  if (!isMap(top)) throw invalid('It is not a map of profiles.')
  const manifest = readProfiles(top)
  if (manifest.profiles.length === 0) {
    throw invalid('It names no profile: neither ids at the top (version 1) nor a list "profiles" (version 2).')
  }
  return manifest
}

/**
 * Any `2` in `schema_version` means version 2: so the operator decides (reference/operator.md section 3). A list of
 * profiles under another number, or under none, is read all the same.
 */
function readProfiles(top: YamlMap): ModelManifest {
  const { schema_version: version, profiles, manifest } = top
  const operatorParser = findOperatorParser(top)
  const entries = Array.isArray(manifest) ? manifest.flatMap(legacyEntries) : Object.entries(top)
  const keyed = entries.map(([id, value]) => readKeyed(id, value)).filter(isDefined)
  const listed = Array.isArray(profiles) && (version === undefined || keyed.length === 0)
  if (listed || textOf(version)?.includes('2') === true) {
    return { schemaVersion: 2, operatorParser, profiles: list(profiles).map(readListed).filter(isDefined) }
  }
  return { schemaVersion: 1, operatorParser, profiles: keyed }
}

/** Go refuses the whole document where one value has another type than the operator's. */
function findOperatorParser(top: YamlMap): 'v1' | 'v2' | 'none' {
  if (textOf(top['schema_version'])?.includes('2') === true) {
    return Array.isArray(top['profiles']) && top['profiles'].every(hasReadableTags) ? 'v2' : 'none'
  }
  return Object.values(top).every(hasReadableTags) ? 'v1' : 'none'
}

function hasReadableTags(profile: unknown): boolean {
  if (!isMap(profile)) return textOf(profile) === ''
  const tags = profile['tags'] ?? {}
  return textOf(tags) === '' || (isMap(tags) && Object.values(tags).every(value => textOf(value) !== undefined))
}

/** `- id: …` or `- <id>: {…}`. */
function legacyEntries(item: unknown): [string, unknown][] {
  if (!isMap(item)) return []
  const id = textOf(item['id'])
  return id === undefined ? Object.entries(item) : [[id, item]]
}

function readListed(value: unknown): ManifestProfile | undefined {
  if (!isMap(value)) return undefined
  const id = textOf(value['id'])
  if (id === undefined || id === '') return undefined
  const workspace = isMap(value['workspace']) ? value['workspace'] : {}
  return { id, ...readCommon(value), files: readFileMap(workspace['files']) }
}

/** Other keys at the top, such as `schema_version: 1.0`, are no profiles. */
function readKeyed(id: string, value: unknown): ManifestProfile | undefined {
  if (!isMap(value)) return undefined
  if (!isProfileId(id) && !isMap(value['tags'])) return undefined
  const workspace = isMap(value['workspace']) ? value['workspace'] : {}
  return { id, ...readCommon(value), files: readComponents(workspace['components']) }
}

function readCommon(value: YamlMap): Omit<ManifestProfile, 'id' | 'files'> {
  const model = textOf(value['model'])
  const release = textOf(value['release'])
  const containerUrl = textOf(value['container_url'])
  const tags = isMap(value['tags']) ? Object.entries(value['tags']) : []
  return {
    ...(model !== undefined && { model }),
    ...(release !== undefined && { release }),
    ...(containerUrl !== undefined && { containerUrl }),
    tags: Object.fromEntries(tags.map(([name, tag]) => [name, textOf(tag) ?? ''])),
  }
}

/** The largest known manifest has 122 profiles with 20,000 files; generators write what repeats as aliases. */
const maxAliasCount = 100_000

/** `failsafe` keeps scalars as text; unknown tags (`!workspace`, `!name`) only warn. Of a key given twice the last counts. */
function readYaml(text: string): unknown {
  try {
    const document = parseDocument(text, {
      schema: 'failsafe',
      merge: true,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    })
    const [error] = document.errors
    if (error === undefined) return document.toJS({ maxAliasCount })
    const line = text.slice(0, error.pos[0]).split('\n').length
    throw invalid(`Line ${line} is no YAML: ${error.message}.`)
  } catch (error) {
    // Nesting without end (stack) and aliases of aliases: neither is found in a manifest.
    if (error instanceof RangeError || error instanceof ReferenceError) throw invalid(error.message, error)
    throw error
  }
}

function invalid(why: string, cause?: unknown): NimctlError {
  return new NimctlError('usage', 'MANIFEST_INVALID', {
    what: 'The model manifest cannot be read.',
    why,
    next: 'Give the model_manifest.yaml of a NIM image; nimctl profiles IMAGE reads it from there by itself.',
    cause,
  })
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined
}
