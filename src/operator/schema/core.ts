import { boolean, int32, int64, list, map, object, port, quantity, required, since, string } from './field.ts'

/** Shapes of core/v1 that several kinds take over (k8s.io/api of the operator's go.mod), each written once. */
export const labels = map(string)
export const annotations = map(string)
export const nodeSelector = map(string)
export const quantities = map(quantity)

export const keySelector = object({ key: required(string), name: { ...string, default: '' }, optional: boolean })

export const env = list(
  object({
    name: required(string),
    value: string,
    valueFrom: object({
      configMapKeyRef: keySelector,
      fieldRef: object({ apiVersion: string, fieldPath: required(string) }),
      fileKeyRef: since(
        '3.1.0',
        object({
          key: required(string),
          optional: { ...boolean, default: false },
          path: required(string),
          volumeName: required(string),
        }),
      ),
      resourceFieldRef: object({ containerName: string, divisor: quantity, resource: required(string) }),
      secretKeyRef: keySelector,
    }),
  }),
)

export const tolerations = list(
  object({ effect: string, key: string, operator: string, tolerationSeconds: int64, value: string }),
)

export const image = object({
  pullPolicy: string,
  pullSecrets: list(string),
  repository: required(string),
  tag: required(string),
})

/** The operator's own container: no volumes, no resources, no security context. */
export const container = object({
  args: list(string),
  command: list(string),
  env,
  image: required(image),
  name: required(string),
  workingDir: string,
})

export const probe = object({
  exec: object({ command: list(string) }),
  failureThreshold: int32,
  grpc: object({ port: required(int32), service: { ...string, default: '' } }),
  httpGet: object({
    host: string,
    httpHeaders: list(object({ name: required(string), value: required(string) })),
    path: string,
    port: required(port),
    scheme: string,
  }),
  initialDelaySeconds: int32,
  periodSeconds: int32,
  successThreshold: int32,
  tcpSocket: object({ host: string, port: required(port) }),
  terminationGracePeriodSeconds: int64,
  timeoutSeconds: int32,
})

export const labelSelector = object({
  matchExpressions: list(object({ key: required(string), operator: required(string), values: list(string) })),
  matchLabels: map(string),
})

/** The operator's shapes that more than one of its kinds has. */
export const proxy = object({ certConfigMap: string, httpProxy: string, httpsProxy: string, noProxy: string })

export const claim = object({
  annotations,
  create: boolean,
  name: string,
  size: string,
  storageClass: string,
  subPath: string,
  volumeAccessMode: string,
})
