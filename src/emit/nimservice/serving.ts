import type { V1Toleration } from '@kubernetes/client-node'

import type { EnvVariable } from '../../operator/objects.ts'
import type { NimContainer } from '../../operator/objects.ts'
import type { ProxyRequest } from '../proxy.ts'

/** How a NIMService serves, wherever its files are. All but the port may be left out. */
export interface ServingRequest {
  port: number
  replicas?: number
  scale?: ScaleRequest
  service?: ServiceRequest
  router?: RouterRequest
  metrics?: MetricsRequest
  access?: AccessRequest
  resources?: ResourcesRequest
  placement?: PlacementRequest
  container?: ContainerRequest
  probes?: ProbesRequest
  proxy?: ProxyRequest
  lora?: LoraRequest
  multiNode?: MultiNodeRequest
  platform?: InferencePlatform
}

export const inferencePlatforms = ['standalone', 'kserve'] as const

type InferencePlatform = (typeof inferencePlatforms)[number]

/** A HorizontalPodAutoscaler; excludes `replicas`. */
export interface ScaleRequest {
  minReplicas?: number
  maxReplicas?: number
  /** Each `[KIND/]NAME=VALUE`, see `parseHpaMetric`. */
  metrics?: readonly string[]
  /** Of the autoscaler. */
  annotations?: Record<string, string>
}

export const serviceTypes = ['ClusterIP', 'NodePort', 'LoadBalancer'] as const

interface ServiceRequest {
  type?: (typeof serviceTypes)[number]
  name?: string
  grpcPort?: number
  metricsPort?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

/** One way in from outside the cluster: an Ingress, or routes of a Gateway. */
export interface RouterRequest {
  host?: string
  ingressClass?: string
  tlsSecret?: string
  gateway?: { namespace: string; name: string }
  httpRoutes?: boolean
  grpcRoutes?: boolean
  annotations?: Record<string, string>
}

/** A ServiceMonitor of the Prometheus operator. Intervals as Prometheus writes them, such as `30s`. */
export interface MetricsRequest {
  labels?: Record<string, string>
  annotations?: Record<string, string>
  interval?: string
  scrapeTimeout?: string
}

export interface AccessRequest {
  /** The NIM may ask outside. Default: not. */
  online?: boolean
  /** A Secret with NGC_API_KEY; naming one means online. */
  authSecret?: string
}

interface ResourcesRequest {
  /** Default: what the profile's tags say. */
  gpus?: number
  /** Quantities by name, such as `cpu` or `rdma/rdma_shared_device_a`. */
  requests?: Record<string, string>
  limits?: Record<string, string>
  /** Of /dev/shm; a quantity. */
  sharedMemory?: string
  /** Dynamic resource allocation: claims that are there, or templates. */
  claims?: readonly string[]
  claimTemplates?: readonly string[]
}

export interface PlacementRequest {
  nodeSelector?: Record<string, string>
  tolerations?: readonly V1Toleration[]
  runtimeClass?: string
  priorityClass?: string
  scheduler?: string
}

export interface ContainerRequest {
  command?: readonly string[]
  args?: readonly string[]
  env?: readonly EnvVariable[]
  labels?: Record<string, string>
  annotations?: Record<string, string>
  user?: { uid: number; gid: number }
  pullPolicy?: PullPolicy
  initContainers?: readonly NimContainer[]
  sidecars?: readonly NimContainer[]
}

export const pullPolicies = ['Always', 'IfNotPresent', 'Never'] as const

export type PullPolicy = (typeof pullPolicies)[number]

export const probeNames = ['startup', 'readiness', 'liveness'] as const

export type ProbeName = (typeof probeNames)[number]

export interface ProbesRequest {
  /** How long a start may take. Milliseconds. */
  startupTimeoutMs?: number
  /** Instead of /v1/health/ready. */
  healthPath?: string
  /** Instead of /v1/health/live. */
  livePath?: string
  disabled?: readonly ProbeName[]
}

export interface LoraRequest {
  /** Where the NIM looks for adapters, one folder each. Default: /model-store/loras. */
  peftSource?: string
  /** Each `[NAME=]URL` of an adapter that was uploaded with layout plain. */
  adapters?: readonly string[]
  /** Of buffers while one is fetched; a quantity. */
  adapterMemory?: string
  /** With the credentials of their store. Default: that of the cache. */
  adapterSecret?: string
  /** Seconds between two looks for new adapters. */
  refreshSeconds?: number
  maxGpuLoras?: number
  maxCpuLoras?: number
  maxRank?: number
}

export interface MultiNodeRequest {
  /** Nodes that the model is spread over. */
  pipeline?: number
  /** GPUs on each of them. */
  tensor?: number
  mpiStartTimeoutMs?: number
  rayPort?: number
  /** The name of a ComputeDomain, or `create`. */
  computeDomain?: string
}
