import type { V1Container, V1EnvVar, V1ResourceRequirements, V1VolumeMount } from '@kubernetes/client-node'

import type { InventoryProfile } from '../../inventory/inventory.ts'
import { restrictedContainer } from '../../kubernetes/job.ts'
import { gpuCount } from '../gpu-count.ts'
import { nimProbes, portName, type ProbeRequest } from './probes.ts'

export interface ResourcesRequest {
  /** Quantities. */
  cpu: string
  memory: string
  shmSize: string
  /** Default: what the profile needs. */
  gpus?: number
}

export interface NimContainerRequest {
  /** What the cluster's controller expects it to be called. */
  name: string
  image: string
  env: V1EnvVar[]
  /** Secrets whose keys become variables. */
  secretNames?: readonly string[]
  mounts: V1VolumeMount[]
  profile?: Pick<InventoryProfile, 'tags'> | undefined
  resources: ResourcesRequest
  /** Of the container. */
  port: number
  probes: ProbeRequest
}

/** What runs the NIM, whoever makes the pod: a plain one, or KServe. */
export function nimContainer(request: NimContainerRequest): V1Container {
  const { name, image, env, secretNames = [], mounts, port } = request
  return {
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    ...(env.length > 0 && { env }),
    ...(secretNames.length > 0 && { envFrom: secretNames.map(secret => ({ secretRef: { name: secret } })) }),
    ports: [{ name: portName, containerPort: port, protocol: 'TCP' }],
    resources: resources(request),
    ...nimProbes(request.probes),
    securityContext: restrictedContainer,
    volumeMounts: [...mounts, { name: sharedMemoryName, mountPath: '/dev/shm' }],
  }
}

const sharedMemoryName = 'dshm'

/** A NIM's processes share tensors there; a container has 64 MiB of it without this. */
export function sharedMemoryVolume({ shmSize }: ResourcesRequest) {
  return { name: sharedMemoryName, emptyDir: { medium: 'Memory', sizeLimit: shmSize } }
}

/** No limit of memory: shared memory and the files that were read count against it, and a NIM over it is killed. */
function resources({ resources: { cpu, memory, gpus }, profile }: NimContainerRequest): V1ResourceRequirements {
  const count = gpus ?? (profile === undefined ? 1 : gpuCount(profile))
  const gpu = count === 0 ? {} : { 'nvidia.com/gpu': String(count) }
  return { requests: { cpu, memory, ...gpu }, ...(count > 0 && { limits: gpu }) }
}

/** Where a NIM listens without a word (the Flyte plugin's default, too). */
const usualPort = 8000

/** The NIM Operator sets both: which one counts differs by family (reference/operator.md, section 4). */
export function portEnvironment(port: number): V1EnvVar[] {
  if (port === usualPort) return []
  return ['NIM_SERVER_PORT', 'NIM_HTTP_API_PORT'].map(name => ({ name, value: String(port) }))
}

/** What the user sets stands last, and alone. */
export function withOwnVariables(ours: readonly V1EnvVar[], own: Readonly<Record<string, string>>): V1EnvVar[] {
  return [
    ...ours.filter(({ name }) => !Object.hasOwn(own, name)),
    ...Object.entries(own).map(([name, value]) => ({ name, value })),
  ]
}
