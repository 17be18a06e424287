import { specStays } from './cel.ts'
import { annotations, env, image, labels, nodeSelector, quantities, tolerations } from './core.ts'
import { object, required, string } from './field.ts'

/** `spec` of a NIMBuild: config/crd/bases/apps.nvidia.com_nimbuilds.yaml, reference/operator.md section 2. */
export const nimBuildSpec = object(
  {
    annotations,
    env,
    image: required(image),
    labels,
    modelName: string,
    nimCache: required(object({ name: required(string), profile: string })),
    nodeSelector,
    resources: object({ limits: quantities, requests: quantities }),
    tolerations,
  },
  [specStays],
)
