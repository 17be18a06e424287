import { type Command, Option } from 'commander'

import { serviceTypes, type ServingRequest } from '../../../emit/nimservice/serving.ts'
import { addGroup, named } from './group.ts'
import { collectPair, parseNamespacedName, parsePort } from './parsers.ts'

export interface ServingNetworkFlags {
  port: number
  serviceType?: (typeof serviceTypes)[number]
  serviceName?: string
  grpcPort?: number
  metricsPort?: number
  serviceLabel?: Record<string, string>
  serviceAnnotation?: Record<string, string>
  host?: string
  ingressClass?: string
  tlsSecret?: string
  gateway?: { namespace: string; name: string }
  httpRoutes?: boolean
  grpcRoutes?: true
  routerAnnotation?: Record<string, string>
  serviceMonitorLabel?: Record<string, string>
  serviceMonitorAnnotation?: Record<string, string>
  scrapeInterval?: string
  scrapeTimeout?: string
}

/** How pods are asked, and measured. */
export function addServingNetworkOptions(command: Command): Command {
  addGroup(command, 'Service:', [
    new Option('--port <n>', 'of the service').default(8000).argParser(parsePort),
    new Option('--grpc-port <n>', 'of the service, for NIMs that speak gRPC').argParser(parsePort),
    new Option('--metrics-port <n>', 'of the service, where metrics have one of their own').argParser(parsePort),
    new Option('--service-type <type>', '(default: ClusterIP)').choices(serviceTypes),
    new Option('--service-name <name>', '(default: that of the NIMService)'),
    new Option('--service-label <key=value>', 'of the service; may be repeated (operator 3.1.2)').argParser(
      collectPair('team=ml'),
    ),
    new Option('--service-annotation <key=value>', 'of the service; may be repeated').argParser(
      collectPair('metallb.io/address-pool=inside'),
    ),
  ])
  addGroup(command, 'From outside the cluster:', [
    new Option('--host <name>', 'that the NIM is asked by'),
    new Option('--ingress-class <name>', 'makes an Ingress'),
    new Option('--tls-secret <name>', 'its certificate: a Secret of type kubernetes.io/tls'),
    new Option('--gateway <namespace/name>', 'makes routes of this Gateway (operator 3.1.0)').argParser(
      parseNamespacedName,
    ),
    new Option('--no-http-routes', 'with --gateway: none for HTTP'),
    new Option('--grpc-routes', 'with --gateway: one for gRPC (needs --grpc-port)'),
    new Option('--router-annotation <key=value>', 'of the Ingress or the routes; may be repeated').argParser(
      collectPair('nginx.ingress.kubernetes.io/proxy-read-timeout=600'),
    ),
  ])
  return addGroup(command, 'Metrics:', [
    new Option('--service-monitor-label <key=value>', 'makes a ServiceMonitor that has it; may be repeated').argParser(
      collectPair('release=kube-prometheus-stack'),
    ),
    new Option('--service-monitor-annotation <key=value>', 'of the ServiceMonitor; may be repeated').argParser(
      collectPair('team=ml'),
    ),
    new Option('--scrape-interval <duration>', 'of the ServiceMonitor, such as 30s'),
    new Option('--scrape-timeout <duration>', 'of the ServiceMonitor, such as 10s'),
  ])
}

type NetworkPart = Pick<ServingRequest, 'port' | 'service' | 'router' | 'metrics'>

export function servingNetworkFrom(flags: ServingNetworkFlags): NetworkPart {
  return {
    port: flags.port,
    ...named('service', {
      type: flags.serviceType,
      name: flags.serviceName,
      grpcPort: flags.grpcPort,
      metricsPort: flags.metricsPort,
      labels: flags.serviceLabel,
      annotations: flags.serviceAnnotation,
    }),
    ...named('router', {
      host: flags.host,
      ingressClass: flags.ingressClass,
      tlsSecret: flags.tlsSecret,
      gateway: flags.gateway,
      // Commander's default of a --no- flag is true.
      httpRoutes: flags.httpRoutes === false ? false : undefined,
      grpcRoutes: flags.grpcRoutes,
      annotations: flags.routerAnnotation,
    }),
    ...named('metrics', {
      labels: flags.serviceMonitorLabel,
      annotations: flags.serviceMonitorAnnotation,
      interval: flags.scrapeInterval,
      scrapeTimeout: flags.scrapeTimeout,
    }),
  }
}
