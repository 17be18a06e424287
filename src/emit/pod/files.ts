import type { V1Container, V1EnvVar, V1Volume, V1VolumeMount } from '@kubernetes/client-node'

import { checkReferredName } from '../../operator/names.ts'
import { NimctlError } from '../../system/errors.ts'
import { sizeWithHeadroom } from '../claim.ts'
import { emitVolumeClaim } from '../loader/volume-claim.ts'
import { overrideEnvironment } from '../nimcache/override.ts'
import { checkLoaderLayout } from '../nimcache/source.ts'
import type { Target, UploadedCache, VolumeRequest } from '../request.ts'
import { emitted, joined, type EmitResult } from '../result.ts'
import { loaderContainer, scratchVolume } from './loader.ts'
import { placeOf } from './place.ts'

/** What holds the model's files while the NIM runs. */
export type PodVolume =
  /** On the node's disk, and gone with the pod. */
  | { type: 'emptyDir'; size?: string }
  /** Made beside the pod, and kept when it goes. */
  | ({ type: 'new-claim' } & Omit<VolumeRequest, 'claimName'>)
  /** That is there, filled or not. */
  | { type: 'claim'; claim: string; subPath?: string }

export interface PodFilesRequest extends Target {
  family?: string | undefined
  volume: PodVolume
  /** Absent: nothing but an image was named. */
  uploaded?: UploadedCache
  /** nimctl's own image: it fills the volume before the NIM starts. */
  loaderImage?: string
  /** The NIM may fetch what its volume lacks. */
  online: boolean
  /** Of a native image's cache that holds several. */
  model?: string
}

/** How the model's files get into the pod. */
export interface PodFiles extends EmitResult {
  volumes: V1Volume[]
  /** Of the NIM's container. */
  mounts: V1VolumeMount[]
  initContainers: V1Container[]
  env: V1EnvVar[]
  secretNames: string[]
}

/** @throws NimctlError `usage` with everything that can't go together. */
export function podFiles(request: PodFilesRequest): PodFiles {
  const { volume, family, uploaded, model } = request
  const place = placeOf({ family, header: uploaded?.header, model })
  const mount = mountOf(volume, place.path)
  const common = {
    ...(volume.type === 'new-claim' ? newClaim(request, volume) : emitted({})),
    volumes: [cacheVolume(request), ...place.volumes],
    mounts: [mount, ...place.mounts],
    initContainers: [],
    env: place.env,
    secretNames: [],
  }
  const source = sourceOf(request)
  switch (source.from) {
    case 'volume':
    case 'nim':
      return common
    case 'override': {
      const { env, authSecret, ...surroundings } = overrideEnvironment({ ...request, uploaded: source.uploaded })
      return { ...common, ...joined(common, surroundings), env: [...common.env, ...env], secretNames: [authSecret] }
    }
    case 'loader': {
      refuseNoCache(request, source.uploaded)
      const { container, ...surroundings } = loaderContainer({
        ...request,
        ...source,
        container: 'load-cache',
        directory: place.path,
        mount,
      })
      const volumes = [...common.volumes, scratchVolume]
      return { ...common, ...joined(common, surroundings), volumes, initContainers: [container] }
    }
  }
}

type Source =
  | { from: 'volume' }
  | { from: 'loader'; uploaded: UploadedCache; loaderImage: string }
  /** The NIM downloads from that bucket what it would ask NGC for (shape D of reference/operator.md, section 4). */
  | { from: 'override'; uploaded: UploadedCache }
  | { from: 'nim' }

/** A volume that is empty and stays so would make a NIM hang at start. */
function sourceOf(request: PodFilesRequest): Source {
  const { volume, uploaded, loaderImage, online } = request
  if (uploaded !== undefined && loaderImage !== undefined) return { from: 'loader', uploaded, loaderImage }
  if (volume.type === 'claim') return { from: 'volume' }
  if (uploaded?.header.layout === 'ngc') return { from: 'override', uploaded }
  if (online) return { from: 'nim' }
  throw filesMissing(request)
}

function filesMissing({ kind, name, uploaded }: PodFilesRequest): NimctlError {
  const what = 'Nothing would bring the model into the pod: its volume is empty, and it may not ask outside.'
  const emit = `nimctl emit ${kind} ${name}`
  if (uploaded === undefined)
    return new NimctlError('usage', 'FILES_MISSING', {
      what,
      why: 'Neither an uploaded cache nor a filled claim was named.',
      next: `${emit} --nim-image IMAGE with --claim CLAIM, or with --online where it may download`,
    })
  return new NimctlError('usage', 'FILES_MISSING', {
    what,
    why: "A pod gets an uploaded cache from a claim that is filled, or from nimctl's own image.",
    next: `${emit} --cache ${uploaded.cacheUrl.href} with --claim CLAIM (filled with: nimctl emit loader), or with --loader-image REGISTRY/nimctl:VERSION`,
  })
}

/** A NIM has no use for another directory. @throws NimctlError `usage` / `LAYOUT_MISMATCH`. */
function refuseNoCache(target: Target, uploaded: UploadedCache): void {
  checkLoaderLayout(target, uploaded)
  if (uploaded.header.layout !== 'plain') return
  throw new NimctlError('usage', 'LAYOUT_MISMATCH', {
    what: `${uploaded.cacheUrl.href} is of layout plain: it is no NIM cache.`,
    next: 'Upload a cache: nimctl upload DIR URL',
  })
}

const volumeName = 'cache'

function mountOf(volume: PodVolume, mountPath: string): V1VolumeMount {
  const subPath = volume.type === 'claim' ? volume.subPath : undefined
  return { name: volumeName, mountPath, ...(subPath !== undefined && { subPath }) }
}

function cacheVolume({ name, volume, uploaded }: PodFilesRequest): V1Volume {
  if (volume.type === 'emptyDir') {
    const sizeLimit = volume.size ?? (uploaded && sizeWithHeadroom(uploaded.header.bytes))
    return { name: volumeName, emptyDir: sizeLimit === undefined ? {} : { sizeLimit } }
  }
  const claimName = volume.type === 'claim' ? volume.claim : newClaimName(name)
  checkReferredName('PersistentVolumeClaim', claimName)
  return { name: volumeName, persistentVolumeClaim: { claimName } }
}

function newClaimName(name: string): string {
  return `${name}-cache`
}

function newClaim({ name, namespace, uploaded }: PodFilesRequest, volume: VolumeRequest): EmitResult {
  if (volume.size === undefined && uploaded === undefined)
    throw new NimctlError('usage', 'SIZE_REQUIRED', {
      what: 'A new claim needs a size, and no inventory says what the model takes.',
      next: 'Add --size, such as --size 100Gi',
    })
  return emitVolumeClaim({ name: newClaimName(name), namespace, volume, bytes: uploaded?.header.bytes ?? 0 })
}
