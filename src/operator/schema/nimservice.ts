import { affinity, podAffinity } from './affinity.ts'
import { scale } from './autoscaling.ts'
import {
  claimsStay,
  computeDomainName,
  ingressOnce,
  mpiOrRay,
  noReplicasBesideScale,
  noScaleBesideMultiNode,
} from './cel.ts'
import {
  annotations,
  claim,
  container,
  env,
  image,
  labels,
  nodeSelector,
  probe,
  proxy,
  quantities,
  tolerations,
} from './core.ts'
import { draResources } from './dra.ts'
import {
  boolean,
  type Field,
  int32,
  int64,
  integer,
  list,
  map,
  object,
  portNumber,
  quantity,
  required,
  since,
  string,
} from './field.ts'
import { expose } from './networking.ts'

const probeOrNone = object({ enabled: boolean, probe })

/** A duration of Prometheus. */
const duration: Field = {
  ...string,
  pattern: '^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$',
}

const metrics = object({
  enabled: boolean,
  serviceMonitor: object({
    additionalLabels: map(string),
    annotations,
    interval: duration,
    scrapeTimeout: duration,
  }),
})

const multiNode = object(
  {
    backendType: { ...string, default: 'lws', enum: ['lws'] },
    computeDomain: since('3.1.0', object({ create: boolean, name: string }, [computeDomainName])),
    mpi: object({ mpiStartTimeout: { ...integer, required: true, default: 300 } }),
    parallelism: required(object({ pipeline: { ...int32, minimum: 1 }, tensor: { ...int32, minimum: 1 } })),
    ray: since('3.1.1', object({ rayPort: { ...portNumber, required: true, default: 6379 } })),
  },
  [mpiOrRay],
)

const resources = object({
  claims: { ...list(object({ name: required(string), request: string })), uniqueBy: 'name' },
  limits: quantities,
  requests: quantities,
})

const storage = object({
  emptyDir: since('3.0.2', object({ sizeLimit: quantity })),
  hostPath: string,
  nimCache: object({ name: string, profile: string }),
  pvc: claim,
  readOnly: boolean,
  sharedMemorySizeLimit: quantity,
})

const fields = {
  affinity: since('3.0.2', affinity),
  annotations,
  args: list(string),
  authSecret: { ...string, earlier: [{ before: 'main', required: true }] },
  command: list(string),
  draResources,
  env,
  expose,
  groupID: int64,
  image: required(image),
  inferencePlatform: { ...string, default: 'standalone', enum: ['standalone', 'kserve'] },
  initContainers: since('3.1.0', list(container)),
  labels,
  livenessProbe: probeOrNone,
  metrics,
  multiNode,
  nodeSelector,
  podAffinity: { ...podAffinity, deprecated: { since: '3.0.2', use: 'affinity.podAffinity' } },
  priorityClassName: since('3.1.2', string),
  proxy,
  readinessProbe: probeOrNone,
  replicas: {
    ...int32,
    minimum: 0,
    earlier: [
      { before: '3.1.0', minimum: 1 },
      { before: '3.0.2', default: 1, format: undefined },
    ],
  },
  resources,
  runtimeClassName: string,
  scale,
  schedulerName: string,
  sidecarContainers: since('3.1.0', list(container)),
  startupProbe: probeOrNone,
  storage,
  tolerations,
  userID: int64,
} satisfies Record<string, Field>

const rules = [noScaleBesideMultiNode, noReplicasBesideScale, ingressOnce]

/** `spec` of a NIMService: config/crd/bases/apps.nvidia.com_nimservices.yaml, reference/operator.md section 2. */
export const nimServiceSpec = object(fields, [claimsStay, ...rules])

/** `services[].spec` of a NIMPipeline: the same fields, without the rule that looks at the old object. */
export const pipelineServiceSpec = object(fields, rules)
