import { read, textAt } from '../../../system/json.ts'
import {
  type Container,
  containersOf,
  type Fields,
  isFields,
  listAt,
  mainVariables,
  scalarText,
  type Workload,
  workloadsOf,
} from '../workload.ts'

/** Something that has to be in the cluster already; `path` says who wants it. */
export interface Reference {
  path: string
  name: string
}

export interface SecretNeed extends Reference {
  /** Of those that pull images. */
  type?: 'kubernetes.io/dockerconfigjson'
  /** Absent: any will do. */
  key?: string
}

/** The pods of a workload, as the scheduler will see them. */
export interface PodNeed {
  path: string
  /** Of each pod; 0: none. */
  gpus: number
  pods: number
  nodeSelector: Record<string, string>
  tolerations: readonly unknown[]
  /** GPUs by product, of which one must be there. */
  products: readonly string[]
  runtimeClass?: string
}

export interface ClaimNeed {
  path: string
  /** Of an existing claim; absent: a new one. */
  name?: string
  storageClass?: string
  size?: string
  accessMode?: string
  /** Pods that mount it at once. */
  pods: number
}

/** The kinds of metrics that a HorizontalPodAutoscaler names, by the API that serves them. */
interface MetricsNeed {
  path: string
  api: 'metrics.k8s.io' | 'custom.metrics.k8s.io' | 'external.metrics.k8s.io'
}

/** What an object wants of its cluster before it can run. */
export interface Needs {
  pods: PodNeed[]
  claims: ClaimNeed[]
  secrets: SecretNeed[]
  configMaps: Reference[]
  serviceAccounts: Reference[]
  metrics: MetricsNeed[]
}

const gpu = 'nvidia.com/gpu'

export function needsOf(object: unknown): Needs {
  const workloads = workloadsOf(object)
  const isClaim = textAt(object, 'kind') === 'PersistentVolumeClaim'
  return {
    pods: workloads.map(workload => podNeed(object, workload)),
    claims: [...workloads.flatMap(workload => claimNeeds(object, workload)), ...(isClaim ? [claimOf(object)] : [])],
    secrets: workloads.flatMap(secretNeeds),
    configMaps: workloads.flatMap(configMapNeeds),
    serviceAccounts: workloads.flatMap(({ form, path, spec }) => {
      const name = form === 'pod' ? textAt(spec, 'serviceAccountName') : undefined
      return name === undefined ? [] : [{ path: `${path}.serviceAccountName`, name }]
    }),
    metrics: [
      ...workloads.flatMap(({ path, spec }) =>
        metricsNeeds(
          `${path}.scale.hpa`,
          read(spec, 'scale', 'enabled') === true ? read(spec, 'scale', 'hpa') : undefined,
        ),
      ),
      ...(textAt(object, 'kind') === 'HorizontalPodAutoscaler' ? metricsNeeds('spec', read(object, 'spec')) : []),
    ],
  }
}

/** The operator's own for a NIMCache that has none (reference/operator.md, section 2). */
const gpuLabel = { 'feature.node.kubernetes.io/pci-10de.present': 'true' }

function podNeed(object: unknown, workload: Workload): PodNeed {
  const { form, path, spec } = workload
  const own = textMap(read(spec, 'nodeSelector'))
  const containers = containersOf(workload)
  const perPod = Math.max(
    containers.filter(({ role }) => role !== 'init').reduce((sum, container) => sum + gpusOf(container), 0),
    ...containers.filter(({ role }) => role === 'init').map(gpusOf),
    0,
  )
  const runtimeClass = textAt(spec, 'runtimeClassName')
  return {
    path,
    gpus: perPod,
    pods: podCount(object, workload),
    nodeSelector: form === 'nimcache' && Object.keys(own).length === 0 ? gpuLabel : own,
    tolerations: listAt(spec, 'tolerations'),
    products:
      form === 'nimcache'
        ? listAt(spec, 'source', 'ngc', 'model', 'gpus').flatMap(entry => textAt(entry, 'product') ?? [])
        : [],
    ...(runtimeClass !== undefined && { runtimeClass }),
  }
}

function gpusOf({ fields }: Container): number {
  const asked = read(fields.resources, 'limits', gpu) ?? read(fields.resources, 'requests', gpu)
  const count = Number(scalarText(asked) ?? 0)
  return Number.isInteger(count) && count > 0 ? count : 0
}

function podCount(object: unknown, { form, spec }: Workload): number {
  const from = (value: unknown) => (typeof value === 'number' && value >= 0 ? value : undefined)
  const nodes = from(read(spec, 'multiNode', 'parallelism', 'pipeline')) ?? 1
  if (form === 'nimservice')
    return (from(read(spec, 'replicas')) ?? from(read(spec, 'scale', 'hpa', 'minReplicas')) ?? 1) * nodes
  if (form !== 'pod') return 1
  return from(read(object, 'spec', 'replicas')) ?? from(read(object, 'spec', 'parallelism')) ?? 1
}

function claimNeeds(object: unknown, workload: Workload): ClaimNeed[] {
  const { form, path, spec } = workload
  const pods = podCount(object, workload)
  if (form === 'pod')
    return listAt(spec, 'volumes').flatMap((volume, index) => {
      const name = textAt(volume, 'persistentVolumeClaim', 'claimName')
      return name === undefined ? [] : [{ path: `${path}.volumes[${index}]`, name, pods }]
    })
  const claim = read(spec, 'storage', 'pvc')
  if (!isFields(claim)) return []
  const place = `${path}.storage.pvc`
  const name = textAt(claim, 'name')
  if (claim.create !== true) return name === undefined ? [] : [{ path: place, name, pods }]
  return [
    {
      path: place,
      pods,
      ...given({
        storageClass: textAt(claim, 'storageClass'),
        size: textAt(claim, 'size'),
        accessMode: textAt(claim, 'volumeAccessMode'),
      }),
    },
  ]
}

