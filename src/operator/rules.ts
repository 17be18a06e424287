import type { ClaimStorage, NimCache, NimService } from './objects.ts'
import { featureSince, hasFeature, needsAuthSecret, type OperatorVersion } from './versions.ts'

/** A rule that an object breaks. `path` as the operator's webhook writes it. */
export interface Finding {
  path: string
  message: string
}

/**
 * The rules of the operator's webhook (internal/webhook/apps/v1alpha1, reference/operator.md section 7) that what nimctl
 * writes could break, and two that only its controllers would notice. The webhook is off by default up to 3.1.2, so for
 * most users this is the only check. Findings come in the order of the fields.
 */
export function checkNimCache({ spec }: NimCache): Finding[] {
  const { authSecret, modelPuller, model } = spec.source.ngc
  return [
    ...when(authSecret === '', 'nimcache.spec.source.ngc.authSecret', 'must be non-empty'),
    ...when(modelPuller === '', 'nimcache.spec.source.ngc.modelPuller', 'must be non-empty'),
    ...when(
      model.profiles.includes('all') && model.profiles.length > 1,
      'nimcache.spec.source.ngc.model.profiles',
      "must only have a single entry when it contains 'all'",
    ),
    ...when(
      model.profiles.length === 0,
      'nimcache.spec.source.ngc.model.profiles',
      'must name the profiles: an empty list lets the operator choose every one that matches',
    ),
    ...checkClaim('nimcache.spec.storage.pvc', spec.storage.pvc),
  ]
}

export function checkNimService({ spec }: NimService, version: OperatorVersion): Finding[] {
  const { image, storage, replicas, resources, expose } = spec
  const sources = [storage.nimCache, storage.pvc].filter(source => source !== undefined)
  return [
    ...when(image.repository === '', 'nimservice.spec.image.repository', 'is required'),
    ...when(image.tag === '', 'nimservice.spec.image.tag', 'is required'),
    ...when(needsAuthSecret(version) && !spec.authSecret, 'nimservice.spec.authSecret', 'is required'),
    ...when(sources.length === 0, 'nimservice.spec.storage', 'one of nimCache or pvc must be defined'),
    ...when(sources.length > 1, 'nimservice.spec.storage', 'only one of nimCache or pvc must be defined'),
    ...when(storage.nimCache?.name === '', 'nimservice.spec.storage.nimCache.name', 'is required'),
    ...(storage.pvc ? checkClaim('nimservice.spec.storage.pvc', storage.pvc) : []),
    ...checkReplicas(replicas, version),
    ...when(
      resources.limits['nvidia.com/gpu'] !== resources.requests['nvidia.com/gpu'],
      'nimservice.spec.resources',
      'nvidia.com/gpu must be the same in limits and requests',
    ),
    ...when(
      !Number.isInteger(expose.service.port) || expose.service.port < 1 || expose.service.port > 65_535,
      'nimservice.spec.expose.service.port',
      'must be between 1 and 65535',
    ),
  ]
}

function checkReplicas(replicas: number, version: OperatorVersion): Finding[] {
  const path = 'nimservice.spec.replicas'
  if (!Number.isInteger(replicas) || replicas < 0) return [{ path, message: 'must be a whole number, 0 or more' }]
  return when(
    replicas === 0 && !hasFeature(version, 'replicas-zero'),
    path,
    `may be 0 only from operator ${featureSince('replicas-zero')}`,
  )
}

const accessModes = ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod']

/** Of apimachinery's resource.Quantity, the forms that make sense for a volume. */
const quantity = /^\d+(\.\d+)?([kMGTPE]|[KMGTPE]i)?$/

/** `create` without size or access mode passes CRD and webhook, and then fails in the controller. */
function checkClaim(path: string, claim: ClaimStorage): Finding[] {
  const { create, name, size, volumeAccessMode } = claim
  return [
    ...when(!create && !name, `${path}.name`, `must be provided when ${path}.create is false`),
    ...when(create && !size, `${path}.size`, `must be provided when ${path}.create is true`),
    ...when(size !== undefined && !quantity.test(size), `${path}.size`, `"${size}" is no quantity such as 50Gi`),
    ...when(create && !volumeAccessMode, `${path}.volumeAccessMode`, `must be provided when ${path}.create is true`),
    ...when(
      volumeAccessMode !== undefined && !accessModes.includes(volumeAccessMode),
      `${path}.volumeAccessMode`,
      `unrecognized volumeAccessMode "${volumeAccessMode}": one of ${accessModes.join(', ')}`,
    ),
  ]
}

function when(broken: boolean, path: string, message: string): Finding[] {
  return broken ? [{ path, message }] : []
}
