import type { V1Container, V1PodSpec, V1Volume } from '@kubernetes/client-node'

import { checkNamespace, checkReferredName, checkServiceName } from '../../operator/names.ts'
import type { KubernetesObject } from '../../operator/objects.ts'
import { NimctlError } from '../../system/errors.ts'
import type { NimImage } from '../nim-image.ts'
import { filledCacheEnvironment } from '../offline-env.ts'
import {
  nimContainer,
  portEnvironment,
  type ResourcesRequest,
  sharedMemoryVolume,
  withOwnVariables,
} from '../pod/nim-container.ts'
import { cacheEnvironment } from '../pod/place.ts'
import { type Placement, placedPod } from '../pod/placement.ts'
import type { ProbeRequest } from '../pod/probes.ts'
import type { PodProfile } from '../profile.ts'
import { pullSecretPrerequisites } from '../pull-secret.ts'
import { metadata, type ImagePlace, type Target, type UploadedCache } from '../request.ts'
import { emitted, joined, type Comment, type EmitResult } from '../result.ts'
import { checkUrlHasNoSecret } from '../stores/secret-in-url.ts'
import { kserveCredentials, type KserveCredentials } from './credentials.ts'
import { storageContainer, storageContainerName } from './storage-container.ts'
import { kserveStorageUri } from './storage-uri.ts'

/** Where KServe finds the cache; `serviceAccount`: an existing one that may read the store. */
export type KserveSource =
  | { from: 'claim'; claim: string; subPath?: string }
  | { from: 'store'; serviceAccount?: string }

export interface KserveRequest extends Target, ImagePlace {
  image: NimImage
  family?: string | undefined
  uploaded?: UploadedCache
  profile?: PodProfile
  source: KserveSource
  /** nimctl's own image, in the place of KServe's storage initializer. */
  loaderImage?: string
  replicas: number
  port: number
  probes: ProbeRequest
  resources: ResourcesRequest
  placement: Placement
  env: Record<string, string>
}

interface ServingRuntime extends KubernetesObject {
  spec: { supportedModelFormats: { name: string }[]; containers: V1Container[]; volumes: V1Volume[] }
}

interface InferenceService extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { annotations: Record<string, string> }
  spec: { predictor: Predictor }
}

/** KServe's own fields beside those of a pod that it takes over. */
type Predictor = Omit<V1PodSpec, 'containers'> & {
  minReplicas: number
  maxReplicas: number
  deploymentStrategy: unknown
  storageContainerName?: string
  model: { modelFormat: { name: string }; runtime: string; storageUri: string }
}

/** Where KServe brings the files, and mounts a claim. */
const modelDirectory = '/mnt/models'

/** Only this runtime and this service use the name. */
const modelFormat = 'nim'

/** `<name>-predictor` becomes the name of a Service. */
const predictorSuffix = '-predictor'

/**
 * An InferenceService of KServe on an uploaded cache, with a ServingRuntime that runs the NIM. A container of the
 * InferenceService itself would be given KServe's default limits, 1 CPU and 2Gi; that of a ServingRuntime is not.
 *
 * @throws NimctlError `usage` with everything that can't go together.
 */
export function emitKserve(request: KserveRequest): EmitResult {
  checkServiceName('InferenceService', request.name, predictorSuffix.length)
  if (request.namespace !== undefined) checkNamespace(request.namespace)
  refuseNative(request)
  const storage = storageOf(request)
  const { image } = request
  return joined(
    storage,
    emitted({
      objects: [servingRuntime(request), inferenceService(request, storage)],
      prerequisites: pullSecretPrerequisites(request),
      warnings: image.warnings,
      comments: comments(request),
    }),
  )
}

interface Storage extends KserveCredentials {
  storageUri: string
  storageContainerName?: string
}

function storageOf(request: KserveRequest): Storage {
  const { source, uploaded, loaderImage } = request
  if (source.from === 'claim') return { ...emitted({}), storageUri: claimUri(source) }
  if (uploaded === undefined)
    throw new NimctlError('usage', 'EMIT_SOURCE', {
      what: 'Nothing says where KServe finds the cache.',
      next: 'Give --cache URL, --inventory FILE with --store-url URL, or --claim NAME.',
    })
  const url = uploaded.storeUrl ?? uploaded.cacheUrl
  checkUrlHasNoSecret(url)
  if (loaderImage !== undefined) {
    return {
      ...storageContainer({ ...request, uploaded, loaderImage }, { url, directory: modelDirectory }),
      storageContainerName: storageContainerName(request),
    }
  }
  const storageUri = kserveStorageUri(url, uploaded.header)
  const credentials = kserveCredentials({ ...request, ...source, uploaded }, url)
  return {
    ...joined(credentials, emitted({ prerequisites: [checkFirst(storageUri)] })),
    ...serviceAccountOf(credentials),
    storageUri,
  }
}

