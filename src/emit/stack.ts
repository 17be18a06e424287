import { nimImage } from './nim-image.ts'
import { emitNimCache } from './nimcache.ts'
import { emitNimService, type ServingRequest } from './nimservice.ts'
import { chooseProfile } from './profile.ts'
import type { ImagePlace, Target, UploadedCache, VolumeRequest } from './request.ts'
import { emitted, joined, type EmitResult } from './result.ts'
import type { CacheSource } from './source.ts'

/** The whole right set for what was uploaded. */
export interface StackRequest extends Target, ImagePlace {
  uploaded: UploadedCache
  /** Follows from the inventory's layout; naming the other one is refused. */
  source?: CacheSource
  /** nimctl's own image, for the loader. */
  loaderImage?: string
  /** To serve: an id, a unique beginning of one, or an exact description. */
  profile?: string
  volume: VolumeRequest
  /** Where the NIMCache's Job may run. Default: any Linux node. */
  nodeSelector?: Record<string, string>
  serving: ServingRequest
}

/**
 * Everything that a cluster needs for what was uploaded, in the order in which to apply it. Pure: nothing is read or asked.
 *
 * @throws NimctlError `usage` or `not-found` / `PROFILE_UNKNOWN` where the request can't be met.
 */
export function emitStack({ profile: wanted, ...request }: StackRequest): EmitResult {
  const { header } = request.uploaded
  const nimCache = emitNimCache(request)
  const nimService = emitNimService({
    ...request,
    image: nimImage(header.image, request),
    family: header.family,
    profile: chooseProfile(header, wanted),
    files: { from: 'nimcache', name: request.name },
  })
  return joined(nimCache, nimService, emitted({ warnings: replicaWarnings(request) }))
}

/** A claim that one node mounts at a time serves pods on that node alone. */
function replicaWarnings({ serving: { replicas }, volume: { accessMode } }: Omit<StackRequest, 'profile'>): string[] {
  if (replicas < 2 || !accessMode?.startsWith('ReadWriteOnce')) return []
  return [
    `${replicas} replicas on a ${accessMode} claim run on one node at best: use ReadWriteMany, where a storage class offers it.`,
  ]
}
