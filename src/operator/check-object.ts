import { stored, withDefaults } from './check/defaults.ts'
import { checkMetadata } from './check/metadata.ts'
import { checkStructure } from './check/structure.ts'
import type { Finding } from './finding.ts'
import type { KubernetesObject } from './objects.ts'
import { objectAt, textAt } from './plain.ts'
import { rulesOf } from './rules/kinds.ts'
import { operatorKindOf, schemas } from './schema/kinds.ts'
import type { OperatorVersion } from './versions.ts'

export interface ClusterFacts {
  /** Such as `v1.36.3`; without it, rules that depend on it are left out. */
  kubernetesVersion?: string | undefined
}

/**
 * Everything that can be said of one object without a cluster: what the API server would refuse or drop with the CRDs of
 * this operator version, what the operator's webhook and controllers would say, and what is likely not meant. Of an object
 * of another kind, its metadata. Findings come in the order of schema, webhook, controller, advice.
 *
 * @param object as read from YAML: anything may be missing or of a wrong type.
 */
export function checkObject(object: KubernetesObject, version: OperatorVersion, cluster: ClusterFacts = {}): Finding[] {
  const metadata = checkMetadata(object)
  const kind = operatorKindOf(object)
  if (kind === undefined) return metadata
  const root = schemas[kind]
  const source = `${kind} CRD of operator ${version}`
  const structure = checkStructure({ root, version, source }, root, withDefaults(root, object, version))
  const spec = objectAt(stored(root, object, version), 'spec')
  if (spec === undefined) return [...metadata, ...structure]
  const name = textAt(object, 'metadata', 'name')
  return [...metadata, ...structure, ...rulesOf(kind, { name, spec, version, ...cluster })]
}

/** The paths of the fields that an operator of this version would drop silently. */
export function droppedFields(object: KubernetesObject, version: OperatorVersion): string[] {
  return checkObject(object, version)
    .filter(({ severity }) => severity === 'dropped')
    .map(({ path }) => path)
}
