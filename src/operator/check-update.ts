import { isDeepStrictEqual } from 'node:util'

import { stored } from './check/defaults.ts'
import { type Finding, keyed } from './finding.ts'
import type { KubernetesObject } from './objects.ts'
import { at } from './plain.ts'
import { reporting, when } from './rules/rule.ts'
import { type Field, fieldsIn } from './schema/field.ts'
import { type OperatorKind, operatorKindOf, schemas } from './schema/kinds.ts'
import { isFrom, type OperatorVersion } from './versions.ts'

/**
 * What of an object may not change once it is there: CEL rules with `oldSelf`, and the webhooks' own. What is wrong in the
 * new object by itself: checkObject.
 *
 * @param old the object of the same kind and name that the cluster has.
 */
export function checkUpdate(old: KubernetesObject, object: KubernetesObject, version: OperatorVersion): Finding[] {
  const kind = operatorKindOf(object)
  if (kind === undefined || operatorKindOf(old) !== kind) return []
  const root = schemas[kind]
  const [before, after] = [stored(root, old, version), stored(root, object, version)]
  const source = `${kind} CRD of operator ${version}`
  return [...checkTransitions({ version, source }, root, { before, after, path: '' }), ...webhooks[kind](before, after)]
}

interface Change {
  before: unknown
  after: unknown
  path: string
}

/** An API server looks at a transition rule where both objects have the field; none stands inside a list. */
function checkTransitions(
  schema: { version: OperatorVersion; source: string },
  field: Field,
  { before, after, path }: Change,
): Finding[] {
  if (before === undefined || after === undefined) return []
  const broken = (field.rules ?? [])
    .filter(({ since, follows }) => (since === undefined || isFrom(schema.version, since)) && follows !== undefined)
    .filter(({ follows }) => follows?.(after, before) === false)
    .map(({ name, message }): Finding => ({ rule: name, path, severity: 'refused', message, source: schema.source }))
  const below = fieldsIn(field, schema.version).flatMap(([name, child]) =>
    checkTransitions(schema, child, { before: at(before, name), after: at(after, name), path: keyed(path, name) }),
  )
  return [...broken, ...below]
}

const folder = 'k8s-nim-operator internal/webhook/apps/v1alpha1'
const ofCache = reporting({ source: `${folder}/nimcache_webhook_validation_helper.go`, severity: 'refused' })
const ofService = reporting({ source: `${folder}/nimservice_webhook_validation_helper.go`, severity: 'refused' })

const webhooks: Record<OperatorKind, (before: unknown, after: unknown) => Finding[]> = {
  NIMCache: (before, after) =>
    when(!isSame(before, after, 'spec'), () =>
      ofCache('nimcache-spec-immutable', '', 'Forbidden: is immutable once the object is created'),
    ),
  NIMService: (before, after) => [
    ...when(!isSame(before, after, 'spec', 'multiNode'), () =>
      ofService('multi-node-immutable', 'multiNode', 'Forbidden: is immutable once the resource is created'),
    ),
    ...when(
      at(before, 'spec', 'storage', 'pvc', 'create') === true && !isSame(before, after, 'spec', 'storage', 'pvc'),
      () =>
        ofService(
          'created-claim-immutable',
          'storage.pvc',
          'Forbidden: is immutable once it is created with spec.storage.pvc.create = true',
        ),
    ),
  ],
  NIMPipeline: () => [],
  NIMBuild: () => [],
}

function isSame(before: unknown, after: unknown, ...path: string[]): boolean {
  return isDeepStrictEqual(at(before, ...path), at(after, ...path))
}
