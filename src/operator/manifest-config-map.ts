import { parseDocument } from 'yaml'

import { manifestKey } from './names.ts'
import { at, isPlain, listAt, objectAt, type Plain, textAt } from './plain.ts'

/** A model manifest's profiles with their tags, as text: what the operator reads from ConfigMap `<name>-manifest`. */
export type ManifestProfiles = ReadonlyMap<string, Plain>

/**
 * The profiles that a ConfigMap made beforehand names (reference/operator.md, section 3: two shapes).
 *
 * @returns `undefined` where the ConfigMap has no manifest that can be read, or one without profiles.
 */
export function profilesOfConfigMap(configMap: unknown): ManifestProfiles | undefined {
  const manifest = readYaml(textAt(configMap, 'data', manifestKey))
  if (!isPlain(manifest)) return undefined
  const listed = listAt(manifest, 'profiles').map((profile): [string, unknown] => [textAt(profile, 'id'), profile])
  const named = Object.entries(manifest).filter(([, profile]) => objectAt(profile, 'tags') !== undefined)
  const entries = at(manifest, 'profiles') === undefined ? named : listed
  if (entries.length === 0) return undefined
  return new Map(entries.map(([id, profile]) => [id, objectAt(profile, 'tags') ?? {}]))
}

/** Scalars stay text, as the operator's Go types have them. */
function readYaml(text: string): unknown {
  const document = parseDocument(text, { schema: 'failsafe' })
  return document.errors.length > 0 ? undefined : document.toJS()
}
