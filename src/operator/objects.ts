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
  subPath?: string
  annotations?: Record<string, string>
}

/** Chooses profiles; all but `lora` and `buildable` are text. */
export interface ModelFields {
  profiles?: string[]
  precision?: string
  engine?: string
  tensorParallelism?: string
  qosProfile?: string
  gpus?: { product: string; ids?: string[] }[]
  lora?: boolean
  buildable?: boolean
}

export interface NgcSource {
  modelPuller: string
  pullSecret?: string
  authSecret: string
  model?: ModelFields
  modelEndpoint?: string
}

/** Of Hugging Face's hub, or of a NeMo Data Store that speaks like it. */
export interface HubSource {
  endpoint: string
  namespace: string
  modelName?: string
  datasetName?: string
  revision?: string
  authSecret: string
  modelPuller: string
  pullSecret: string
}

export interface NimCache extends KubernetesObject {
  apiVersion: typeof operatorApi
  kind: 'NIMCache'
  spec: {
    source: { ngc?: NgcSource; hf?: HubSource; dataStore?: HubSource }
    env?: EnvVariable[]
    storage: { pvc: ClaimStorage }
    nodeSelector: Record<string, string>
    [field: string]: unknown
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
    env?: EnvVariable[]
    initContainers?: NimContainer[]
    storage: {
      nimCache?: { name: string; profile?: string }
      pvc?: ClaimStorage
      emptyDir?: { sizeLimit?: string }
      hostPath?: string
      readOnly?: boolean
      sharedMemorySizeLimit?: string
    }
    replicas?: number
    resources?: { limits: Record<string, number | string>; requests: Record<string, number | string> }
    expose: { service: { type: string; port: number; [field: string]: unknown }; [field: string]: unknown }
    [field: string]: unknown
  }
}

/** The only version that any release serves (reference/operator.md, section 1). */
export const operatorApi = 'apps.nvidia.com/v1alpha1'
