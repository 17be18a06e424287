import { NimctlError } from '../../system/errors.ts'
import { emitted, type EmitResult } from '../result.ts'
import type { ScaleRequest, ServingRequest } from './serving.ts'

export interface ScaleFields extends EmitResult {
  fields: { replicas?: number; scale?: object }
}

/**
 * A number of pods, or an autoscaler with what it is to look at; never both, which the CRD refuses.
 *
 * @throws NimctlError `usage` / `REPLICAS_AND_SCALE`, `HPA_INCOMPLETE`, `HPA_WITHOUT_METRICS`, `HPA_METRIC_INVALID`.
 */
export function scaleFields({ replicas, scale, multiNode }: ServingRequest, serviceName: string): ScaleFields {
  if (scale === undefined || Object.keys(scale).length === 0)
    return { ...emitted({}), fields: { replicas: replicas ?? 1 } }
  if (replicas !== undefined) throw replicasAndScale()
  if (multiNode !== undefined) throw multiNodeAndScale()
  const { minReplicas, maxReplicas, metrics = [], annotations } = scale
  if (maxReplicas === undefined || (minReplicas ?? 1) > maxReplicas) throw incomplete(scale)
  if (metrics.length === 0) throw withoutMetrics()
  const hpa = {
    minReplicas: minReplicas ?? 1,
    maxReplicas,
    metrics: metrics.map(text => parseHpaMetric(text, serviceName)),
  }
  const fields = { scale: { enabled: true, ...(annotations && { annotations }), hpa } }
  return { ...emitted({ warnings: metrics.flatMap(cpuWarning) }), fields }
}

/**
 * What an autoscaler looks at, as `[KIND/]NAME=VALUE`:
 * `gpu_cache_usage_perc=0.5` or `object/…` of the Service as a whole, as in the operator's samples; `pods/NAME=VALUE` on
 * average over the pods; `external/NAME=VALUE`; `resource/cpu=80%` or `resource/memory=20Gi` of the pods;
 * `container/CONTAINER/cpu=80%` of one container.
 */
function parseHpaMetric(text: string, serviceName: string): object {
  const [, path = '', value = ''] = /^([^=]+)=(.+)$/.exec(text) ?? []
  const [kind, name, part] = path.includes('/') ? path.split('/') : ['object', path]
  const metric = { metric: { name } }
  if (name === undefined || name === '' || !amount.test(value)) throw metricInvalid(text)
  if (part !== undefined && kind !== 'container') throw metricInvalid(text)
  switch (kind) {
    case 'object':
      return {
        type: 'Object',
        object: {
          ...metric,
          describedObject: { apiVersion: 'v1', kind: 'Service', name: serviceName },
          target: { type: 'Value', value: quantity(text, value) },
        },
      }
    case 'pods':
      return { type: 'Pods', pods: { ...metric, target: averageValue(quantity(text, value)) } }
    case 'external':
      return { type: 'External', external: { ...metric, target: averageValue(quantity(text, value)) } }
    case 'resource':
      return { type: 'Resource', resource: { name, target: resourceTarget(value) } }
    case 'container':
      if (part === undefined) throw metricInvalid(text)
      return {
        type: 'ContainerResource',
        containerResource: { container: name, name: part, target: resourceTarget(value) },
      }
    default:
      throw metricInvalid(text)
  }
}

const amount = /^\d+(\.\d+)?(%|m|[kMGTPE]i?)?$/

function averageValue(value: string): object {
  return { type: 'AverageValue', averageValue: value }
}

function resourceTarget(value: string): object {
  return value.endsWith('%')
    ? { type: 'Utilization', averageUtilization: Number.parseInt(value, 10) }
    : averageValue(value)
}

function quantity(text: string, value: string): string {
  if (value.endsWith('%')) throw metricInvalid(text)
  return value
}

/** Seed 004: a GPU pod can be saturated at 12 percent CPU. */
function cpuWarning(text: string): string[] {
  if (!/^(resource|container\/[^/]+)\/cpu=/.test(text)) return []
  return [
    `${text}: a NIM can be busy at little CPU. Scale on what it serves, such as --hpa-metric gpu_cache_usage_perc=0.5`,
  ]
}

function replicasAndScale(): NimctlError {
  return new NimctlError('usage', 'REPLICAS_AND_SCALE', {
    what: '--replicas and an autoscaler exclude each other.',
    why: 'The CRD refuses spec.replicas beside spec.scale.enabled.',
    next: 'Leave out --replicas, or the flags --min-replicas, --max-replicas, --hpa-metric and --hpa-annotation.',
  })
}

function multiNodeAndScale(): NimctlError {
  return new NimctlError('usage', 'MULTI_NODE_AND_SCALE', {
    what: 'A NIMService over several nodes has no autoscaler.',
    why: 'The CRD refuses spec.scale.enabled beside spec.multiNode.',
    next: 'Give a number: --replicas N',
  })
}

function incomplete({ minReplicas, maxReplicas }: ScaleRequest): NimctlError {
  return new NimctlError('usage', 'HPA_INCOMPLETE', {
    what: 'An autoscaler needs a highest number of pods that is not below the lowest.',
    why: maxReplicas === undefined ? undefined : `Given were ${minReplicas} and ${maxReplicas}.`,
    next: 'Such as: --min-replicas 1 --max-replicas 4 --hpa-metric gpu_cache_usage_perc=0.5',
  })
}

function withoutMetrics(): NimctlError {
  return new NimctlError('usage', 'HPA_WITHOUT_METRICS', {
    what: 'Nothing says what the autoscaler looks at.',
    why: 'Without metrics Kubernetes takes 80 % CPU, which says little about a NIM: a busy GPU needs few cores.',
    next: 'Such as: --hpa-metric gpu_cache_usage_perc=0.5, where a custom metrics API has it',
  })
}

function metricInvalid(text: string): NimctlError {
  return new NimctlError('usage', 'HPA_METRIC_INVALID', {
    what: `"${text}" is no metric with a target.`,
    why: 'It is [KIND/]NAME=VALUE; KIND is object, pods, external, resource or container/CONTAINER.',
    next: 'Such as: gpu_cache_usage_perc=0.5, pods/num_requests_running=20 or resource/memory=20Gi',
  })
}
