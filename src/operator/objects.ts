/** An object as `kubectl apply` takes it: plain data, of any kind. */
export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: Metadata
  spec?: object
}

interface Metadata {
  name: string
  namespace?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

export interface PlainVariable {
  name: string
  value: string
}

/** Of a container: its value, or where the node finds it. */
export type EnvVariable = PlainVariable | { name: string; valueFrom: ValueSource }

/** With `optional` the container starts without it, too. */
type ValueSource = { secretKeyRef: KeyReference } | { configMapKeyRef: KeyReference }

interface KeyReference {
  name: string
  key: string
  optional?: true
}

export interface ConfigMap extends KubernetesObject {
  apiVersion: 'v1'
  kind: 'ConfigMap'
  data: Record<string, string>
}

/** The parts of the CRDs that nimctl writes; all fields: reference/crd-fields.md. */
export interface ClaimStorage {
  create: boolean
  name?: string
  storageClass?: string
  /** A quantity, such as `50Gi`. */
  size?: string
  volumeAccessMode?: string
}

export interface NimCache extends KubernetesObject {
  apiVersion: typeof operatorApi
  kind: 'NIMCache'
  spec: {
    source: {
      ngc: {
        modelPuller: string
        pullSecret?: string
        authSecret: string
        model: { profiles: string[] }
      }
    }
    env: EnvVariable[]
    storage: { pvc: ClaimStorage }
    nodeSelector: Record<string, string>
  }
}

/** A further container of the operator's (`NIMContainerSpec`): it has the volumes and the variables of the NIM. */
export interface NimContainer {
  name: string
  image: { repository: string; tag: string; pullPolicy?: string }
  command?: string[]
  args?: string[]
  env?: EnvVariable[]
  workingDir?: string
}

export interface NimService extends KubernetesObject {
  apiVersion: typeof operatorApi
  kind: 'NIMService'
  spec: {
    image: { repository: string; tag: string; pullPolicy: string; pullSecrets?: string[] }
    authSecret?: string
    env: EnvVariable[]
    initContainers?: NimContainer[]
    storage: { nimCache?: { name: string; profile: string }; pvc?: ClaimStorage; emptyDir?: { sizeLimit?: string } }
    replicas: number
    resources: { limits: Record<string, number>; requests: Record<string, number> }
    expose: { service: { type: string; port: number } }
  }
}

/** The only version that any release serves (reference/operator.md, section 1). */
export const operatorApi = 'apps.nvidia.com/v1alpha1'