function serviceAccountOf({ serviceAccountName }: KserveCredentials) {
  return serviceAccountName === undefined ? {} : { serviceAccountName }
}

/** What a listing alone can tell: empty files that KServe drops, neighbours that it takes along. */
function checkFirst(storageUri: string): string {
  return `all of it for KServe, as says: nimctl validate store ${storageUri} --reader kserve`
}

function claimUri({ claim, subPath }: Extract<KserveSource, { from: 'claim' }>): string {
  checkReferredName('PersistentVolumeClaim', claim)
  return `pvc://${claim}/${(subPath ?? '').replaceAll(/^\/+|\/+$/g, '')}`
}

/** They look for their weights in /model, and KServe mounts at one place. */
function refuseNative({ name, family, uploaded }: KserveRequest): void {
  if (family !== 'native') return
  throw new NimctlError('usage', 'FAMILY_UNSUPPORTED', {
    what: `${uploaded?.header.image ?? 'This image'} can't be served by KServe: it is of the family native.`,
    why: `It keeps its weights in /model, and KServe brings them to ${modelDirectory}.`,
    next: `Without KServe: nimctl emit pod ${name} --claim CLAIM`,
  })
}

function servingRuntime(request: KserveRequest): ServingRuntime {
  const { image, profile, family, uploaded, port, probes, resources, env } = request
  const ours = [
    ...cacheEnvironment(uploaded?.header, modelDirectory),
    ...(profile === undefined ? [] : [{ name: 'NIM_MODEL_PROFILE', value: profile.id }]),
    ...filledCacheEnvironment(family),
    ...portEnvironment(port),
  ]
  return {
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ServingRuntime',
    metadata: metadata(request),
    spec: {
      supportedModelFormats: [{ name: modelFormat }],
      containers: [
        nimContainer({
          name: 'kserve-container',
          image: image.reference,
          env: withOwnVariables(ours, env),
          mounts: [],
          profile,
          resources,
          port,
          probes,
        }),
      ],
      volumes: [sharedMemoryVolume(resources)],
    },
  }
}

function inferenceService(request: KserveRequest, storage: Storage): InferenceService {
  const { name, replicas } = request
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { ...metadata(request), annotations },
    spec: {
      predictor: {
        minReplicas: replicas,
        maxReplicas: replicas,
        deploymentStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
        ...serviceAccountOf(storage),
        ...(storage.storageContainerName !== undefined && { storageContainerName: storage.storageContainerName }),
        ...placedPod(request),
        model: { modelFormat: { name: modelFormat }, runtime: name, storageUri: storage.storageUri },
      },
    },
  }
}

/**
 * A Deployment instead of Knative: a NIM takes longer to start than a request waits. Under this name every version knows
 * the mode, which is called Standard from 0.16 on.
 */
const annotations = { 'serving.kserve.io/deploymentMode': 'RawDeployment', 'storage.kserve.io/readonly': 'false' }

function comments({ profile }: KserveRequest): Comment[] {
  const service = 'InferenceService'
  const runtime = 'ServingRuntime'
  const container = ['spec', 'containers', 'kserve-container']
  return [
    {
      kind: service,
      path: ['metadata', 'annotations', 'storage.kserve.io/readonly'],
      text: 'A NIM refuses a cache in which it may not write.',
    },
    {
      kind: service,
      path: ['spec', 'predictor', 'deploymentStrategy'],
      text: 'A new pod would wait for the GPUs that the old one holds.',
    },
    ...(profile?.description === undefined
      ? []
      : [{ kind: runtime, path: [...container, 'env', 'NIM_MODEL_PROFILE'], text: `Profile ${profile.description}.` }]),
    {
      kind: runtime,
      path: [...container, 'startupProbe'],
      text: 'How long loading may take. Until it has succeeded once, the other two do not ask.',
    },
  ]
}
