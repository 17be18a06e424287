import { annotations, labelSelector } from './core.ts'
import { boolean, int32, list, object, quantity, required, string } from './field.ts'

const target = object({
  averageUtilization: int32,
  averageValue: quantity,
  type: required(string),
  value: quantity,
})

const metric = object({ name: required(string), selector: labelSelector })

/** MetricSpec of autoscaling/v2. */
const metrics = list(
  object({
    containerResource: object({ container: required(string), name: required(string), target: required(target) }),
    external: object({ metric: required(metric), target: required(target) }),
    object: object({
      describedObject: required(object({ apiVersion: string, kind: required(string), name: required(string) })),
      metric: required(metric),
      target: required(target),
    }),
    pods: object({ metric: required(metric), target: required(target) }),
    resource: object({ name: required(string), target: required(target) }),
    type: required(string),
  }),
)

const scalingRules = object({
  policies: list(object({ periodSeconds: required(int32), type: required(string), value: required(int32) })),
  selectPolicy: string,
  stabilizationWindowSeconds: int32,
  tolerance: quantity,
})

export const scale = object({
  annotations,
  enabled: boolean,
  hpa: object({
    behavior: object({ scaleDown: scalingRules, scaleUp: scalingRules }),
    maxReplicas: required(int32),
    metrics,
    minReplicas: {
      ...int32,
      default: 1,
      minimum: 1,
      earlier: [{ before: '3.0.2', default: undefined, minimum: undefined }],
    },
  }),
})
