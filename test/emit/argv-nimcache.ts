import { type Row, rowOf } from './argv-row.ts'
import { containerOfFile } from './argv-serving.ts'
import { loraProfile, tensorProfile, vllmProfile } from './request.ts'

const fromStore = ['--inventory', '@inventory.jsonl', '--store-url', 's3://models/llama', '--region', 'eu-1']
const uploaded = rowOf(['nimcache', 'llama', ...fromStore, '--loader-image', 'registry.internal/nimctl:1.0'])
const mirrored = rowOf([
  'nimcache',
  'llama',
  '--inventory',
  '@ngc.jsonl',
  '--store-url',
  's3://nim-mirror/',
  '--region',
  'eu-1',
])
const ngcStart = [
  'nimcache',
  'llama',
  '--image',
  'nvcr.io/nim/meta/llama:1.8',
  '--auth-secret',
  'ngc',
  '--size',
  '100Gi',
]
const ngc = rowOf(ngcStart)
const known = rowOf([...ngcStart, '--source', 'ngc', '--manifest', '@manifest.yaml'])
const hubFlags = [
  '--size',
  '40Gi',
  '--auth-secret',
  'hf',
  '--pull-secret',
  'registry',
  '--model-puller',
  'registry.internal/llm-nim:1.12',
]
const hub = rowOf(['nimcache', 'qwen', '--source', 'hf', ...hubFlags])
const dataStore = rowOf(['nimcache', 'qwen', '--source', 'datastore', ...hubFlags])

const held = (...profiles: string[]) => ({ source: { ngc: { model: { profiles } } } })
const chosenBy = (model: object) => ({ source: { ngc: { model } } })

/** Each flag of `nimctl emit nimcache` stands in at least one. */
export const nimCacheRows: Row[] = [
  uploaded(['--source', 'loader', '-n', 'nim', '--pull-secret', 'registry'], {
    source: { ngc: { modelPuller: 'registry.internal/nimctl:1.0', pullSecret: 'registry', authSecret: 'llama-store' } },
  }),
  uploaded(['--profile', '0f3d', '--profile', vllmProfile.id], held(tensorProfile.id, vllmProfile.id)),
  uploaded(['--engine', 'vllm', '--precision', 'bf16', '--tp', '1', '--lora'], held(loraProfile.id)),
  uploaded(['--engine', 'vllm', '--no-lora', '--no-buildable'], held(vllmProfile.id)),
  uploaded(['--gpu', 'L40S:26b5'], held(tensorProfile.id)),
  uploaded(['--all'], held(tensorProfile.id, vllmProfile.id, loraProfile.id)),
  uploaded(
    [
      '--storage-class',
      'nfs',
      '--size',
      '10Gi',
      '--access-mode',
      'ReadWriteOnce',
      '--sub-path',
      'a',
      '--claim-annotation',
      'a=b',
    ],
    {
      storage: {
        pvc: {
          create: true,
          storageClass: 'nfs',
          size: '10Gi',
          volumeAccessMode: 'ReadWriteOnce',
          subPath: 'a',
          annotations: { a: 'b' },
        },
      },
    },
  ),
  uploaded(
    [
      '--claim',
      'models',
      '--store-secret',
      's3',
      '--store-ca',
      'store-ca',
      '--store-endpoint-url',
      'https://s3.internal:9000',
    ],
    {
      source: { ngc: { authSecret: 's3' } },
      storage: { pvc: { create: false, name: 'models' } },
    },
  ),
  uploaded(
    [
      '--cpu',
      '4',
      '--memory',
      '8Gi',
      '--node-selector',
      'zone=a',
      '--toleration',
      'nvidia.com/gpu:NoSchedule',
      '--runtime-class',
      'nvidia',
      '--run-as',
      '1001:2001',
    ],
    {
      resources: { cpu: '4', memory: '8Gi' },
      nodeSelector: { zone: 'a' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
      runtimeClassName: 'nvidia',
      userID: 1001,
      groupID: 2001,
    },
  ),
  uploaded(
    ['--env', 'A=1', '--env-secret', 'TOKEN=hub/token', '--env-config-map', 'MODE=modes/chat'],
    {},
    { env: { A: '1' } },
  ),
  uploaded(['--init-container', '@container.yaml'], { initContainers: [containerOfFile] }, { since: '3.1.0' }),
  mirrored(
    ['--source', 'override', '--image-registry', 'r:5000'],
    {
      source: { ngc: { modelPuller: 'r:5000/nim/meta/llama-3.2-1b-instruct:1.12.0' } },
    },
    { env: { NIM_REPOSITORY_OVERRIDE: 's3://nim-mirror/' } },
  ),
  ngc(['--profile', tensorProfile.id], held(tensorProfile.id)),
  ngc(['--all'], held('all')),
  ngc(
    ['--precision', 'fp8', '--qos', 'latency', '--buildable'],
    chosenBy({ precision: 'fp8', qosProfile: 'latency', buildable: true }),
  ),
  ngc(['--model-endpoint', 'ngc://nim/meta/llama:hf', '--model-puller', 'registry.internal/llm-nim:1.12'], {
    source: { ngc: { modelEndpoint: 'ngc://nim/meta/llama:hf', modelPuller: 'registry.internal/llm-nim:1.12' } },
  }),
  known(['--profile', '0f3d'], held(tensorProfile.id)),
  known(['--gpu', 'L40S:26b5', '--tp', '2', '--engine', 'tensorrt_llm', '--no-lora'], {
    source: {
      ngc: {
        authSecret: 'ngc',
        model: {
          engine: 'tensorrt_llm',
          tensorParallelism: '2',
          gpus: [{ product: 'L40S', ids: ['26b5'] }],
          lora: false,
        },
      },
    },
  }),
  known(
    [
      '--engine',
      'vllm',
      '--http-proxy',
      'http://p:3128',
      '--https-proxy',
      'http://p:3128',
      '--noproxy',
      '.svc',
      '--proxy-ca-config-map',
      'ca',
    ],
    {
      proxy: { httpProxy: 'http://p:3128', httpsProxy: 'http://p:3128', noProxy: '.svc', certConfigMap: 'ca' },
    },
  ),
  hub(['--model', 'Qwen/Qwen2.5-7B-Instruct', '--revision', 'main'], {
    source: {
      hf: {
        endpoint: 'https://huggingface.co',
        namespace: 'Qwen',
        modelName: 'Qwen2.5-7B-Instruct',
        revision: 'main',
        authSecret: 'hf',
        pullSecret: 'registry',
        modelPuller: 'registry.internal/llm-nim:1.12',
      },
    },
  }),
  hub(['--dataset', 'nvidia/HelpSteer2', '--endpoint', 'https://hub.internal'], {
    source: { hf: { endpoint: 'https://hub.internal', namespace: 'nvidia', datasetName: 'HelpSteer2' } },
  }),
  dataStore(['--model', 'llama-3-1b', '--endpoint', 'http://nds.nemo:8000/v1/hf'], {
    source: { dataStore: { endpoint: 'http://nds.nemo:8000/v1/hf', namespace: 'default', modelName: 'llama-3-1b' } },
  }),
]
