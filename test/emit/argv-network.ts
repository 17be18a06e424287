import { metricFlags, type Row, serviceRow } from './argv-row.ts'

/** How many pods of a NIMService there are, and how they are asked and measured. */
export const networkRows: Row[] = [
  serviceRow(['--min-replicas', '2', ...metricFlags('gpu_cache_usage_perc=0.5'), '--hpa-annotation', 'a=b'], {
    scale: {
      enabled: true,
      annotations: { a: 'b' },
      hpa: {
        minReplicas: 2,
        maxReplicas: 4,
        metrics: [{ type: 'Object', object: { target: { type: 'Value', value: '0.5' } } }],
      },
    },
  }),
  serviceRow(
    [...metricFlags('pods/running=20'), '--hpa-metric', 'external/queue=30', '--hpa-metric', 'resource/memory=20Gi'],
    {
      scale: { hpa: { minReplicas: 1, metrics: [{ type: 'Pods' }, { type: 'External' }, { type: 'Resource' }] } },
    },
  ),
  serviceRow([...metricFlags('container/nim/cpu=80%')], {
    scale: { hpa: { metrics: [{ containerResource: { target: { type: 'Utilization', averageUtilization: 80 } } }] } },
  }),
  serviceRow(
    [
      '--port',
      '9000',
      '--grpc-port',
      '50051',
      '--metrics-port',
      '8002',
      '--service-type',
      'NodePort',
      '--service-name',
      'chat',
      '--service-annotation',
      'a=b',
    ],
    {
      expose: {
        service: {
          type: 'NodePort',
          name: 'chat',
          port: 9000,
          grpcPort: 50051,
          metricsPort: 8002,
          annotations: { a: 'b' },
        },
      },
    },
  ),
  serviceRow(['--service-label', 'a=b'], { expose: { service: { labels: { a: 'b' } } } }, { since: '3.1.2' }),
  serviceRow(
    [
      '--host',
      'llama.example.com',
      '--gateway',
      'istio/inside',
      '--no-http-routes',
      '--grpc-routes',
      '--grpc-port',
      '50051',
      '--router-annotation',
      'a=b',
    ],
    {
      expose: {
        router: {
          hostDomainName: 'llama.example.com',
          annotations: { a: 'b' },
          gateway: { namespace: 'istio', name: 'inside', httpRoutesEnabled: false, grpcRoutesEnabled: true },
        },
      },
    },
    { since: '3.1.0' },
  ),
  serviceRow(['--host', 'llama.example.com', '--ingress-class', 'nginx', '--tls-secret', 'llama-tls'], {}),
  serviceRow(
    [
      '--service-monitor-label',
      'release=prometheus',
      '--service-monitor-annotation',
      'a=b',
      '--scrape-interval',
      '30s',
      '--scrape-timeout',
      '10s',
    ],
    {
      metrics: {
        enabled: true,
        serviceMonitor: {
          additionalLabels: { release: 'prometheus' },
          annotations: { a: 'b' },
          interval: '30s',
          scrapeTimeout: '10s',
        },
      },
    },
  ),
]
