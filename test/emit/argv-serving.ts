import { alone, metricFlags, type Row, serviceRow } from './argv-row.ts'
import { tensorProfile, vllmProfile } from './request.ts'

/** What container.yaml of run-argv.ts holds. */
export const containerOfFile = {
  name: 'prepare',
  image: { repository: 'registry.internal/tools', tag: '1.0' },
  command: ['sh', '-c', 'ls /model-store'],
  args: ['a'],
  workingDir: '/tmp',
  env: [{ name: 'MODE', value: 'check' }],
}

/** With networkRows and loraRows: each flag of `nimctl emit nimservice` stands in at least one. */
export const serviceRows: Row[] = [
  serviceRow(['-n', 'nim', '--image-registry', 'r:5000', '--pull-secret', 'registry', '--pull-policy', 'Always'], {
    image: {
      repository: 'r:5000/nim/meta/llama-3.2-1b-instruct',
      tag: '1.12.0',
      pullPolicy: 'Always',
      pullSecrets: ['registry'],
    },
    storage: { nimCache: { name: 'llama', profile: vllmProfile.id } },
  }),
  serviceRow(['--nimcache', 'shared', '--read-only'], {
    storage: { nimCache: { name: 'shared', profile: vllmProfile.id }, readOnly: true },
  }),
  serviceRow(
    ['--claim', 'models', '--sub-path', 'llama', '--shm-size', '16Gi'],
    {
      storage: { pvc: { create: false, name: 'models', subPath: 'llama' }, sharedMemorySizeLimit: '16Gi' },
    },
    { env: { NIM_MODEL_PROFILE: vllmProfile.id } },
  ),
  serviceRow(
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
  serviceRow(['--gpus', '2', '--requests', 'cpu=8,memory=64Gi', '--limits', 'memory=96Gi', '--limits', 'rdma/a=1'], {
    resources: {
      limits: { memory: '96Gi', 'rdma/a': '1', 'nvidia.com/gpu': 2 },
      requests: { cpu: '8', memory: '64Gi', 'nvidia.com/gpu': 2 },
    },
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
  }),
  serviceRow(['--resource-claim', 'gpu'], { draResources: [{ resourceClaimName: 'gpu' }] }),
  serviceRow(['--resource-claim-template', 'gpu', '--replicas', '2'], {
    draResources: [{ resourceClaimTemplateName: 'gpu' }],
    replicas: 2,
  }),
  serviceRow(
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
  serviceRow(['--priority-class', 'serving'], { priorityClassName: 'serving' }, { since: '3.1.2' }),
  serviceRow(
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
  serviceRow(
    ['--init-container', '@container.yaml'],
    {
      initContainers: [containerOfFile],
    },
    { since: '3.1.0' },
  ),
  serviceRow(['--sidecar', '@container.yaml'], { sidecarContainers: [containerOfFile] }, { since: '3.1.0' }),
  serviceRow(['--startup-timeout', '1h', '--health-path', '/ready', '--live-path', '/live'], {
    startupProbe: { enabled: true, probe: { httpGet: { path: '/ready', port: 'api' }, failureThreshold: 360 } },
    readinessProbe: { probe: { httpGet: { path: '/ready' } } },
    livenessProbe: { probe: { httpGet: { path: '/live' } } },
  }),
  serviceRow(['--disable-probe', 'startup', '--disable-probe', 'liveness'], {
    startupProbe: { enabled: false },
    livenessProbe: { enabled: false },
  }),
  serviceRow(
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
  serviceRow(['--pipeline-parallel', '2', '--tensor-parallel', '1', '--mpi-start-timeout', '10m'], {
    multiNode: { backendType: 'lws', parallelism: { pipeline: 2, tensor: 1 }, mpi: { mpiStartTimeout: 600 } },
    resources: { limits: { 'nvidia.com/gpu': 1 } },
  }),
  serviceRow(
    ['--pipeline-parallel', '2', '--ray-port', '6380'],
    { multiNode: { ray: { rayPort: 6380 } } },
    { since: '3.1.1' },
  ),
  serviceRow(
    ['--pipeline-parallel', '2', '--compute-domain', 'create'],
    { multiNode: { computeDomain: { create: true } } },
    { since: '3.1.0' },
  ),
  serviceRow(
    ['--pipeline-parallel', '2', '--compute-domain', 'nvl'],
    { multiNode: { computeDomain: { create: false, name: 'nvl' } } },
    { since: '3.1.0' },
  ),
  serviceRow(
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
  serviceRow(
    [
      '--inference-platform',
      'kserve',
      '--annotation',
      'serving.kserve.io/deploymentMode=Standard',
      '--annotation',
      'serving.kserve.org/deploymentMode=RawDeployment',
      ...metricFlags('resource/memory=20Gi'),
    ],
    {
      inferencePlatform: 'kserve',
    },
  ),
]
