import { expressionsAlone, oneClaimSource } from './cel.ts'
import { boolean, type Field, int32, list, nonEmpty, object, quantity, required, string } from './field.ts'

/** The CRD's pattern has no `$`: what follows a right beginning is let through. */
const dnsName = { maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*' }

const short: Field = { ...string, maxLength: 64 }

const comparison: Field = {
  ...string,
  required: true,
  default: 'Equal',
  enum: ['Equal', 'NotEqual', 'GreaterThan', 'GreaterThanOrEqual', 'LessThan', 'LessThanOrEqual'],
}

const device = object(
  {
    attributeSelectors: list(
      object({
        key: required(short),
        op: comparison,
        value: object({ boolValue: boolean, intValue: int32, stringValue: short, versionValue: short }),
      }),
    ),
    capacitySelectors: list(object({ key: required(short), op: comparison, value: required(quantity) })),
    celExpressions: list(string),
    count: { ...int32, required: true, default: 1 },
    deviceClassName: { ...string, required: true, default: 'gpu.nvidia.com' },
    driverName: { ...string, ...dnsName, default: 'gpu.nvidia.com' },
    name: required({ ...nonEmpty, ...dnsName }),
  },
  [expressionsAlone],
)

export const draResources = list(
  object(
    {
      claimCreationSpec: object({ devices: required(list(device)), generateName: { ...nonEmpty, maxLength: 16 } }),
      requests: list(nonEmpty),
      resourceClaimName: { ...nonEmpty, ...dnsName },
      resourceClaimTemplateName: { ...nonEmpty, ...dnsName },
    },
    [oneClaimSource],
  ),
)
