import type { InventoryProfile } from '../inventory/inventory.ts'
import { checkNimServiceName } from '../operator/names.ts'
import { operatorApi, type EnvVariable, type NimService } from '../operator/objects.ts'
import { checkNimService } from '../operator/rules.ts'
import { needsAuthSecret } from '../operator/versions.ts'
import { refuseFindings } from './check.ts'
import { existingClaim } from './claim.ts'
import { gpuCount } from './gpu-count.ts'
import { nimImage } from './nim-image.ts'
import { offlineEnvironment } from './offline-env.ts'
import { chooseProfile } from './profile.ts'
import { emitted, metadata, type Comment, type EmitRequest, type EmitResult } from './request.ts'
import { cacheSource } from './source.ts'

/** The Secret that the CRD wants up to 3.1.2; nobody reads it, and it need not exist. */
const unusedAuthSecret = 'unused-airgap'

/**
 * A NIMService on the filled cache, with one profile pinned (automatic choice asks outside and hangs) and no key.
 * It stands on the NIMCache of the same name; emitted alone with an existing claim, on that claim.
 *
 * @throws NimctlError `usage` with everything that can't go together.
 */
export function emitNimService(request: EmitRequest): EmitResult {
  checkNimServiceName(request.name)
  cacheSource(request)
  const profile = chooseProfile(request.header, request.profile)
  const { repository, tag, warnings } = nimImage(request)
  const { env, storage } = placeOfFiles(request, profile)
  const gpus = { 'nvidia.com/gpu': gpuCount(profile) }
  const object: NimService = {
    apiVersion: operatorApi,
    kind: 'NIMService',
    metadata: metadata(request.name, request),
    spec: {
      image: {
        repository,
        tag,
        pullPolicy: 'IfNotPresent',
        ...(request.pullSecret !== undefined && { pullSecrets: [request.pullSecret] }),
      },
      ...(needsAuthSecret(request.operatorVersion) && { authSecret: unusedAuthSecret }),
      env: [...offlineEnvironment(request.header.family, request.operatorVersion), ...env],
      storage,
      replicas: request.replicas,
      resources: { limits: { ...gpus }, requests: { ...gpus } },
      expose: { service: { type: 'ClusterIP', port: request.port } },
    },
  }
  refuseFindings(checkNimService(object, request.operatorVersion))
  return emitted({
    objects: [object],
    comments: comments(request, profile),
    warnings: [...warnings, ...replicaWarnings(request)],
  })
}

/** With a NIMCache the operator sets NIM_MODEL_PROFILE from `storage.nimCache.profile`; with a claim it doesn't. */
function placeOfFiles(
  { kind, name, storage }: EmitRequest,
  profile: InventoryProfile,
): { env: EnvVariable[]; storage: NimService['spec']['storage'] } {
  if (kind === 'nimservice' && storage.claimName !== undefined)
    return {
      env: [{ name: 'NIM_MODEL_PROFILE', value: profile.id }],
      storage: { pvc: existingClaim(storage.claimName) },
    }
  return { env: [], storage: { nimCache: { name, profile: profile.id } } }
}

function replicaWarnings({ replicas, storage }: EmitRequest): string[] {
  if (replicas < 2 || !storage.accessMode?.startsWith('ReadWriteOnce')) return []
  return [
    `${replicas} replicas on a ${storage.accessMode} claim run on one node at best: use ReadWriteMany, where a storage class offers it.`,
  ]
}

function comments({ operatorVersion }: EmitRequest, { tags, description }: InventoryProfile): Comment[] {
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
