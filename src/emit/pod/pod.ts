import type { V1Deployment, V1EnvVar, V1Pod, V1PodSpec, V1Service, V1ServicePort } from '@kubernetes/client-node'

import { checkNamespace, checkReferredName, checkServiceName } from '../../operator/names.ts'
import type { KubernetesObject } from '../../operator/objects.ts'
import { NimctlError } from '../../system/errors.ts'
import type { NimImage } from '../nim-image.ts'
import { filledCacheEnvironment } from '../offline-env.ts'
import type { PodProfile } from '../profile.ts'
import { pullSecretPrerequisites } from '../pull-secret.ts'
import { metadata, type ImagePlace } from '../request.ts'
import { emitted, joined, type Comment, type EmitResult } from '../result.ts'
import { podAdapters, type AdaptersRequest, type SecretKey } from './adapters.ts'
import { podFiles, type PodFiles, type PodFilesRequest } from './files.ts'
import {
  nimContainer,
  portEnvironment,
  type ResourcesRequest,
  sharedMemoryVolume,
  withOwnVariables,
} from './nim-container.ts'
import { type Placement, placedPod } from './placement.ts'
import { portName, type ProbeRequest } from './probes.ts'

/** What controls the pod: nothing that starts it anew on another node, or a Deployment. */
export const podForms = ['deployment', 'pod'] as const

export type PodForm = (typeof podForms)[number]

export interface PodRequest extends PodFilesRequest, ImagePlace {
  image: NimImage
  /** To serve. Absent: what has none, or the NIM chooses. */
  profile?: PodProfile
  form: PodForm
  replicas: number
  /** Of the Service and of the NIM. */
  port: number
  probes: ProbeRequest
  resources: ResourcesRequest
  placement: Placement
  lora: AdaptersRequest
  ngcKey?: SecretKey
  hfToken?: SecretKey
  /** What the user sets; it wins over what nimctl would. */
  env: Record<string, string>
}

/**
 * A NIM in a pod of one's own, without the NIM Operator: a Deployment or a bare Pod, its Service, and the claim where it
 * needs a new one. Restricted Pod Security; without a key and without a wish to ask outside, unless `online`.
 *
 * @throws NimctlError `usage` with everything that can't go together.
 */
export function emitPod(request: PodRequest): EmitResult {
  checkServiceName(request.form === 'pod' ? 'Pod' : 'Deployment', request.name)
  if (request.namespace !== undefined) checkNamespace(request.namespace)
  refuseBarePods(request)
  const files = podFiles(request)
  const adapters = podAdapters(request)
  const spec = podSpec(request, { files, adapters })
  const pod = request.form === 'pod' ? barePod(request, spec) : deployment(request, spec)
  return joined(
    files,
    adapters,
    emitted({
      objects: [pod, service(request)],
      prerequisites: [...secretPrerequisites(request), ...pullSecretPrerequisites(request)],
      warnings: [...request.image.warnings, ...warnings(request)],
      comments: comments(request, { kind: pod.kind, files }),
    }),
  )
}

function refuseBarePods({ form, replicas }: PodRequest): void {
  if (form === 'deployment' || replicas === 1) return
  throw new NimctlError('usage', 'REPLICAS_OF_POD', {
    what: `A bare Pod is one, and ${replicas} replicas were asked for.`,
    next: 'Leave out --as pod: a Deployment has replicas.',
  })
}

type Parts = { files: PodFiles; adapters: ReturnType<typeof podAdapters> }

function podSpec(request: PodRequest, { files, adapters }: Parts): V1PodSpec {
  const { image, profile, port, probes, resources } = request
  const initContainers = [...files.initContainers, ...adapters.initContainers]
  return {
    ...placedPod(request),
    ...(initContainers.length > 0 && { initContainers }),
    containers: [
      nimContainer({
        name: 'nim',
        image: image.reference,
        env: environment(request, { files, adapters }),
        secretNames: files.secretNames,
        mounts: [...files.mounts, ...adapters.mounts],
        profile,
        resources,
        port,
        probes,
      }),
    ],
    volumes: [...new Set([...files.volumes, ...adapters.volumes]), sharedMemoryVolume(resources)],
  }
}

/** Automatic choice asks outside and hangs, so the profile is pinned wherever it is known (reference/nim.md, section 6.1). */
function environment(request: PodRequest, { files, adapters }: Parts): V1EnvVar[] {
  const { profile, port, family, online, ngcKey, hfToken, env } = request
  const ours: V1EnvVar[] = [
    ...(online && ngcKey !== undefined ? [fromSecret('NGC_API_KEY', ngcKey)] : []),
    ...(online && hfToken !== undefined ? [fromSecret('HF_TOKEN', hfToken)] : []),
    ...files.env,
    ...(profile === undefined ? [] : [{ name: 'NIM_MODEL_PROFILE', value: profile.id }]),
    ...(online ? [] : filledCacheEnvironment(family)),
    ...adapters.env,
    ...portEnvironment(port),
  ]
  return withOwnVariables(ours, env)
}

