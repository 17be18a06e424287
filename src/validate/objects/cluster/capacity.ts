import { valueOf } from '../../../kubernetes/objects.ts'
import { quantityValue } from '../../../operator/quantity.ts'
import { read, textAt } from '../../../system/json.ts'
import { listAt } from '../workload.ts'
import { forbiddenVerdict, type Look, type Verdict } from './look.ts'

/** The APIs that serve the metrics which autoscalers name. */
export async function checkMetrics({ cluster, subjects, signal }: Look): Promise<Verdict[]> {
  const wanted = subjects.flatMap(({ needs, label }) =>
    needs.metrics.map(({ path, api }) => ({ path: label(path), api })),
  )
  if (wanted.length === 0) return []
  const services = await cluster.listObjects(
    { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', allNamespaces: true },
    signal,
  )
  return wanted.map(({ path, api }) => {
    const about = { name: 'objects.metrics', path, expected: `the API ${api}` }
    if (services.answer === 'forbidden') return forbiddenVerdict(about, services)
    const found = (valueOf(services) ?? []).filter(service => textAt(service, 'spec', 'group') === api)
    const available = found.some(service =>
      listAt(service, 'status', 'conditions').some(
        condition => textAt(condition, 'type') === 'Available' && textAt(condition, 'status') === 'True',
      ),
    )
    if (available) return { ...about, status: 'ok', found: 'available' } satisfies Verdict
    const next =
      api === 'metrics.k8s.io'
        ? 'metrics-server serves it.'
        : 'An adapter serves it, such as prometheus-adapter with the metrics of DCGM and of the NIM.'
    return {
      ...about,
      status: 'failed',
      found: found.length === 0 ? 'none' : 'one that is not available',
      next: `Without it the autoscaler does nothing: ${next}`,
    } satisfies Verdict
  })
}

/** Whether the namespaces' quotas leave room for what the objects ask for. Pods that run already are counted by the cluster. */
export async function checkQuotas({ cluster, subjects, signal }: Look): Promise<Verdict[]> {
  const namespaces = [...new Set(subjects.map(({ namespace }) => namespace))]
  const verdicts: Verdict[] = []
  for (const namespace of namespaces) {
    const about = { name: 'objects.quota', path: namespace, expected: 'room for what is asked' }
    const quotas = await cluster.listObjects({ apiVersion: 'v1', kind: 'ResourceQuota', namespace }, signal)
    if (quotas.answer === 'forbidden') verdicts.push(forbiddenVerdict(about, quotas))
    const asked = askedIn(subjects.filter(subject => subject.namespace === namespace))
    for (const quota of valueOf(quotas) ?? []) {
      const full = Object.entries(asked).flatMap(([resource, amount]) => overdrawn(quota, resource, amount))
      const name = `${namespace}/${quota.metadata.name}`
      verdicts.push(
        full.length === 0
          ? { ...about, path: name, status: 'ok', found: 'there is room' }
          : {
              ...about,
              path: name,
              status: 'failed',
              found: full.join('; '),
              next: `Ask for more, or end something else: kubectl -n ${namespace} describe quota`,
            },
      )
    }
  }
  return verdicts
}

function askedIn(subjects: Look['subjects']): Record<string, number> {
  const pods = subjects.flatMap(({ needs }) => needs.pods)
  const claims = subjects.flatMap(({ needs }) => needs.claims).filter(({ name }) => name === undefined)
  return {
    'requests.nvidia.com/gpu': pods.reduce((sum, { gpus, pods: count }) => sum + gpus * count, 0),
    pods: pods.reduce((sum, { pods: count }) => sum + count, 0),
    persistentvolumeclaims: claims.length,
    'requests.storage': claims.reduce((sum, { size }) => sum + (quantityValue(size) ?? 0), 0),
  }
}

function overdrawn(quota: unknown, resource: string, amount: number): string[] {
  const hard = textAt(quota, 'status', 'hard', resource) ?? textAt(quota, 'spec', 'hard', resource)
  const used = quantityValue(read(quota, 'status', 'used', resource)) ?? 0
  const limit = quantityValue(hard)
  if (limit === undefined || amount === 0 || used + amount <= limit) return []
  return [
    `${resource}: ${textAt(quota, 'status', 'used', resource) ?? 0} of ${hard} are taken, and ${amount} are asked for`,
  ]
}
