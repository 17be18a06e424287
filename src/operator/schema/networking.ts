import { gatewayOrIngress, inlineOrReferenced, portOfService } from './cel.ts'
import { annotations, container, keySelector, labels, probe } from './core.ts'
import {
  boolean,
  type Field,
  int32,
  integer,
  list,
  nonEmpty,
  number,
  object,
  portNumber,
  required,
  since,
  string,
} from './field.ts'

const backend = object({
  resource: object({ apiGroup: string, kind: required(string), name: required(string) }),
  service: object({ name: required(string), port: object({ name: string, number: int32 }) }),
})

/** IngressSpec of networking.k8s.io/v1. */
const ingressSpec = object({
  defaultBackend: backend,
  ingressClassName: string,
  rules: list(
    object({
      host: string,
      http: object({
        paths: required(list(object({ backend: required(backend), path: string, pathType: required(string) }))),
      }),
    }),
  ),
  tls: list(object({ hosts: list(string), secretName: string })),
})

/** EndpointPickerConfig of the gateway API's inference extension; fields that it does not name are kept. */
const pickerConfig: Field = {
  ...object({
    apiVersion: string,
    data: object({
      sources: required(
        list(
          object({ extractors: required(list(object({ pluginRef: required(string) }))), pluginRef: required(string) }),
        ),
      ),
    }),
    featureGates: list(string),
    kind: string,
    plugins: required(
      list(object({ name: string, parameters: { ...string, format: 'byte' }, type: required(string) })),
    ),
    saturationDetector: object({
      kvCacheUtilThreshold: number,
      metricsStalenessThreshold: string,
      queueDepthThreshold: integer,
    }),
    schedulingProfiles: required(
      list(
        object({
          name: required(string),
          plugins: required(list(object({ pluginRef: required(string), weight: integer }))),
        }),
      ),
    ),
  }),
  open: true,
}

const containerPort = object({
  containerPort: required(int32),
  hostIP: string,
  hostPort: int32,
  name: string,
  protocol: { ...string, default: 'TCP' },
})

const picker = object(
  {
    config: pickerConfig,
    configMapRef: keySelector,
    containerSpec: required(container),
    livenessProbe: probe,
    ports: list(containerPort),
    readinessProbe: probe,
    startupProbe: probe,
  },
  [inlineOrReferenced],
)

/** HTTPBackendRef of gateway.networking.k8s.io/v1, without its filters. */
const backendRef = object(
  {
    group: {
      ...string,
      default: '',
      maxLength: 253,
      pattern: '^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
    },
    kind: {
      ...nonEmpty,
      default: 'Service',
      maxLength: 63,
      pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$',
    },
    name: required({ ...nonEmpty, maxLength: 253 }),
    namespace: { ...nonEmpty, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
    port: portNumber,
    weight: { ...int32, default: 1, minimum: 0, maximum: 1_000_000 },
  },
  [portOfService],
)

const router = object(
  {
    annotations,
    eppConfig: picker,
    gateway: object({
      backendRef,
      grpcRoutesEnabled: { ...boolean, default: false },
      httpRoutesEnabled: { ...boolean, default: true },
      name: required(nonEmpty),
      namespace: required(nonEmpty),
    }),
    hostDomainName: {
      ...nonEmpty,
      maxLength: 63,
      pattern: '^(([a-z0-9][a-z0-9\\-]*[a-z0-9])|[a-z0-9]+\\.)*([a-z]+|xn\\-\\-[a-z0-9]+)\\.?$',
    },
    ingress: object({ ingressClass: required(nonEmpty), tlsSecretName: string }),
  },
  [gatewayOrIngress],
)

export const expose = object({
  ingress: {
    ...object({ annotations, enabled: boolean, spec: ingressSpec }),
    deprecated: { since: '3.1.0', use: 'expose.router.ingress' },
  },
  router: since('3.1.0', router),
  service: object({
    annotations,
    grpcPort: portNumber,
    labels: since('3.1.2', labels),
    metricsPort: portNumber,
    name: string,
    port: { ...portNumber, default: 8000 },
    type: string,
  }),
})
