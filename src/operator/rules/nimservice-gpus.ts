import type { Finding } from '../finding.ts'
import { at, listAt, objectAt, textAt } from '../plain.ts'
import { quantityValue } from '../quantity.ts'
import { reporting, type Subject, when } from './rule.ts'

export const gpuResource = 'nvidia.com/gpu'

const source = 'k8s-nim-operator addGPUResources in internal/controller/platform/standalone/nimservice.go'
const fails = reporting({ source, severity: 'fails' })
const warning = reporting({ source, severity: 'warning' })
const pods = reporting({ source: 'Kubernetes API: extended resources', severity: 'fails' })
const advice = reporting({ source: 'seed 004: VMware Private AI reference architecture', severity: 'advice' })

/** GPUs stand in both maps or in limits; the operator counts them only for a pinned profile of an NGC cache. */
export function checkGpus({ spec }: Subject): Finding[] {
  const limits = gpusIn(spec, 'limits')
  const requests = gpusIn(spec, 'requests')
  const count = limits ?? requests ?? 0
  const pinned = textAt(spec, 'storage', 'nimCache', 'profile') !== ''
  const otherwise = listAt(spec, 'draResources').length > 0
  return [
    ...when(requests !== undefined && requests !== limits, () =>
      pods(
        'gpus-in-both',
        `resources.limits["${gpuResource}"]`,
        `must be ${requests} like the request: GPUs can't be shared out`,
      ),
    ),
    ...when(pinned && !otherwise && limits === undefined && requests === undefined && hasOneMap(spec), () =>
      fails(
        'gpu-count-crash',
        'resources',
        `must have ${gpuResource} in limits and requests: with one map alone the operator's own count writes into nothing`,
      ),
    ),
    ...when(!pinned && !otherwise && count === 0, () =>
      warning(
        'no-gpu',
        'resources',
        `asks for no ${gpuResource}, and without a pinned profile of a NIMCache the operator adds none`,
      ),
    ),
    ...when(count > 1 && !isOnNvlink(spec), () =>
      advice(
        'multi-gpu-on-vgpu',
        `resources.limits["${gpuResource}"]`,
        'on vGPU needs A100 or H100 with NVLink: L40S with vGPU serves no model on several GPUs',
      ),
    ),
  ]
}

function gpusIn(spec: unknown, map: string): number | undefined {
  return quantityValue(at(spec, 'resources', map, gpuResource))
}

function hasOneMap(spec: unknown): boolean {
  const resources = objectAt(spec, 'resources')
  return (
    resources !== undefined && (at(resources, 'limits') === undefined) !== (at(resources, 'requests') === undefined)
  )
}

/** Whether the nodes are chosen by a product that has NVLink. */
function isOnNvlink(spec: unknown): boolean {
  return /A100|H100|H200|GH200|B200|GB200/.test(textAt(spec, 'nodeSelector', 'nvidia.com/gpu.product'))
}