function claimOf(object: unknown): ClaimNeed {
  const [accessMode] = listAt(object, 'spec', 'accessModes')
  return {
    path: 'spec',
    pods: 1,
    ...given({
      storageClass: textAt(object, 'spec', 'storageClassName'),
      size: scalarText(read(object, 'spec', 'resources', 'requests', 'storage')),
      accessMode: scalarText(accessMode),
    }),
  }
}

function given(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

const dockerConfig = 'kubernetes.io/dockerconfigjson'

function secretNeeds(workload: Workload): SecretNeed[] {
  const { form, path, spec } = workload
  const ofEnvironment = referencesIn(workload, {
    from: 'secretRef',
    key: 'secretKeyRef',
    volume: ['secret', 'secretName'],
  })
  if (form === 'pod')
    return [...ofEnvironment, ...pullSecrets(`${path}.imagePullSecrets`, listAt(spec, 'imagePullSecrets'))]
  const sources = ['ngc', 'hf', 'dataStore'].flatMap(source => {
    const place = `${path}.source.${source}`
    const named = (field: string, more: Partial<SecretNeed>) => {
      const name = textAt(spec, 'source', source, field)
      return name === undefined ? [] : [{ path: `${place}.${field}`, name, ...more }]
    }
    return [
      ...named('pullSecret', { type: dockerConfig }),
      ...named('authSecret', source === 'ngc' ? {} : { key: 'HF_TOKEN' }),
    ]
  })
  return [
    ...ofEnvironment,
    ...sources,
    ...pullSecrets(`${path}.image.pullSecrets`, listAt(spec, 'image', 'pullSecrets')),
    ...authSecret(workload),
  ]
}

/** An empty NGC_API_KEY replaces the operator's reference, and the Secret need not exist (reference/kubernetes.md). */
function authSecret(workload: Workload): SecretNeed[] {
  const name = textAt(workload.spec, 'authSecret')
  if (workload.form !== 'nimservice' || name === undefined || mainVariables(workload).has('NGC_API_KEY')) return []
  return [{ path: `${workload.path}.authSecret`, name, key: 'NGC_API_KEY' }]
}

function pullSecrets(path: string, entries: readonly unknown[]): SecretNeed[] {
  return entries.flatMap((entry, index) => {
    const name = typeof entry === 'string' ? entry : textAt(entry, 'name')
    return name === undefined || name === '' ? [] : [{ path: `${path}[${index}]`, name, type: dockerConfig }]
  })
}

function configMapNeeds(workload: Workload): Reference[] {
  const proxy = textAt(workload.spec, 'proxy', 'certConfigMap')
  return [
    ...referencesIn(workload, { from: 'configMapRef', key: 'configMapKeyRef', volume: ['configMap', 'name'] }),
    ...(proxy === undefined ? [] : [{ path: `${workload.path}.proxy.certConfigMap`, name: proxy }]),
  ]
}

/** By variables, whole environments and volumes; what is optional may be missing. */
function referencesIn(
  workload: Workload,
  { from, key, volume }: { from: string; key: string; volume: [string, string] },
): SecretNeed[] {
  const [kind, field] = volume
  const named = (path: string, entry: unknown, nameField = 'name'): SecretNeed[] => {
    const name = textAt(entry, nameField)
    const wanted = textAt(entry, 'key')
    return name === undefined || read(entry, 'optional') === true
      ? []
      : [{ path, name, ...(wanted !== undefined && { key: wanted }) }]
  }
  return [
    ...containersOf(workload).flatMap(({ path, fields }) => [
      ...listAt(fields, 'env').flatMap((entry, index) => named(`${path}.env[${index}]`, read(entry, 'valueFrom', key))),
      ...listAt(fields, 'envFrom').flatMap((entry, index) => named(`${path}.envFrom[${index}]`, read(entry, from))),
    ]),
    ...listAt(workload.spec, 'volumes').flatMap((entry, index) =>
      named(`${workload.path}.volumes[${index}]`, read(entry, kind), field),
    ),
  ]
}

const metricsApis: Record<string, MetricsNeed['api']> = {
  Resource: 'metrics.k8s.io',
  ContainerResource: 'metrics.k8s.io',
  Pods: 'custom.metrics.k8s.io',
  Object: 'custom.metrics.k8s.io',
  External: 'external.metrics.k8s.io',
}

/** Without metrics it scales on CPU. */
function metricsNeeds(path: string, hpa: unknown): MetricsNeed[] {
  if (!isFields(hpa)) return []
  const metrics = listAt(hpa, 'metrics')
  if (metrics.length === 0) return [{ path, api: 'metrics.k8s.io' }]
  return metrics.flatMap((metric, index) => {
    const api = metricsApis[textAt(metric, 'type') ?? '']
    return api === undefined ? [] : [{ path: `${path}.metrics[${index}]`, api }]
  })
}

function textMap(value: unknown): Record<string, string> {
  const fields: Fields = isFields(value) ? value : {}
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])),
  )
}
