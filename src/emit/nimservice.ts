import type { InventoryProfile } from '../inventory/inventory.ts'
import { checkObject } from '../operator/check-object.ts'
import { checkNamespace, checkNimServiceName } from '../operator/names.ts'
import {
  operatorApi,
  type ClaimStorage,
  type EnvVariable,
  type NimContainer,
  type NimService,
} from '../operator/objects.ts'
import { needsAuthSecret } from '../operator/versions.ts'
import { refuseFindings } from './check.ts'
import { gpuCount } from './gpu-count.ts'
import type { NimImage } from './nim-image.ts'
import { offlineEnvironment } from './offline-env.ts'
import { pullSecretPrerequisites } from './pull-secret.ts'
import { metadata, type ImagePlace, type Target } from './request.ts'
import { emitted, type Comment, type EmitResult } from './result.ts'

export interface NimServiceRequest extends Target, ImagePlace {
  image: NimImage
  /** Of the inventory; unknown: only what suits all. */
  family?: string | undefined
  profile: InventoryProfile
  files: ServedFiles
  serving: ServingRequest
}

/** Where the pods find the model: exactly one. */
export type ServedFiles =
  | { from: 'nimcache'; name: string }
  | { from: 'claim'; claim: ClaimStorage }
  /** Gone with each pod. @param sizeLimit a quantity. */
  | { from: 'empty-dir'; sizeLimit?: string }

/** How it is served, wherever the files are. */
export interface ServingRequest {
  replicas: number
  port: number
  container?: { initContainers?: readonly NimContainer[] }
}

/** The Secret that the CRD wants up to 3.1.2; nobody reads it, and it need not exist. */
const unusedAuthSecret = 'unused-airgap'

/**
 * A NIMService on the filled cache, with one profile pinned (automatic choice asks outside and hangs) and no key.
 *
 * @throws NimctlError `usage` with everything that can't go together.
 */
export function emitNimService(request: NimServiceRequest): EmitResult {
  checkNimServiceName(request.name)
  if (request.namespace !== undefined) checkNamespace(request.namespace)
  const { image, profile, pullSecret, serving } = request
  const { env, storage } = placeOfFiles(request.files, profile)
  const { initContainers = [] } = serving.container ?? {}
  const gpus = { 'nvidia.com/gpu': gpuCount(profile) }
  const object: NimService = {
    apiVersion: operatorApi,
    kind: 'NIMService',
    metadata: metadata(request),
    spec: {
      image: {
        repository: image.repository,
        tag: image.tag,
        pullPolicy: 'IfNotPresent',
        ...(pullSecret !== undefined && { pullSecrets: [pullSecret] }),
      },
      ...(needsAuthSecret(request.operatorVersion) && { authSecret: unusedAuthSecret }),
      env: [...offlineEnvironment(request.family, request.operatorVersion), ...env],
      ...(initContainers.length > 0 && { initContainers: [...initContainers] }),
      storage,
      replicas: serving.replicas,
      resources: { limits: { ...gpus }, requests: { ...gpus } },
      expose: { service: { type: 'ClusterIP', port: serving.port } },
    },
  }
  refuseFindings(checkObject(object, request.operatorVersion))
  return emitted({
    objects: [object],
    comments: comments(request),
    prerequisites: pullSecretPrerequisites(request),
    warnings: image.warnings,
  })
}

/** With a NIMCache the operator sets NIM_MODEL_PROFILE from `storage.nimCache.profile`; with a claim it doesn't. */
function placeOfFiles(
  files: ServedFiles,
  { id }: InventoryProfile,
): { env: EnvVariable[]; storage: NimService['spec']['storage'] } {
  if (files.from === 'nimcache') return { env: [], storage: { nimCache: { name: files.name, profile: id } } }
  const env = [{ name: 'NIM_MODEL_PROFILE', value: id }]
  if (files.from === 'claim') return { env, storage: { pvc: files.claim } }
  return { env, storage: { emptyDir: files.sizeLimit === undefined ? {} : { sizeLimit: files.sizeLimit } } }
}

function comments({ operatorVersion, profile: { tags, description } }: NimServiceRequest): Comment[] {
  const parallelism = ['tensorParallelism', 'tp', 'pp', 'number_of_gpus']
    .filter(tag => tags[tag] !== undefined)
    .map(tag => `${tag} ${tags[tag]}`)
  const gpus = parallelism.length === 0 ? 'the profile says nothing of it' : `the profile's ${parallelism.join(', ')}`
  return [
    ...(needsAuthSecret(operatorVersion) ? authSecretComments : []),
    ...(description ? [{ kind: 'NIMService', path: ['spec', 'storage'], text: `Profile ${description}.` }] : []),
    { kind: 'NIMService', path: ['spec', 'resources'], text: `GPUs: ${gpus}.` },
  ]
}

/** reference/operator.md, section 4, and reference/kubernetes.md: tried on the real operator. */
const authSecretComments: Comment[] = [
  {
    kind: 'NIMService',
    path: ['spec', 'authSecret'],
    text: 'The CRD wants a name up to operator 3.1.2; nothing reads it, and the Secret need not exist.',
  },
  {
    kind: 'NIMService',
    path: ['spec', 'env', 'NGC_API_KEY'],
    text: 'Empty on purpose: it replaces the reference to authSecret, so the NIM has no key and asks nobody.',
  },
]
