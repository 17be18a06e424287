import type { Finding } from '../finding.ts'
import { at, listAt, objectAt, textAt } from '../plain.ts'
import { reporting, type Subject, when } from './rule.ts'

const hpa = reporting({ source: 'Kubernetes API: HorizontalPodAutoscaler of autoscaling/v2', severity: 'fails' })
const article = { source: 'seed 004: VMware Private AI reference architecture' }
const warning = reporting({ ...article, severity: 'warning' })

/** The field of a metric that its `type` names. */
const metricFields: Record<string, string> = {
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
  External: 'external',
}

/** An HPA is made of `scale.hpa` as it is; without metrics Kubernetes scales on CPU, which says nothing of a GPU. */
export function checkScaling({ spec }: Subject): Finding[] {
  if (at(spec, 'scale', 'enabled') !== true) return []
  const scaler = objectAt(spec, 'scale', 'hpa')
  const metrics = listAt(scaler, 'metrics')
  const [least, most] = [at(scaler, 'minReplicas'), at(scaler, 'maxReplicas')]
  return [
    ...when(typeof most === 'number' && typeof least === 'number' && most < least, () =>
      hpa('hpa-bounds', 'scale.hpa.maxReplicas', `must be at least minReplicas, ${String(least)}`),
    ),
    ...when(typeof most === 'number' && most < 1, () =>
      hpa('hpa-maximum', 'scale.hpa.maxReplicas', 'must be at least 1'),
    ),
    ...metrics.flatMap((metric, index) => checkMetric(metric, `scale.hpa.metrics[${index}]`)),
    ...when(scaler !== undefined && metrics.length === 0, () =>
      warning(
        'hpa-without-metrics',
        'scale.hpa.metrics',
        'is empty, so Kubernetes scales on CPU, which says nothing of a model on a GPU: name a metric such as gpu_cache_usage_perc',
      ),
    ),
  ]
}

function checkMetric(metric: unknown, path: string): Finding[] {
  const type = textAt(metric, 'type')
  const field = metricFields[type]
  if (field === undefined)
    return [hpa('hpa-metric-type', `${path}.type`, `"${type}" must be one of ${Object.keys(metricFields).join(', ')}`)]
  if (at(metric, field) === undefined)
    return [hpa('hpa-metric-source', `${path}.${field}`, `is required for type ${type}`)]
  return when(textAt(metric, field, 'name') === 'cpu', () =>
    warning(
      'hpa-on-cpu',
      `${path}.${field}.name`,
      'cpu says nothing of a model on a GPU: scale on a GPU or NIM metric',
    ),
  )
}
