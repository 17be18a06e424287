import { checkObject } from '../../operator/check-object.ts'
import { checkNamespace, checkNimCacheName } from '../../operator/names.ts'
import { operatorApi, type EnvVariable, type NimCache } from '../../operator/objects.ts'
import { refuseFindings } from '../check.ts'
import { claimFor } from '../claim.ts'
import { proxySurroundings } from '../proxy.ts'
import { pullSecretPrerequisites } from '../pull-secret.ts'
import { metadata, type ImagePlace, type Target, type VolumeRequest } from '../request.ts'
import { emitted, joined, type Comment, type EmitResult } from '../result.ts'
import { type NimCacheJob, nimCacheJobFields } from './job.ts'

/** Whatever fills it: the volume, and the Job that does. */
export interface NimCachePlace extends Target, ImagePlace {
  volume: VolumeRequest
  nimCacheJob?: NimCacheJob
}

interface Filling {
  source: NimCache['spec']['source']
  env: EnvVariable[]
  /** Of the files; unknown: the size of a new claim must be given. */
  bytes: number | undefined
  comments: readonly Comment[]
  /** Whether it is known that filling needs no GPU. */
  withoutGpu: boolean
}

/** @throws NimctlError `usage` / `OBJECT_INVALID`, `NAME_INVALID`, and what claim and Job throw. */
export function emitNimCacheObject(place: NimCachePlace, filling: Filling): EmitResult {
  checkNimCacheName(place.name)
  if (place.namespace !== undefined) checkNamespace(place.namespace)
  const { volume, nimCacheJob: job, operatorVersion: version } = place
  const object: NimCache = {
    apiVersion: operatorApi,
    kind: 'NIMCache',
    metadata: metadata(place),
    spec: {
      source: filling.source,
      storage: { pvc: claimFor(volume, filling.bytes) },
      ...nimCacheJobFields(job, { env: filling.env, version }),
    },
  }
  refuseFindings(checkObject(object, version))
  const own = emitted({
    objects: [object],
    comments: [
      ...filling.comments,
      ...(volume.claimName === undefined ? [newClaimComment] : []),
      ...(job?.nodeSelector === undefined ? [nodeSelectorComment(filling)] : []),
    ],
    prerequisites: pullSecretPrerequisites(place),
  })
  return joined(own, proxySurroundings(job?.proxy, version))
}

const newClaimComment: Comment = {
  kind: 'NIMCache',
  path: ['spec', 'storage', 'pvc'],
  text: 'Made by the operator, and deleted with this NIMCache.',
}

/** reference/kubernetes.md, "The real NIM Operator"; the need of a GPU: reference/nim.md, section 1.1. */
function nodeSelectorComment({ withoutGpu }: Filling): Comment {
  const gpu = withoutGpu
    ? 'Filling needs no GPU.'
    : 'Most images download without a GPU; where this one needs it, take this selector away.'
  const text =
    `${gpu} Without a selector the operator wants nodes labelled ` +
    'feature.node.kubernetes.io/pci-10de.present=true, and without such a node everything stays Pending.'
  return { kind: 'NIMCache', path: ['spec', 'nodeSelector'], text }
}
