import type { Finding } from '../finding.ts'
import { at, objectAt, textAt } from '../plain.ts'
import { isFrom } from '../versions.ts'
import {
  nimServiceRefused as refused,
  nimServiceRoot as root,
  nimServiceWarning as warning,
} from './nimservice-report.ts'
import { type Subject, when } from './rule.ts'

/** What the NIMService webhook says of `expose`. */
export function checkExpose({ spec, version }: Subject): Finding[] {
  const expose = objectAt(spec, 'expose')
  return isFrom(version, '3.1.0') ? [...checkRouter(expose), ...checkIngress(expose)] : checkOldIngress(expose)
}

function checkRouter(expose: unknown): Finding[] {
  const ingress = at(expose, 'router', 'ingress') !== undefined
  const gateway = at(expose, 'router', 'gateway') !== undefined
  const grpc = at(expose, 'router', 'gateway', 'grpcRoutesEnabled') === true
  return [
    ...when((ingress || gateway) && textAt(expose, 'router', 'hostDomainName') === '', () =>
      refused('router-needs-host', 'expose.router.hostDomainName', 'Required value: is required'),
    ),
    ...when(grpc && at(expose, 'service', 'grpcPort') === undefined, () =>
      refused(
        'grpc-route-needs-port',
        'expose.service.grpcPort',
        'Required value: must be set when .spec.expose.router.gateway.grpcRoutesEnabled is true',
      ),
    ),
    ...when(textAt(expose, 'service', 'type') === 'LoadBalancer' && (ingress || gateway), () =>
      warning(
        'two-entry-points',
        'expose.service.type',
        'spec.expose.service.type is set to LoadBalancer, but spec.expose.router.gateway or spec.expose.router.ingress is also set. This creates two entry points for the service. Consider only using one of them.',
      ),
    ),
  ]
}

function checkIngress(expose: unknown): Finding[] {
  return when(at(expose, 'ingress', 'enabled') === true, () =>
    warning(
      'ingress-deprecated',
      'expose.ingress',
      '.spec.expose.ingress is deprecated, use .spec.expose.router instead.',
    ),
  )
}

/** Up to 3.0.2 an enabled ingress needed its `spec`. */
function checkOldIngress(expose: unknown): Finding[] {
  const ingress = objectAt(expose, 'ingress')
  return when(at(ingress, 'enabled') === true && Object.keys(objectAt(ingress, 'spec') ?? {}).length === 0, () =>
    refused(
      'ingress-needs-spec',
      'expose.ingress.spec',
      `Required value: must be defined if ${root}.expose.ingress.enabled is true`,
    ),
  )
}