function fromSecret(name: string, secretKeyRef: SecretKey): V1EnvVar {
  return { name, valueFrom: { secretKeyRef } }
}

function labelsOf(name: string): Record<string, string> {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/managed-by': 'nimctl' }
}

function selectorOf(name: string): Record<string, string> {
  return { 'app.kubernetes.io/name': name }
}

function labelled(request: PodRequest): KubernetesObject['metadata'] & { labels: Record<string, string> } {
  return { ...metadata(request), labels: labelsOf(request.name) }
}

function barePod(request: PodRequest, spec: V1PodSpec): V1Pod & KubernetesObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: labelled(request), spec }
}

/** Beside the start of the NIM: pulling its image and filling the volume. */
const beforeStartSeconds = 3600

function deployment(request: PodRequest, spec: V1PodSpec): V1Deployment & KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: labelled(request),
    spec: {
      replicas: request.replicas,
      selector: { matchLabels: selectorOf(request.name) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      progressDeadlineSeconds: request.probes.startupSeconds + beforeStartSeconds,
      template: { metadata: { labels: labelsOf(request.name) }, spec },
    },
  }
}

function service(request: PodRequest): V1Service & KubernetesObject {
  const port: V1ServicePort = { name: portName, port: request.port, targetPort: portName, protocol: 'TCP' }
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: labelled(request),
    spec: { type: 'ClusterIP', selector: selectorOf(request.name), ports: [port] },
  }
}

/** @throws NimctlError `usage` / `KEY_OFFLINE`, `NAME_INVALID`. */
function secretPrerequisites({ namespace, online, ngcKey, hfToken }: PodRequest): string[] {
  const wanted = [ngcKey, hfToken].filter(secret => secret !== undefined)
  if (!online && wanted.length > 0)
    throw new NimctlError('usage', 'KEY_OFFLINE', {
      what: `A NIM that gets ${ngcKey === undefined ? 'a token of Hugging Face' : 'an NGC key'} asks outside, and this one has all its files.`,
      why: 'In a disconnected cluster that ends in an error, or hangs.',
      next: 'Leave the Secret out, or add --online where the pod may ask',
    })
  const place = namespace === undefined ? '' : ` -n ${namespace}`
  return wanted.map(({ name, key }) => {
    checkReferredName('Secret', name)
    return `Secret ${name}: kubectl create secret generic ${name}${place} --from-env-file=FILE, where FILE has the line ${key}=…`
  })
}

function warnings({ profile, lora, replicas, volume }: PodRequest): string[] {
  const withoutLora = lora.peftSource !== undefined && profile?.tags['feat_lora'] === 'false'
  const alone = replicas > 1 && volume.type === 'new-claim' && volume.accessMode?.startsWith('ReadWriteOnce')
  return [
    ...(withoutLora
      ? [
          `Profile ${profile.description ?? profile.id} is not for LoRA (feat_lora false): a NIM with NIM_PEFT_SOURCE passes over it.`,
        ]
      : []),
    ...(alone
      ? [
          `${replicas} replicas on a ${volume.accessMode} claim run on one node at best: use ReadWriteMany, where a storage class offers it.`,
        ]
      : []),
  ]
}

function comments({ form, profile }: PodRequest, { kind, files }: { kind: string; files: PodFiles }): Comment[] {
  const spec = form === 'pod' ? ['spec'] : ['spec', 'template', 'spec']
  const nim = [...spec, 'containers', 'nim']
  const init = files.initContainers.map(({ name }) => ({
    kind,
    path: [...spec, 'initContainers', name],
    text: 'nimctl itself, not the NIM: it fetches the cache from the store that env names, before the NIM starts.',
  }))
  return [
    ...(form === 'deployment'
      ? [{ kind, path: ['spec', 'strategy'], text: 'A new pod would wait for the GPUs that the old one holds.' }]
      : []),
    ...init,
    ...(profile?.description === undefined
      ? []
      : [{ kind, path: [...nim, 'env', 'NIM_MODEL_PROFILE'], text: `Profile ${profile.description}.` }]),
    {
      kind,
      path: [...nim, 'resources'],
      text: 'No limit of memory: /dev/shm and files that were read count against it, and a NIM over it is killed.',
    },
    {
      kind,
      path: [...nim, 'startupProbe'],
      text: 'How long loading may take. Until it has succeeded once, the other two do not ask.',
    },
  ]
}
