import { modelOrDataset, modelOrEndpoint, oneSource, pullerStays } from './cel.ts'
import { claim, container, env, nodeSelector, proxy, tolerations } from './core.ts'
import { boolean, type Field, int64, list, nonEmpty, object, quantity, required, since, string } from './field.ts'

const hub: Record<string, Field> = {
  authSecret: required(nonEmpty),
  datasetName: string,
  modelName: string,
  modelPuller: required(nonEmpty),
  pullSecret: required(nonEmpty),
  revision: nonEmpty,
}

const source = object(
  {
    dataStore: object(
      {
        ...hub,
        endpoint: required({ ...string, pattern: '^https?://.*/v1/hf/?$' }),
        namespace: required({ ...string, default: 'default' }),
      },
      [modelOrDataset],
    ),
    hf: object({ ...hub, endpoint: required({ ...string, pattern: '^https?://.*$' }), namespace: required(nonEmpty) }, [
      modelOrDataset,
    ]),
    ngc: object(
      {
        authSecret: required(string),
        model: object({
          buildable: boolean,
          engine: string,
          gpus: list(object({ ids: list(string), product: string })),
          lora: boolean,
          precision: string,
          profiles: list(string),
          qosProfile: string,
          tensorParallelism: string,
        }),
        modelEndpoint: string,
        modelPuller: required({ ...string, rules: [pullerStays] }),
        pullSecret: string,
      },
      [modelOrEndpoint],
    ),
  },
  [oneSource],
)

/** `spec` of a NIMCache: config/crd/bases/apps.nvidia.com_nimcaches.yaml, reference/operator.md section 2. */
export const nimCacheSpec = object({
  certConfig: {
    ...object({ mountPath: required(string), name: required(string) }),
    deprecated: { use: 'spec.proxy.certConfigMap' },
  },
  env,
  groupID: int64,
  initContainers: since('3.1.0', list(container)),
  nodeSelector,
  proxy,
  resources: object({ cpu: quantity, memory: quantity }),
  runtimeClassName: string,
  source: required(source),
  storage: required(object({ hostPath: { ...string, deprecated: { use: 'spec.storage.pvc' } }, pvc: claim })),
  tolerations,
  userID: int64,
})
