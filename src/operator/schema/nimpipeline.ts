import { boolean, int32, list, object, required, string } from './field.ts'
import { pipelineServiceSpec } from './nimservice.ts'

/** `spec` of a NIMPipeline: config/crd/bases/apps.nvidia.com_nimpipelines.yaml, reference/operator.md section 2. */
export const nimPipelineSpec = object({
  services: list(
    object({
      dependencies: list(object({ envName: string, envValue: string, name: required(string), port: required(int32) })),
      enabled: boolean,
      name: string,
      spec: pipelineServiceSpec,
    }),
  ),
})
