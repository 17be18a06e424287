import type { V1Toleration } from '@kubernetes/client-node'

import type { InventoryProfile } from '../inventory/inventory.ts'
import { checkObject } from '../operator/check-object.ts'
import { checkNamespace, checkReferredName } from '../operator/names.ts'
import { operatorApi, type EnvVariable, type KubernetesObject } from '../operator/objects.ts'
import { findProfile, profileName } from '../profiles/find-profile.ts'
import { NimctlError } from '../system/errors.ts'
import { refuseFindings } from './check.ts'
import { mergedEnvironment } from './environment.ts'
import type { NimImage } from './nim-image.ts'
import type { PullPolicy } from './nimservice/serving.ts'
import { offlineEnvironment } from './offline-env.ts'
import { pullSecretPrerequisites } from './pull-secret.ts'
import { metadata, type ImagePlace, type Target } from './request.ts'
import { emitted, type Comment, type EmitResult } from './result.ts'

export interface NimBuildRequest extends Target, ImagePlace {
  /** The NIM whose cache it is: it builds by starting on it. */
  image: NimImage
  family?: string | undefined
  /** Of the NIMCache that holds the weights. */
  nimCache: string
  /** Those that the NIMCache holds, and the one to build from, where several are buildable. */
  profiles: readonly InventoryProfile[]
  profile?: string
  /** Of the engine. Default: the name of the NIMBuild. */
  modelName?: string
  /** Only where the profile's tags do not say it. */
  gpus?: number
  requests?: Record<string, string>
  limits?: Record<string, string>
  env?: readonly EnvVariable[]
  /** Of the object, and of the pod that the operator makes of it. */
  labels?: Record<string, string>
  annotations?: Record<string, string>
  nodeSelector?: Record<string, string>
  tolerations?: readonly V1Toleration[]
  pullPolicy?: PullPolicy
  /** The NIM may ask outside. */
  online?: boolean
}

/**
 * A NIMBuild, which is a stage of its own: applied before its NIMCache is Ready it fails and stays so (reference/operator.md,
 * section 5). It has no webhook, so its rules are held here.
 *
 * @throws NimctlError `usage` / `PROFILE_NOT_BUILDABLE`, `PROFILE_REQUIRED`, `BUILD_GPUS`, `NAME_INVALID`, and what
 * finding a profile throws.
 */
export function emitNimBuild(request: NimBuildRequest): EmitResult {
  const { name, namespace, image, nimCache, modelName, pullSecret, nodeSelector, operatorVersion } = request
  checkReferredName('NIMBuild', name)
  checkReferredName('NIMCache', nimCache)
  if (namespace !== undefined) checkNamespace(namespace)
  const profile = buildableProfile(request)
  const { labels, annotations } = request
  const object: KubernetesObject = {
    apiVersion: operatorApi,
    kind: 'NIMBuild',
    metadata: { ...metadata(request), ...(labels && { labels }), ...(annotations && { annotations }) },
    spec: {
      nimCache: { name: nimCache, profile: profile.id },
      ...(modelName !== undefined && { modelName }),
      image: {
        repository: image.repository,
        tag: image.tag,
        pullPolicy: request.pullPolicy ?? 'IfNotPresent',
        ...(pullSecret !== undefined && { pullSecrets: [pullSecret] }),
      },
      ...resourcesOf(request, profile),
      ...environmentOf(request),
      ...(nodeSelector && { nodeSelector }),
      tolerations: tolerationsOf(request),
    },
  }
  refuseFindings(checkObject(object, operatorVersion))
  return emitted({
    objects: [object],
    comments: comments(request, profile),
    prerequisites: [readyPrerequisite(request), ...pullSecretPrerequisites(request)],
    warnings: image.warnings,
  })
}

const gpuResource = 'nvidia.com/gpu'

function buildableProfile({ profiles, profile: wanted }: NimBuildRequest): InventoryProfile {
  const buildable = profiles.filter(({ tags }) => tags['trtllm_buildable']?.toLowerCase() === 'true')
  const found = wanted === undefined ? undefined : findProfile(profiles, wanted)
  if (found !== undefined && buildable.includes(found)) return found
  const [only, second] = buildable
  if (found !== undefined || only === undefined) throw notBuildable(found, buildable)
  if (second === undefined) return only
  throw new NimctlError('usage', 'PROFILE_REQUIRED', {
    what: `The cache holds ${buildable.length} profiles that an engine can be built from, and a NIMBuild takes one.`,
    why: `There are: ${buildable.map(profileName).join(', ')}.`,
    next: `Choose with: --profile ${only.id}`,
  })
}

