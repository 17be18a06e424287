import { read, textAt } from '../../system/json.ts'
import type { Remark } from './remark.ts'
import { isFields } from './workload.ts'

/** What every object has at its root, of the kinds that Kubernetes and these operators know. */
const rootFields = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'spec',
  'status',
  'data',
  'stringData',
  'binaryData',
  'type',
  'immutable',
  'rules',
  'roleRef',
  'subjects',
  'secrets',
  'imagePullSecrets',
  'automountServiceAccountToken',
  'provisioner',
  'parameters',
  'reclaimPolicy',
  'volumeBindingMode',
  'allowVolumeExpansion',
  'mountOptions',
  'allowedTopologies',
  'handler',
  'overhead',
  'scheduling',
  'value',
  'globalDefault',
  'description',
  'preemptionPolicy',
  'webhooks',
  'items',
])

/**
 * YAML that lost its indentation, as copies from web pages do, is valid YAML: every field stands at the root, and
 * `metadata` and `spec` are empty. One finding says so in the place of one for each field.
 */
export function lostIndentation(object: unknown): Remark | undefined {
  if (!isFields(object) || textAt(object, 'kind') === undefined) return undefined
  const strays = Object.keys(object).filter(name => !rootFields.has(name))
  const [first] = strays
  if (first === undefined || (read(object, 'metadata') ?? read(object, 'spec') ?? undefined) !== undefined)
    return undefined
  return {
    name: 'objects.indentation',
    status: 'failed',
    path: first,
    expected: 'fields below metadata and spec',
    found: `${strays.length} fields at the root, beginning with ${first}: the indentation is lost`,
    next: 'Copy it again from where it is written with its spaces, or indent it: nothing else of it was checked.',
  }
}
