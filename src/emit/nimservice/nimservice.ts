import type { InventoryProfile } from '../../inventory/inventory.ts'
import { checkObject } from '../../operator/check-object.ts'
import { checkNamespace, checkNimServiceName } from '../../operator/names.ts'
import { operatorApi, type NimService } from '../../operator/objects.ts'
import { NimctlError } from '../../system/errors.ts'
import { refuseFindings } from '../check.ts'
import { mergedEnvironment } from '../environment.ts'
import type { NimImage } from '../nim-image.ts'
import { proxyFields, proxySurroundings } from '../proxy.ts'
import { pullSecretPrerequisites } from '../pull-secret.ts'
import { metadata, type ImagePlace, type StorePlace, type Target } from '../request.ts'
import { emitted, joined, type Comment, type EmitResult } from '../result.ts'
import { accessFields, isOnline } from './access.ts'
import { adapterFields } from './adapters.ts'
import { exposeFields, metricsFields } from './expose.ts'
import { filesFields, type ServedFiles } from './files.ts'
import { multiNodeFields } from './multi-node.ts'
import { platformFields } from './platform.ts'
import { checkContainers, containerFields, placementFields, probeFields } from './pod.ts'
import { resourceFields } from './resources.ts'
import { scaleFields } from './scale.ts'
import type { ServingRequest } from './serving.ts'

export interface NimServiceRequest extends Target, ImagePlace {
  image: NimImage
  /** Of the inventory; unknown: only what suits all. */
  family?: string | undefined
  /** Unknown: the NIM chooses. */
  profile?: InventoryProfile | undefined
  files: ServedFiles
  readOnly?: boolean
  serving: ServingRequest
  /** nimctl's own image, where adapters are fetched. */
  loaderImage?: string
  /** How pods reach the store of the cache. */
  store?: Omit<StorePlace, 'cacheUrl'>
}

/**
 * A NIMService on files that are there, with one profile pinned (automatic choice asks outside and hangs) and, unless
 * it is to be online, no key.
 *
 * @throws NimctlError `usage` with everything that can't go together.
 */
export function emitNimService(request: NimServiceRequest): EmitResult {
  checkNimServiceName(request.name)
  if (request.namespace !== undefined) checkNamespace(request.namespace)
  const { image, name, profile, pullSecret, serving, operatorVersion: version } = request
  checkFilled(request)
  checkContainers(serving, version)
  const access = accessFields(serving.access, { family: request.family, version })
  const files = filesFields({
    files: request.files,
    readOnly: request.readOnly === true,
    sharedMemory: serving.resources?.sharedMemory,
    profileId: profile?.id,
    version,
  })
  const resources = resourceFields(serving, profile)
  const scale = scaleFields(serving, serving.service?.name ?? name)
  const adapters = adapterFields({ ...request, lora: serving.lora })
  const { initContainers = [], sidecars = [], env: userEnv = [] } = serving.container ?? {}
  const env = mergedEnvironment(access.env, files.env, adapters.env, userEnv)
  const firstContainers = [...initContainers, ...adapters.initContainers]
  const object: NimService = {
    apiVersion: operatorApi,
    kind: 'NIMService',
    metadata: metadata(request),
    spec: {
      image: {
        repository: image.repository,
        tag: image.tag,
        pullPolicy: serving.container?.pullPolicy ?? 'IfNotPresent',
        ...(pullSecret !== undefined && { pullSecrets: [pullSecret] }),
      },
      ...access.fields,
      ...platformFields(serving, version),
      ...containerFields(serving.container),
      ...(env.length > 0 && { env }),
      ...(firstContainers.length > 0 && { initContainers: firstContainers }),
      ...(sidecars.length > 0 && { sidecarContainers: sidecars }),
      storage: files.storage,
      ...scale.fields,
      ...multiNodeFields(serving, profile, version),
      ...resources.fields,
      ...placementFields(serving.placement, version),
      ...probeFields(serving.probes),
      ...proxyFields(serving.proxy),
      expose: exposeFields(serving, { name, version }),
      ...metricsFields(serving.metrics),
    },
  }
  refuseFindings(checkObject(object, version))
  const own = emitted({
    objects: [object],
    comments: profileComments(request),
    prerequisites: pullSecretPrerequisites(request),
    warnings: [...image.warnings, ...serviceWarnings(request)],
  })
  return joined(own, access, files, resources, scale, adapters, proxySurroundings(serving.proxy, version))
}

/** @throws NimctlError `usage` / `VOLUME_EMPTY`: offline, nothing would ever come into it. */
function checkFilled({ files, serving }: NimServiceRequest): void {
  const isEmpty = files.from === 'empty-dir' || (files.from === 'claim' && files.claim.create)
  const filled = (serving.container?.initContainers ?? []).length > 0
  if (!isEmpty || filled || isOnline(serving.access)) return
  throw new NimctlError('usage', 'VOLUME_EMPTY', {
    what: 'The volume is new and empty, and the NIM may not ask outside.',
    why: 'Nothing would bring the model into it.',
    next: 'Serve what is filled (--nimcache, --claim), fill it with --init-container FILE, or let the NIM download: --auth-secret NAME',
  })
}

function profileComments({ profile }: NimServiceRequest): Comment[] {
  if (!profile?.description) return []
  return [{ kind: 'NIMService', path: ['spec', 'storage'], text: `Profile ${profile.description}.` }]
}

function serviceWarnings({ profile, serving, files }: NimServiceRequest): string[] {
  const { replicas = 1, scale, lora } = serving
  const most = scale?.maxReplicas ?? replicas
  const mode = files.from === 'claim' ? files.claim.volumeAccessMode : undefined
  return [
    ...(profile === undefined && !isOnline(serving.access)
      ? ['No profile is pinned: a NIM that chooses among several asks outside and hangs. Name it with --profile.']
      : []),
    ...(most > 1 && mode?.startsWith('ReadWriteOnce')
      ? [`${most} pods on a ${mode} claim run on one node at best: use ReadWriteMany, where a storage class offers it.`]
      : []),
    ...(lora !== undefined && profile !== undefined && profile.tags['feat_lora'] === undefined
      ? ['The profile does not say whether it has LoRA (tag feat_lora): see nimctl profiles IMAGE --lora.']
      : []),
  ]
}