/** The operator counts by these tags, and then takes no other number. */
function resourcesOf({ gpus, requests, limits }: NimBuildRequest, { tags }: InventoryProfile): { resources?: object } {
  const known = tags['tensorParallelism'] ?? tags['tp']
  if (known !== undefined && gpus !== undefined)
    throw new NimctlError('usage', 'BUILD_GPUS', {
      what: `The profile says how many GPUs it is built with: ${known}.`,
      why: `The operator fails where a NIMBuild asks for ${gpuResource} beside the tag.`,
      next: 'Leave out --gpus',
    })
  if (known === undefined && gpus === undefined)
    throw new NimctlError('usage', 'BUILD_GPUS', {
      what: 'Nothing says how many GPUs the engine is built with.',
      why: 'The profile has no tag tp or tensorParallelism, and the operator wants a number.',
      next: 'Give it, such as --gpus 1',
    })
  const counted = gpus === undefined ? {} : { [gpuResource]: gpus }
  const maps = { limits: { ...limits, ...counted }, requests: { ...requests, ...counted } }
  const present = Object.entries(maps).filter(([, map]) => Object.keys(map).length > 0)
  return present.length === 0 ? {} : { resources: Object.fromEntries(present) }
}

/** The operator refers to the key in the Secret of the NIMCache, which need not have one: an empty one replaces that. */
function environmentOf({ online, family, env = [], operatorVersion }: NimBuildRequest): { env?: EnvVariable[] } {
  const withoutKey = [{ name: 'NGC_API_KEY', value: '' }]
  const offline = online === true ? [] : [...withoutKey, ...offlineEnvironment(family, operatorVersion)]
  const variables = mergedEnvironment(offline, env)
  return variables.length === 0 ? {} : { env: variables }
}

function tolerationsOf({ tolerations = [] }: NimBuildRequest): V1Toleration[] {
  if (tolerations.some(({ key }) => key === gpuResource)) return [...tolerations]
  return [...tolerations, { key: gpuResource, operator: 'Exists', effect: 'NoSchedule' }]
}

function readyPrerequisite({ nimCache, namespace }: NimBuildRequest): string {
  const place = namespace === undefined ? '' : ` -n ${namespace}`
  return (
    `NIMCache ${nimCache}, Ready: kubectl wait${place} nimcache/${nimCache} --for=jsonpath='{.status.state}'=Ready ` +
    `--timeout=1h, or nimctl status nimcache/${nimCache}${place} --wait`
  )
}

function comments({ name, modelName = name, namespace }: NimBuildRequest, profile: InventoryProfile): Comment[] {
  const place = namespace === undefined ? '' : ` -n ${namespace}`
  const stage =
    'A stage of its own: apply it when the NIMCache is Ready, not before. Nothing of it can be changed afterwards; ' +
    'delete it and make another one.'
  const result =
    `The engine comes to local_cache/${modelName} in the claim of the NIMCache. Serve it by the profile that ` +
    `kubectl get${place} nimbuild ${name} -o jsonpath='{.status.outputProfile.name}' names.`
  return [
    { kind: 'NIMBuild', path: ['metadata'], text: stage },
    { kind: 'NIMBuild', path: ['spec', 'nimCache'], text: `Builds from ${profileName(profile)}. ${result}` },
  ]
}

function notBuildable(found: InventoryProfile | undefined, buildable: readonly InventoryProfile[]): NimctlError {
  return new NimctlError('usage', 'PROFILE_NOT_BUILDABLE', {
    what:
      found === undefined
        ? 'The cache holds no profile that an engine can be built from.'
        : `No engine can be built from ${profileName(found)}.`,
    why: 'Those have the tag trtllm_buildable: true.',
    next:
      buildable.length === 0
        ? 'Fill the cache with one: nimctl profiles IMAGE --buildable, and nimctl cache IMAGE DIR --profile ID'
        : `Choose one of: ${buildable.map(({ id }) => `--profile ${id}`).join(', ')}`,
  })
}
