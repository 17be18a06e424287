import { claimFor, sizeWithHeadroom } from './claim.ts'
import { loadCacheContainer } from './loader/load-cache-container.ts'
import { emitLoader } from './loader/loader.ts'
import type { JobSettings } from './loader/own-job.ts'
import { nimImage } from './nim-image.ts'
import type { NimCacheJob } from './nimcache/job.ts'
import { emitNimCache } from './nimcache/nimcache.ts'
import { cacheSource, type CacheSource, checkLoaderLayout } from './nimcache/source.ts'
import type { ServedFiles } from './nimservice/files.ts'
import { emitNimService } from './nimservice/nimservice.ts'
import { servedModel } from './nimservice/served-model.ts'
import type { ServingRequest } from './nimservice/serving.ts'
import type { ImagePlace, Target, UploadedCache, VolumeRequest } from './request.ts'
import { emitted, joined, type EmitResult } from './result.ts'

/** Who runs the loader: the operator for a NIMCache, a Job of our own, or each pod of the NIMService before its NIM. */
export const loaderPlaces = ['nimcache', 'job', 'init'] as const

export type LoaderPlace = (typeof loaderPlaces)[number]

/** The whole right set for what was uploaded. */
export interface StackRequest extends Target, ImagePlace {
  uploaded: UploadedCache
  /** Follows from the inventory's layout; naming the other one is refused. */
  source?: CacheSource
  /** Default `nimcache`. */
  loader?: LoaderPlace
  /** nimctl's own image, for the loader. */
  loaderImage?: string
  /** Of `loader: 'job'`. */
  job?: JobSettings
  /** To serve: an id, a unique beginning of one, or an exact description. */
  profile?: string
  volume: VolumeRequest
  /** Of `loader: 'nimcache'`. */
  nimCacheJob?: NimCacheJob
  serving: ServingRequest
}

/**
 * Everything that a cluster needs for what was uploaded, in the order in which to apply it. Pure: nothing is read or asked.
 *
 * @throws NimctlError `usage` or `not-found` / `PROFILE_UNKNOWN` where the request can't be met.
 */
export function emitStack(request: StackRequest): EmitResult {
  const { loader = 'nimcache', uploaded } = request
  cacheSource(request)
  if (loader !== 'nimcache') checkLoaderLayout(request, uploaded)
  switch (loader) {
    case 'nimcache':
      return onNimCache(request)
    case 'job':
      return onClaim(request)
    case 'init':
      return byInitContainer(request)
  }
}

/** Shapes C and E of reference/operator.md section 4. */
function onNimCache({ profile: wanted, ...request }: StackRequest): EmitResult {
  const nimCache = emitNimCache(request)
  const nimService = serviceOn(
    { from: 'nimcache', name: request.name },
    { ...request, ...(wanted && { profile: wanted }) },
  )
  return joined(nimCache, nimService, emitted({ warnings: replicaWarnings(request) }))
}

/** What the Job asks for where nobody says. */
const usualJob: JobSettings = { runAs: { uid: 1000, gid: 2000, fsGroup: 2000 }, cpu: '500m', memory: '1Gi' }

/** Shape A. */
function onClaim(request: StackRequest): EmitResult {
  const { name, uploaded, volume, job = usualJob } = request
  const newClaimName = `${name}-model-store`
  const loaderName = `${name}-loader`
  const loader = emitLoader({
    ...request,
    name: loaderName,
    caches: [{ uploaded: { ...uploaded, storeSecret: uploaded.storeSecret ?? `${name}-store` } }],
    newClaimName,
    job,
  })
  const claim = claimFor(
    { ...(volume.subPath !== undefined && { subPath: volume.subPath }), claimName: volume.claimName ?? newClaimName },
    undefined,
  )
  const place = request.namespace === undefined ? '' : ` -n ${request.namespace}`
  const text =
    'A NIM that starts before the volume is filled fails and is started again. To spare it that, apply this object ' +
    `after: kubectl wait${place} --for=condition=complete --timeout=12h job/${loaderName}`
  return joined(
    loader,
    serviceOn({ from: 'claim', claim }, request),
    emitted({ warnings: replicaWarnings(request), comments: [{ kind: 'NIMService', path: ['metadata'], text }] }),
  )
}

/** Shape B. */
function byInitContainer(request: StackRequest): EmitResult {
  const { container, ...surroundings } = loadCacheContainer(request)
  const { serving } = request
  const initContainers = [container, ...(serving.container?.initContainers ?? [])]
  const service = serviceOn(filesOfInit(request), {
    ...request,
    serving: { ...serving, container: { ...serving.container, initContainers } },
  })
  return joined(surroundings, service)
}

/** An emptyDir, unless the request says something of a claim. */
function filesOfInit({ volume, uploaded: { header } }: StackRequest): ServedFiles {
  const { claimName, storageClass, accessMode, subPath, annotations, size } = volume
  if (claimName ?? storageClass ?? accessMode ?? subPath ?? annotations)
    return { from: 'claim', claim: claimFor(volume, header.bytes) }
  return { from: 'empty-dir', sizeLimit: size ?? sizeWithHeadroom(header.bytes) }
}

function serviceOn(files: ServedFiles, { profile: wanted, ...request }: StackRequest): EmitResult {
  const { header } = request.uploaded
  const { serving } = request
  const { profile, env } = servedModel(header, wanted)
  const container = { ...serving.container, env: [...env, ...(serving.container?.env ?? [])] }
  return emitNimService({
    ...request,
    ...(env.length > 0 && { serving: { ...serving, container } }),
    image: nimImage(header.image, request),
    family: header.family,
    profile,
    files,
    store: request.uploaded,
  })
}

/** A claim that one node mounts at a time serves pods on that node alone. */
function replicaWarnings({
  serving: { replicas = 1 },
  volume: { accessMode },
}: Omit<StackRequest, 'profile'>): string[] {
  if (replicas < 2 || !accessMode?.startsWith('ReadWriteOnce')) return []
  return [
    `${replicas} replicas on a ${accessMode} claim run on one node at best: use ReadWriteMany, where a storage class offers it.`,
  ]
}
