import type { InventoryProfile } from '../inventory/inventory.ts'
import { checkObject } from '../operator/check-object.ts'
import { checkNamespace, checkNimCacheName } from '../operator/names.ts'
import { operatorApi, type EnvVariable, type NimCache } from '../operator/objects.ts'
import { refuseFindings } from './check.ts'
import { claimFor } from './claim.ts'
import { emitManifestConfigMap } from './config-map.ts'
import { loaderContract } from './loader-contract.ts'
import { loaderEnvironment } from './loader-env.ts'
import { requireLoaderImage } from './loader-image.ts'
import { nimImage } from './nim-image.ts'
import { overrideEnvironment } from './override.ts'
import { chooseProfile } from './profile.ts'
import { pullSecretPrerequisites } from './pull-secret.ts'
import { metadata, type ImagePlace, type Target, type UploadedCache, type VolumeRequest } from './request.ts'
import { emitted, joined, type Comment, type EmitResult } from './result.ts'
import { cacheSource, type CacheSource } from './source.ts'

export interface NimCacheRequest extends Target, ImagePlace {
  uploaded: UploadedCache
  /** Follows from the inventory's layout; naming the other one is refused. */
  source?: CacheSource
  /** nimctl's own image, for the loader. */
  loaderImage?: string
  /** The only one to hold: an id, a unique beginning of one, or an exact description. Default: all of the inventory. */
  profile?: string
  volume: VolumeRequest
  /** Where the Job may run. Default: any Linux node. */
  nodeSelector?: Record<string, string>
}

/**
 * A NIMCache that fills itself from the uploaded cache: by the loader from layout `cache` (shape E of
 * reference/operator.md section 4), by NIM's own download from layout `ngc` (shape C).
 *
 * @throws NimctlError `usage` with everything that can't go together.
 */
export function emitNimCache(request: NimCacheRequest): EmitResult {
  checkNimCacheName(request.name)
  if (request.namespace !== undefined) checkNamespace(request.namespace)
  const { source, ...surroundings } = sourceOfFiles(request)
  const object: NimCache = {
    apiVersion: operatorApi,
    kind: 'NIMCache',
    metadata: metadata(request),
    spec: {
      source: {
        ngc: {
          modelPuller: source.modelPuller,
          ...(request.pullSecret !== undefined && { pullSecret: request.pullSecret }),
          authSecret: source.authSecret,
          model: { profiles: cachedProfiles(request).map(({ id }) => id) },
        },
      },
      env: source.env,
      storage: { pvc: claimFor(request.volume, request.uploaded.header.bytes) },
      nodeSelector: request.nodeSelector ?? { 'kubernetes.io/os': 'linux' },
    },
  }
  refuseFindings(checkObject(object, request.operatorVersion))
  const prerequisites = pullSecretPrerequisites(request)
  return joined(
    surroundings,
    emitted({ objects: [object], prerequisites, comments: comments(request, source.comments) }),
  )
}

interface FileSource {
  modelPuller: string
  authSecret: string
  env: EnvVariable[]
  comments: Comment[]
}

function sourceOfFiles(request: NimCacheRequest): EmitResult & { source: FileSource } {
  if (cacheSource(request) === 'override') return overrideSource(request)
  const {
    env,
    secretName: authSecret,
    secretEnv: _,
    ...surroundings
  } = loaderEnvironment({ ...request, secretAlways: true })
  const configMap = emitManifestConfigMap(request, cachedProfiles(request))
  const modelPuller = requireLoaderImage(request)
  const text = `nimctl itself, not the NIM: its ${loaderContract.program} fetches the cache from the store that env names.`
  const comment = { kind: 'NIMCache', path: [...ngcPath, 'modelPuller'], text }
  return { ...joined(configMap, surroundings), source: { modelPuller, authSecret, env, comments: [comment] } }
}

function overrideSource(request: NimCacheRequest): EmitResult & { source: FileSource } {
  const { env, authSecret, ...surroundings } = overrideEnvironment(request)
  const { reference, warnings } = nimImage(request.uploaded.header.image, request)
  const comment = {
    kind: 'NIMCache',
    path: ['spec', 'env'],
    text: 'The NIM downloads from this bucket what it would ask NGC for.',
  }
  return {
    ...joined(surroundings, emitted({ warnings })),
    source: { modelPuller: reference, authSecret, env, comments: [comment] },
  }
}

function cachedProfiles({ uploaded: { header }, profile }: NimCacheRequest): readonly InventoryProfile[] {
  if (header.profiles.length === 0 || profile !== undefined) return [chooseProfile(header, profile)]
  return header.profiles
}

const ngcPath = ['spec', 'source', 'ngc']

function comments(request: NimCacheRequest, ofSource: Comment[]): Comment[] {
  const claim = request.volume.claimName === undefined ? [newClaimComment] : []
  const selector = request.nodeSelector === undefined ? [nodeSelectorComment(request)] : []
  return [...ofSource, ...claim, ...selector]
}

const newClaimComment: Comment = {
  kind: 'NIMCache',
  path: ['spec', 'storage', 'pvc'],
  text: 'Made by the operator, and deleted with this NIMCache.',
}

/** reference/kubernetes.md, "The real NIM Operator"; the need of a GPU: reference/nim.md, section 1.1. */
function nodeSelectorComment({ uploaded: { header } }: NimCacheRequest): Comment {
  const gpu =
    header.layout === 'ngc'
      ? 'Most images download without a GPU; where this one needs it, take this selector away.'
      : 'Filling needs no GPU.'
  const text =
    `${gpu} Without a selector the operator wants nodes labelled ` +
    'feature.node.kubernetes.io/pci-10de.present=true, and without such a node everything stays Pending.'
  return { kind: 'NIMCache', path: ['spec', 'nodeSelector'], text }
}
