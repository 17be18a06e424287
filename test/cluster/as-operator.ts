/**
 * What the NIM Operator makes of a NIMCache and of a NIMService, after reference/operator.md sections 3 and 4: nothing of
 * nimctl's own is used. Its own objects that bring no container up (roles, its ServiceAccount's bindings) are left out.
 */
import { isObject } from '../emit/structural-schema.ts'

export type Kubernetes = Record<string, unknown>

interface Named {
  metadata: { name: string }
}

interface Env {
  name: string
  value?: string
  valueFrom?: object
}

interface Pvc {
  create?: boolean
  name?: string
  storageClass?: string
  size?: string
  volumeAccessMode?: string
  subPath?: string
}

interface Container {
  name: string
  image: { repository: string; tag: string }
  command?: string[]
  args?: string[]
  env?: Env[]
}

export interface NimCacheObject extends Named {
  spec: {
    source: { ngc: { authSecret: string; modelPuller: string; pullSecret?: string; model?: { profiles?: string[] } } }
    storage: { pvc: Pvc }
    env?: Env[]
    nodeSelector?: Record<string, string>
    tolerations?: object[]
    resources?: { cpu?: string; memory?: string }
    runtimeClassName?: string
    userID?: number
    groupID?: number
  }
}

export interface NimServiceObject extends Named {
  spec: {
    image: { repository: string; tag: string; pullPolicy?: string; pullSecrets?: string[] }
    authSecret?: string
    command?: string[]
    args?: string[]
    env?: Env[]
    storage: {
      nimCache?: { name?: string; profile?: string }
      pvc?: Pvc
      emptyDir?: { sizeLimit?: string }
      readOnly?: boolean
      sharedMemorySizeLimit?: string
    }
    initContainers?: Container[]
    replicas?: number
    resources?: object
    nodeSelector?: Record<string, string>
    tolerations?: object[]
    expose: { service: { type?: string; port: number } }
    userID?: number
    groupID?: number
  }
}

const usualUser = 1000
const usualGroup = 2000
const modelStore = { name: 'model-store', mountPath: '/model-store' }
const scratch = { name: 'scratch', mountPath: '/scratch' }

/** The claim that it makes before its Job: `<name>-pvc`. */
export function claimOf({ metadata, spec }: NimCacheObject): Kubernetes {
  const { create, storageClass, size, volumeAccessMode } = spec.storage.pvc
  if (create !== true) throw new Error('The claim of this NIMCache is there already.')
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: claimName({ metadata, spec }) },
    spec: {
      accessModes: [volumeAccessMode],
      resources: { requests: { storage: size } },
      ...(storageClass ? { storageClassName: storageClass } : {}),
    },
  }
}

function claimName({ metadata, spec }: NimCacheObject): string {
  return spec.storage.pvc.name ?? `${metadata.name}-pvc`
}

