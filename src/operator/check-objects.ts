import { stored } from './check/defaults.ts'
import type { KubernetesObject } from './objects.ts'
import { textAt } from './plain.ts'
import { checkBuilds } from './rules/file-builds.ts'
import { checkCaches } from './rules/file-caches.ts'
import { checkMade } from './rules/file-names.ts'
import { checkServicesOnCaches } from './rules/file-services.ts'
import type { Member, ObjectFinding } from './rules/member.ts'
import { operatorKindOf, schemas } from './schema/kinds.ts'
import type { OperatorVersion } from './versions.ts'

/**
 * What can be said of several objects only together: names that two of them give to the same thing, a NIMService or a
 * NIMBuild on a NIMCache of the same file, a ConfigMap with a model manifest. What one object says by itself: checkObject.
 */
export function checkObjects(objects: readonly KubernetesObject[], version: OperatorVersion): ObjectFinding[] {
  const members = objects.map((object, index) => memberOf(object, index, version))
  return [checkMade, checkCaches, checkServicesOnCaches, checkBuilds].flatMap(check => check(members))
}

function memberOf(given: KubernetesObject, index: number, version: OperatorVersion): Member {
  const ours = operatorKindOf(given)
  const object = ours === undefined ? given : stored(schemas[ours], given, version)
  const isOfOthers = ours === undefined && textAt(given, 'apiVersion').startsWith('apps.nvidia.com/')
  return {
    object,
    index,
    kind: isOfOthers ? '' : textAt(given, 'kind'),
    name: textAt(given, 'metadata', 'name'),
    namespace: textAt(given, 'metadata', 'namespace'),
  }
}
