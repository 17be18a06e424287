import type { OperatorVersion } from '../../src/operator/versions.ts'
import { loraProfile, tensorProfile, vllmProfile } from './request.ts'

/** A command line of `nimctl emit`, and what it must write. `@NAME` is a file of run-argv.ts. */
export interface Row {
  args: string[]
  /** The first version that takes it; older ones are refused with `OPERATOR_TOO_OLD`. */
  since?: OperatorVersion
  /** Of the object that is meant; default: the last one. */
  kind?: string
  /** Parts of its `spec`. */
  spec: object
  /** Some of its variables. */
  env?: Record<string, string>
}

const uploaded = ['--inventory', '@inventory.jsonl', '--store-url', 's3://models/llama', '--region', 'eu-1']
const service = ['nimservice', 'llama', ...uploaded, '--profile', vllmProfile.id]
const image = ['nimservice', 'llama', '--image', 'registry.internal/nim/llama:1.8']
const loader = ['--loader-image', 'registry.internal/nimctl:1.0']
/** What container.yaml of run-argv.ts holds. */
export const containerOfFile = {
  name: 'prepare',
  image: { repository: 'registry.internal/tools', tag: '1.0' },
  command: ['sh', '-c', 'ls /model-store'],
  args: ['a'],
  workingDir: '/tmp',
  env: [{ name: 'MODE', value: 'check' }],
}
const metric = (text: string) => ['--max-replicas', '4', '--hpa-metric', text]

export const rowOf =
  (start: string[]) =>
  (args: string[], spec: object, more: Pick<Row, 'since' | 'env'> = {}): Row => ({
    args: [...start, ...args],
    spec,
    ...more,
  })

const row = rowOf(service)
const alone = rowOf(image)