/** Section 3, point 6, and "Details to copy". */
export function jobOf(cache: NimCacheObject): Kubernetes {
  const { metadata, spec } = cache
  const { source, storage, nodeSelector, tolerations, resources, runtimeClassName } = spec
  const { authSecret, modelPuller, pullSecret, model } = source.ngc
  const user = { runAsUser: spec.userID ?? usualUser, runAsGroup: spec.groupID ?? usualGroup }
  const container = {
    name: 'nim-cache-ctr',
    image: modelPuller,
    command: ['download-to-cache'],
    args: profileArguments(model?.profiles ?? []),
    envFrom: [{ secretRef: { name: authSecret } }],
    env: merged([{ name: 'NIM_CACHE_PATH', value: '/model-store' }], spec.env),
    ...(resources === undefined ? {} : { resources: { limits: resources, requests: resources } }),
    volumeMounts: [mountOf(storage.pvc), scratch],
    securityContext: { ...user, runAsNonRoot: true, ...restricted },
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${metadata.name}-job`, labels: labels(metadata.name) },
    spec: {
      backoffLimit: 5,
      ttlSecondsAfterFinished: 600,
      template: {
        metadata: { labels: labels(metadata.name), annotations: { 'sidecar.istio.io/inject': 'false' } },
        spec: {
          restartPolicy: 'Never',
          securityContext: podSecurity({ ...user, fsGroup: user.runAsGroup }),
          containers: [container],
          volumes: [claimVolume(claimName(cache)), { name: 'scratch', emptyDir: {} }],
          nodeSelector: nodeSelector ?? { 'feature.node.kubernetes.io/pci-10de.present': 'true' },
          ...(tolerations === undefined ? {} : { tolerations }),
          ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
          ...(pullSecret === undefined ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
        },
      },
    },
  }
}

/** The whole Secret is in the container: only what section 3 says of profiles is an argument. */
function profileArguments(profiles: readonly string[]): string[] {
  return profiles.includes('all') ? ['--all'] : ['--profiles', ...profiles]
}

/** Section 4. @param cache that it stands on. */
export function deploymentOf(service: NimServiceObject, cache?: NimCacheObject): Kubernetes {
  const { metadata, spec } = service
  const { storage, initContainers = [] } = spec
  const pvc = cache === undefined ? storage.pvc : { ...cache.spec.storage.pvc, name: claimName(cache) }
  const env = serviceEnvironment(service)
  const user = { runAsUser: spec.userID ?? usualUser, runAsGroup: spec.groupID ?? usualGroup }
  const withScratch = initContainers.length > 0 ? [scratch] : []
  const mounts = [{ ...mountOf(pvc), ...(storage.readOnly === true ? { readOnly: true } : {}) }, ...withScratch]
  const container = {
    name: `${metadata.name}-ctr`,
    image: imageOf(spec.image),
    ...(spec.command === undefined ? {} : { command: spec.command }),
    ...(spec.args === undefined ? {} : { args: spec.args }),
    env,
    ports: [{ name: 'api', containerPort: spec.expose.service.port }],
    ...(spec.resources === undefined ? {} : { resources: spec.resources }),
    livenessProbe: probe('/v1/health/live'),
    readinessProbe: probe('/v1/health/ready'),
    startupProbe: { ...probe('/v1/health/ready'), failureThreshold: 120 },
    securityContext: restricted,
    volumeMounts: [...mounts, { name: 'dshm', mountPath: '/dev/shm' }],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: metadata.name, labels: labels(metadata.name) },
    spec: {
      replicas: spec.replicas ?? 1,
      selector: { matchLabels: { app: metadata.name } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: '25%' } },
      template: {
        metadata: { labels: labels(metadata.name) },
        spec: {
          securityContext: podSecurity({ ...user, fsGroup: user.runAsGroup }),
          initContainers: initContainers.map(initContainer => initOf(initContainer, { env, mounts })),
          containers: [container],
          volumes: [
            pvc === undefined ? { name: 'model-store', emptyDir: storage.emptyDir ?? {} } : claimVolume(pvc.name ?? ''),
            { name: 'dshm', emptyDir: { medium: 'Memory', ...sizeLimit(storage.sharedMemorySizeLimit) } },
            ...(withScratch.length > 0 ? [{ name: 'scratch', emptyDir: {} }] : []),
          ],
          ...(spec.nodeSelector === undefined ? {} : { nodeSelector: spec.nodeSelector }),
          ...(spec.tolerations === undefined ? {} : { tolerations: spec.tolerations }),
          imagePullSecrets: (spec.image.pullSecrets ?? []).map(name => ({ name })),
        },
      },
    },
  }
}

/** Its Service, of the same name. */
export function serviceOf({ metadata, spec }: NimServiceObject): Kubernetes {
  const { type = 'ClusterIP', port } = spec.expose.service
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: metadata.name, labels: labels(metadata.name) },
    spec: { type, selector: { app: metadata.name }, ports: [{ name: 'api', port, targetPort: 'api' }] },
  }
}

/** "Standard env" of section 4: the user's own wins by name. */
function serviceEnvironment({ spec }: NimServiceObject): Env[] {
  const port = String(spec.expose.service.port)
  const key = { secretKeyRef: { name: spec.authSecret, key: 'NGC_API_KEY' } }
  const profile = spec.storage.nimCache?.profile
  return merged(
    [
      { name: 'NIM_CACHE_PATH', value: '/model-store' },
      { name: 'OUTLINES_CACHE_DIR', value: '/tmp/outlines' },
      { name: 'NIM_SERVER_PORT', value: port },
      { name: 'NIM_HTTP_API_PORT', value: port },
      { name: 'NIM_JSONL_LOGGING', value: '1' },
      { name: 'NIM_LOG_LEVEL', value: 'INFO' },
      ...(spec.authSecret === undefined ? [] : [{ name: 'NGC_API_KEY', valueFrom: key }]),
      ...(profile ? [{ name: 'NIM_MODEL_PROFILE', value: profile }] : []),
    ],
    spec.env,
  )
}

/** "Init containers (>=3.1.0)": own env wins; no security context, so they run as the pod does. */
function initOf({ name, image, command, args, env }: Container, pod: { env: Env[]; mounts: object[] }): Kubernetes {
  return {
    name,
    image: imageOf(image),
    ...(command === undefined ? {} : { command }),
    ...(args === undefined ? {} : { args }),
    env: merged(pod.env, env),
    volumeMounts: pod.mounts,
    securityContext: restricted,
  }
}

/** The later one of a name takes the earlier one's place. */
function merged(operators: readonly Env[], users: readonly Env[] = []): Env[] {
  return [...new Map([...operators, ...users].map(variable => [variable.name, variable])).values()]
}

function mountOf(pvc: Pvc | undefined): object {
  return { ...modelStore, ...(pvc?.subPath ? { subPath: pvc.subPath } : {}) }
}

function claimVolume(name: string): object {
  return { name: 'model-store', persistentVolumeClaim: { claimName: name } }
}

function imageOf({ repository, tag }: { repository: string; tag: string }): string {
  return `${repository}:${tag}`
}

/** The operator asks every ten seconds; a test is not to wait as long. */
function probe(path: string): object {
  return { httpGet: { path, port: 'api' }, periodSeconds: 1 }
}

function sizeLimit(limit: string | undefined): object {
  return limit === undefined ? {} : { sizeLimit: limit }
}

function labels(name: string): Record<string, string> {
  return { app: name, 'app.kubernetes.io/managed-by': 'k8s-nim-operator' }
}

/** As it does on TKGS: in a namespace that asks for `restricted`, nothing else is admitted. */
function podSecurity(user: object): object {
  return { ...user, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }
}

const restricted = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }

/** What `nimctl emit -o json` wrote, by kind. */
export function ofKind<T extends object>(list: unknown, kind: string): T {
  const items = isObject(list) && Array.isArray(list['items']) ? list['items'] : []
  const found = items.filter(item => isObject(item) && item['kind'] === kind)
  if (found.length !== 1) throw new Error(`There are ${found.length} objects of kind ${kind}.`)
  return found[0] as T
}
