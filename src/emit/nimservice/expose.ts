import { checkReferredName } from '../../operator/names.ts'
import { isFrom, type OperatorVersion } from '../../operator/versions.ts'
import { NimctlError } from '../../system/errors.ts'
import { requireSince } from '../since.ts'
import type { MetricsRequest, RouterRequest, ServingRequest } from './serving.ts'

interface Place {
  name: string
  version: OperatorVersion
}

type Expose = { service: { type: string; port: number; [field: string]: unknown }; [field: string]: unknown }

/**
 * The Service, and the way in from outside. `port` is always written: the CRD's default applies only where `service` is
 * there, and the operator reads it without looking (reference/operator.md, section 4).
 *
 * @throws NimctlError `usage` / `ROUTER_INVALID`, `OPERATOR_TOO_OLD`.
 */
export function exposeFields({ port, service = {}, router }: ServingRequest, place: Place): Expose {
  const { type = 'ClusterIP', name, grpcPort, metricsPort, labels, annotations } = service
  if (labels !== undefined)
    requireSince(place.version, '3.1.2', {
      field: '--service-label',
      next: `Label the Service by hand: kubectl label service ${place.name} KEY=VALUE, or use --service-annotation`,
    })
  if (router?.grpcRoutes === true && grpcPort === undefined)
    throw routerInvalid(
      '--grpc-routes needs --grpc-port.',
      'A route leads to a port of the Service.',
      '--grpc-port 50051',
    )
  return {
    service: {
      type,
      ...(name !== undefined && { name }),
      port,
      ...(grpcPort !== undefined && { grpcPort }),
      ...(metricsPort !== undefined && { metricsPort }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    },
    ...routerFields(router, { ...place, port, serviceName: name ?? place.name }),
  }
}

interface RouterPlace extends Place {
  port: number
  serviceName: string
}

function routerFields(router: RouterRequest | undefined, place: RouterPlace): object {
  if (router === undefined || Object.keys(router).length === 0) return {}
  const { host, ingressClass, gateway, tlsSecret, httpRoutes, grpcRoutes, annotations } = router
  if ((ingressClass === undefined) === (gateway === undefined))
    throw routerInvalid(
      'A way in from outside is an Ingress or a Gateway, one of them.',
      'The operator makes no other.',
      '--ingress-class nginx or --gateway NAMESPACE/NAME',
    )
  if (host === undefined)
    throw routerInvalid(
      'The way in from outside has no name.',
      'The operator wants a host.',
      '--host llama.example.com',
    )
  if (tlsSecret !== undefined) checkReferredName('Secret', tlsSecret)
  if (gateway !== undefined) {
    if (tlsSecret !== undefined)
      throw routerInvalid(
        '--tls-secret is of an Ingress.',
        'A Gateway has its certificate itself.',
        '--ingress-class nginx',
      )
    requireSince(place.version, '3.1.0', {
      field: '--gateway',
      next: `Use --ingress-class, or write an HTTPRoute to the Service ${place.serviceName}, port ${place.port}, yourself`,
    })
    const routes = { httpRoutesEnabled: httpRoutes ?? true, grpcRoutesEnabled: grpcRoutes ?? false }
    return { router: { hostDomainName: host, ...(annotations && { annotations }), gateway: { ...gateway, ...routes } } }
  }
  if (httpRoutes !== undefined || grpcRoutes !== undefined)
    throw routerInvalid('Routes are of a Gateway.', 'An Ingress has none.', '--gateway NAMESPACE/NAME')
  if (!isFrom(place.version, '3.1.0')) return { ingress: olderIngress(router, place) }
  const ingress = { ingressClass, ...(tlsSecret !== undefined && { tlsSecretName: tlsSecret }) }
  return { router: { hostDomainName: host, ...(annotations && { annotations }), ingress } }
}

/** What the operator makes of `expose.router.ingress` itself, for versions without it; deprecated from 3.1.0. */
function olderIngress({ host, ingressClass, tlsSecret, annotations }: RouterRequest, place: RouterPlace): object {
  const backend = { service: { name: place.serviceName, port: { number: place.port } } }
  return {
    enabled: true,
    ...(annotations && { annotations }),
    spec: {
      ingressClassName: ingressClass,
      ...(tlsSecret !== undefined && { tls: [{ hosts: [host], secretName: tlsSecret }] }),
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
    },
  }
}

const duration = /^(\d+(ms|[smhd]))+$/

/** @throws NimctlError `usage` / `INTERVAL_INVALID`. */
export function metricsFields(metrics: MetricsRequest | undefined): { metrics?: object } {
  if (metrics === undefined || Object.keys(metrics).length === 0) return {}
  const { labels, annotations, interval, scrapeTimeout } = metrics
  for (const text of [interval, scrapeTimeout])
    if (text !== undefined && !duration.test(text)) throw intervalInvalid(text)
  const serviceMonitor = {
    ...(labels && { additionalLabels: labels }),
    ...(annotations && { annotations }),
    ...(interval !== undefined && { interval }),
    ...(scrapeTimeout !== undefined && { scrapeTimeout }),
  }
  return { metrics: { enabled: true, serviceMonitor } }
}

function intervalInvalid(text: string): NimctlError {
  return new NimctlError('usage', 'INTERVAL_INVALID', {
    what: `"${text}" is no interval as Prometheus writes it.`,
    next: 'Such as: --scrape-interval 30s',
  })
}

function routerInvalid(what: string, why: string, next: string): NimctlError {
  return new NimctlError('usage', 'ROUTER_INVALID', { what, why, next: `Give ${next}` })
}
