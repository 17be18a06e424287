import type { Finding } from '../finding.ts'
import { at, objectAt } from '../plain.ts'
import { reporting, type Subject, when } from './rule.ts'

const fails = reporting({ source: 'Kubernetes API: validation of Probe', severity: 'fails' })

const handlers = ['exec', 'grpc', 'httpGet', 'tcpSocket']

/** A probe of one's own replaces the operator's, so it must be whole. */
export function checkProbes({ spec }: Subject): Finding[] {
  return ['livenessProbe', 'readinessProbe', 'startupProbe'].flatMap(name => {
    const probe = objectAt(spec, name, 'probe')
    if (probe === undefined) return []
    const given = handlers.filter(handler => at(probe, handler) !== undefined)
    const successes = at(probe, 'successThreshold')
    return [
      ...when(given.length !== 1, () =>
        fails('probe-one-handler', `${name}.probe`, `must have exactly one of ${handlers.join(', ')}`),
      ),
      ...when(name !== 'readinessProbe' && typeof successes === 'number' && successes > 1, () =>
        fails('probe-success-threshold', `${name}.probe.successThreshold`, 'must be 1'),
      ),
    ]
  })
}