/** Each flag of `nimctl emit nimservice` stands in at least one. */
export const serviceRows: Row[] = [
  row(['-n', 'nim', '--image-registry', 'r:5000', '--pull-secret', 'registry', '--pull-policy', 'Always'], {
    image: {
      repository: 'r:5000/nim/meta/llama-3.2-1b-instruct',
      tag: '1.12.0',
      pullPolicy: 'Always',
      pullSecrets: ['registry'],
    },
    storage: { nimCache: { name: 'llama', profile: vllmProfile.id } },
  }),
  row(['--nimcache', 'shared', '--read-only'], {
    storage: { nimCache: { name: 'shared', profile: vllmProfile.id }, readOnly: true },
  }),
  row(
    ['--claim', 'models', '--sub-path', 'llama', '--shm-size', '16Gi'],
    {
      storage: { pvc: { create: false, name: 'models', subPath: 'llama' }, sharedMemorySizeLimit: '16Gi' },
    },
    { env: { NIM_MODEL_PROFILE: vllmProfile.id } },
  ),
  row(
    [
      '--new-claim',
      '--size',
      '10Gi',
      '--storage-class',
      'nfs',
      '--access-mode',
      'ReadWriteMany',
      '--claim-annotation',
      'a=b',
      '--auth-secret',
      'ngc',
    ],
    {
      authSecret: 'ngc',
      storage: {
        pvc: {
          create: true,
          size: '10Gi',
          storageClass: 'nfs',
          volumeAccessMode: 'ReadWriteMany',
          annotations: { a: 'b' },
        },
      },
    },
  ),
  alone(
    ['--empty-dir', '50Gi', '--auth-secret', 'ngc', '--online'],
    { storage: { emptyDir: { sizeLimit: '50Gi' } } },
    { since: '3.0.2' },
  ),
  alone(['--host-path', '/srv/llama'], { storage: { hostPath: '/srv/llama' } }, { since: '3.0.2' }),
  alone(['--manifest', '@manifest.yaml', '--profile', '0f3d'], {
    storage: { nimCache: { name: 'llama', profile: tensorProfile.id } },
    resources: { limits: { 'nvidia.com/gpu': 4 } },
  }),
  row(['--gpus', '2', '--requests', 'cpu=8,memory=64Gi', '--limits', 'memory=96Gi', '--limits', 'rdma/a=1'], {
    resources: {
      limits: { memory: '96Gi', 'rdma/a': '1', 'nvidia.com/gpu': 2 },
      requests: { cpu: '8', memory: '64Gi', 'nvidia.com/gpu': 2 },
    },
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
  }),
  row(['--resource-claim', 'gpu'], { draResources: [{ resourceClaimName: 'gpu' }] }),
  row(['--resource-claim-template', 'gpu', '--replicas', '2'], {
    draResources: [{ resourceClaimTemplateName: 'gpu' }],
    replicas: 2,
  }),
  row(
    [
      '--node-selector',
      'zone=a',
      '--toleration',
      'nvidia.com/gpu=yes:NoExecute',
      '--runtime-class',
      'nvidia',
      '--scheduler',
      'volcano',
    ],
    {
      nodeSelector: { zone: 'a' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Equal', value: 'yes', effect: 'NoExecute' }],
      runtimeClassName: 'nvidia',
      schedulerName: 'volcano',
    },
  ),
  row(['--priority-class', 'serving'], { priorityClassName: 'serving' }, { since: '3.1.2' }),
  row(
    [
      '--command',
      '/bin/nim',
      '--arg=--verbose',
      '--label',
      'team=ml',
      '--annotation',
      'note=x',
      '--run-as',
      '1001:2001',
    ],
    {
      command: ['/bin/nim'],
      args: ['--verbose'],
      labels: { team: 'ml' },
      annotations: { note: 'x' },
      userID: 1001,
      groupID: 2001,
    },
  ),
  row(
    ['--init-container', '@container.yaml'],
    {
      initContainers: [containerOfFile],
    },
    { since: '3.1.0' },
  ),
  row(['--sidecar', '@container.yaml'], { sidecarContainers: [containerOfFile] }, { since: '3.1.0' }),
  row(['--startup-timeout', '1h', '--health-path', '/ready', '--live-path', '/live'], {
    startupProbe: { enabled: true, probe: { httpGet: { path: '/ready', port: 'api' }, failureThreshold: 360 } },
    readinessProbe: { probe: { httpGet: { path: '/ready' } } },
    livenessProbe: { probe: { httpGet: { path: '/live' } } },
  }),
  row(['--disable-probe', 'startup', '--disable-probe', 'liveness'], {
    startupProbe: { enabled: false },
    livenessProbe: { enabled: false },
  }),
  row(['--min-replicas', '2', ...metric('gpu_cache_usage_perc=0.5'), '--hpa-annotation', 'a=b'], {
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
  row([...metric('pods/running=20'), '--hpa-metric', 'external/queue=30', '--hpa-metric', 'resource/memory=20Gi'], {
    scale: { hpa: { minReplicas: 1, metrics: [{ type: 'Pods' }, { type: 'External' }, { type: 'Resource' }] } },
  }),
  row([...metric('container/nim/cpu=80%')], {
    scale: { hpa: { metrics: [{ containerResource: { target: { type: 'Utilization', averageUtilization: 80 } } }] } },
  }),
  row(
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
  row(['--service-label', 'a=b'], { expose: { service: { labels: { a: 'b' } } } }, { since: '3.1.2' }),
  row(
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
  row(['--host', 'llama.example.com', '--ingress-class', 'nginx', '--tls-secret', 'llama-tls'], {}),
  row(
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
  row(
    [
      '--http-proxy',
      'http://p:3128',
      '--https-proxy',
      'http://p:3128',
      '--noproxy',
      '.svc,10.0.0.0/8',
      '--proxy-ca-config-map',
      'ca',
    ],
    {
      proxy: {
        httpProxy: 'http://p:3128',
        httpsProxy: 'http://p:3128',
        noProxy: '.svc,10.0.0.0/8',
        certConfigMap: 'ca',
      },
    },
  ),
  row(['--pipeline-parallel', '2', '--tensor-parallel', '1', '--mpi-start-timeout', '10m'], {
    multiNode: { backendType: 'lws', parallelism: { pipeline: 2, tensor: 1 }, mpi: { mpiStartTimeout: 600 } },
    resources: { limits: { 'nvidia.com/gpu': 1 } },
  }),
  row(
    ['--pipeline-parallel', '2', '--ray-port', '6380'],
    { multiNode: { ray: { rayPort: 6380 } } },
    { since: '3.1.1' },
  ),
  row(
    ['--pipeline-parallel', '2', '--compute-domain', 'create'],
    { multiNode: { computeDomain: { create: true } } },
    { since: '3.1.0' },
  ),
  row(
    ['--pipeline-parallel', '2', '--compute-domain', 'nvl'],
    { multiNode: { computeDomain: { create: false, name: 'nvl' } } },
    { since: '3.1.0' },
  ),
  row(
    [
      '--env',
      'A=1',
      '--env',
      'HF_HUB_OFFLINE=0',
      '--env-secret',
      'TOKEN=hub/token',
      '--env-config-map',
      'MODE=modes/chat',
    ],
    {},
    { env: { A: '1', HF_HUB_OFFLINE: '0' } },
  ),
  row(
    [
      '--inference-platform',
      'kserve',
      '--annotation',
      'serving.kserve.io/deploymentMode=Standard',
      '--annotation',
      'serving.kserve.org/deploymentMode=RawDeployment',
      ...metric('resource/memory=20Gi'),
    ],
    {
      inferencePlatform: 'kserve',
    },
  ),
]

const lora = rowOf(['nimservice', 'llama', ...uploaded, '--profile', loraProfile.id])

export const loraRows: Row[] = [
  alone(
    [
      '--profile',
      loraProfile.id,
      '--adapter',
      's3://loras/support',
      '--region',
      'eu-1',
      '--store-secret',
      'loras',
      ...loader,
    ],
    {
      initContainers: [
        {
          env: [
            { name: 'NIMCTL_CACHE_URL', value: 's3://loras/support' },
            { name: 'AWS_REGION', value: 'eu-1' },
            { name: 'AWS_ACCESS_KEY_ID', valueFrom: { secretKeyRef: { name: 'loras' } } },
            { name: 'AWS_SECRET_ACCESS_KEY' },
            { name: 'AWS_SESSION_TOKEN' },
            { name: 'NIM_CACHE_PATH', value: '/model-store/loras/support' },
          ],
        },
      ],
    },
    { since: '3.1.0' },
  ),
  lora(
    [
      '--peft-source',
      '/model-store/adapters',
      '--peft-refresh-interval',
      '5m',
      '--max-gpu-loras',
      '8',
      '--max-cpu-loras',
      '16',
      '--max-lora-rank',
      '32',
    ],
    {},
    {
      env: {
        NIM_PEFT_SOURCE: '/model-store/adapters',
        NIM_PEFT_REFRESH_INTERVAL: '300',
        NIM_MAX_GPU_LORAS: '8',
        NIM_MAX_CPU_LORAS: '16',
        NIM_MAX_LORA_RANK: '32',
      },
    },
  ),
  lora(
    [
      '--adapter',
      's3://loras/support',
      '--adapter',
      'legal=s3://loras/x/',
      '--store-secret',
      's3',
      '--store-ca',
      'store-ca',
      '--store-endpoint-url',
      'https://s3.internal:9000',
      '--adapter-secret',
      'loras',
      '--adapter-memory',
      '64Mi',
      ...loader,
    ],
    { initContainers: [{ name: 'adapter-support' }, { name: 'adapter-legal' }] },
    { since: '3.1.0', env: { NIM_PEFT_SOURCE: '/model-store/loras' } },
  ),
]
