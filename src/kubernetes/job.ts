import { createHash } from 'node:crypto'

import type {
  V1Container,
  V1EnvFromSource,
  V1EnvVar,
  V1PodSecurityContext,
  V1PodSpec,
  V1ResourceRequirements,
  V1Toleration,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node'

import type { JobObject } from './cluster.ts'

export interface RunAs {
  uid: number
  gid: number
  /** Group of the volumes' files. */
  fsGroup: number
}

/** Where a pod runs and as whom: the same for every Job of one command. */
export interface PodSettings {
  serviceAccount?: string
  /** An existing Secret of type kubernetes.io/dockerconfigjson. */
  pullSecret?: string
  nodeSelector: Record<string, string>
  tolerations: V1Toleration[]
  runtimeClass?: string
  /** `nvidia.com/gpu` of the NIM's own container. */
  gpus?: number
  /** Bytes of /dev/shm. */
  shmSize?: number
  /** Absent: the image's own user. */
  runAs?: RunAs
}

/** A container of the Job's pod. */
export interface Step {
  name: string
  image: string
  /** Replaces the image's entry point. */
  entrypoint?: string[]
  command: string[]
  env?: V1EnvVar[]
  envFrom?: V1EnvFromSource[]
  mounts?: V1VolumeMount[]
  /** Where it is not the NIM, whose GPUs are its resources. */
  resources?: V1ResourceRequirements
  /** Nothing but its mounts can be written. */
  readOnlyRoot?: boolean
  /** Gets the GPUs and the shared memory. */
  isNim?: boolean
}

export interface JobRequest extends PodRequest {
  /** Becomes part of its name: `nimctl-TASK-…`. */
  task: string
  namespace?: string
}

export interface PodRequest {
  settings: PodSettings
  volumes?: V1Volume[]
  /** One after the other, before the rest; the pod ends at the first that fails. */
  firstSteps?: Step[]
  /** All at once, after those. */
  steps: Step[]
}

/** A finished Job of which nobody took notice goes by itself, as the NIM Operator's do (reference/operator.md 3). */
const ttlSeconds = 600

/** What has been downloaded is kept, so there is little to end in good order; NIMs ignore TERM as process 1. */
const graceSeconds = 10

/**
 * A Job that runs once, as people write it by hand for this, with a restricted security context
 * (https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted). Pure: the same request gives the
 * same name, so a second run finds what a killed one left.
 */
export function makeJob(request: JobRequest): JobObject {
  const template = { metadata: { labels, annotations: withoutSidecar }, spec: podSpec(request) }
  const image = request.steps[0]?.image ?? ''
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(request.task, image, template),
      ...(request.namespace !== undefined && { namespace: request.namespace }),
      labels,
    },
    spec: { backoffLimit: 0, ttlSecondsAfterFinished: ttlSeconds, template },
  }
}

const labels = { 'app.kubernetes.io/managed-by': 'nimctl' }

/** A sidecar would keep the pod from ending (reference/operator.md 3 has the annotation; a label is its newer form). */
export const withoutSidecar = { 'sidecar.istio.io/inject': 'false' }

/** A label's length, which `job-name` of its pods has. */
const maxName = 63

function jobName(task: string, image: string, content: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 8)
  const named = image.replace(/@.*$/, '').split('/').at(-1) ?? ''
  const slug = named.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  const start = `nimctl-${task}-${slug}`.slice(0, maxName - hash.length - 1).replace(/-+$/, '')
  return `${start}-${hash}`
}

/** A pod that ends, as a Job's template wants it. */
export function podSpec({ settings, volumes = [], firstSteps = [], steps }: PodRequest): V1PodSpec {
  const { serviceAccount, pullSecret, nodeSelector, runtimeClass, runAs, gpus = 0, shmSize } = settings
  const tolerated = settings.tolerations.some(({ key }) => key === gpuToleration.key)
  const tolerations = [...settings.tolerations, ...(gpus > 0 && !tolerated ? [gpuToleration] : [])]
  const allVolumes = shmSize === undefined ? volumes : [...volumes, sharedMemory(shmSize)]
  return {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: graceSeconds,
    automountServiceAccountToken: false,
    // A Service called `nim` would set variables that begin with NIM_.
    enableServiceLinks: false,
    ...(serviceAccount !== undefined && { serviceAccountName: serviceAccount }),
    ...(pullSecret !== undefined && { imagePullSecrets: [{ name: pullSecret }] }),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...(tolerations.length > 0 && { tolerations }),
    ...(runtimeClass !== undefined && { runtimeClassName: runtimeClass }),
    securityContext: podSecurity(runAs),
    ...(firstSteps.length > 0 && { initContainers: firstSteps.map(step => container(step, settings)) }),
    containers: steps.map(step => container(step, settings)),
    ...(allVolumes.length > 0 && { volumes: allVolumes }),
  }
}

/** Of each container, in the same standard. */
export const restrictedContainer = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }

/** What GPU nodes are usually tainted with. */
export const gpuToleration: V1Toleration = { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted */
export function podSecurity(runAs: RunAs | undefined): V1PodSecurityContext {
  return { ...runAsFields(runAs), seccompProfile: { type: 'RuntimeDefault' } }
}

function runAsFields(runAs: RunAs | undefined) {
  if (runAs === undefined) return {}
  const { uid, gid, fsGroup } = runAs
  return {
    runAsNonRoot: uid !== 0,
    runAsUser: uid,
    runAsGroup: gid,
    fsGroup,
    // A cache has gigabytes in few files, but changing the owner of each before every start would take its time.
    fsGroupChangePolicy: 'OnRootMismatch',
  }
}

function sharedMemory(bytes: number): V1Volume {
  return { name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: String(bytes) } }
}

function container(step: Step, settings: PodSettings): V1Container {
  const { name, image, entrypoint, command, env, envFrom, mounts, resources, readOnlyRoot, isNim } = step
  const { gpus = 0, shmSize } = settings
  const nimMounts = isNim === true && shmSize !== undefined ? [{ name: 'dshm', mountPath: '/dev/shm' }] : []
  const allMounts = [...(mounts ?? []), ...nimMounts]
  const gpu = { 'nvidia.com/gpu': String(gpus) }
  return {
    name,
    image,
    ...(entrypoint !== undefined && { command: entrypoint }),
    ...(command.length > 0 && { args: command }),
    ...(env !== undefined && env.length > 0 && { env }),
    ...(envFrom !== undefined && envFrom.length > 0 && { envFrom }),
    ...(resources !== undefined && { resources }),
    ...(isNim === true && gpus > 0 && { resources: { limits: gpu, requests: gpu } }),
    securityContext:
      readOnlyRoot === true ? { ...restrictedContainer, readOnlyRootFilesystem: true } : restrictedContainer,
    ...(allMounts.length > 0 && { volumeMounts: allMounts }),
  }
}
