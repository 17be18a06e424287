import { type Row, rowOf } from './argv-row.ts'
import { buildableProfile, uncountedProfile } from './request.ts'

const build = rowOf(['nimbuild', 'llama-trt', '--inventory', '@buildable.jsonl', '--store-url', 's3://models/llama'])
const several = rowOf(['nimbuild', 'llama-trt', '--inventory', '@builds.jsonl', '--store-url', 's3://models/llama'])

/** Each flag of `nimctl emit nimbuild` stands in at least one. */
export const buildRows: Row[] = [
  build(
    [
      '-n',
      'nim',
      '--image-registry',
      'r:5000',
      '--pull-secret',
      'registry',
      '--pull-policy',
      'Always',
      '--nimcache',
      'llama',
    ],
    {
      nimCache: { name: 'llama', profile: buildableProfile.id },
      image: {
        repository: 'r:5000/nim/meta/llama-3.2-1b-instruct',
        tag: '1.12.0',
        pullPolicy: 'Always',
        pullSecrets: ['registry'],
      },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    },
    { env: { NGC_API_KEY: '', HF_HUB_OFFLINE: '1' } },
  ),
  build(['--model-name', 'llama-l40s', '--requests', 'cpu=8', '--limits', 'memory=96Gi'], {
    modelName: 'llama-l40s',
    resources: { requests: { cpu: '8' }, limits: { memory: '96Gi' } },
  }),
  several(['--profile', uncountedProfile.id, '--gpus', '2'], {
    nimCache: { profile: uncountedProfile.id },
    resources: { requests: { 'nvidia.com/gpu': 2 }, limits: { 'nvidia.com/gpu': 2 } },
  }),
  build(
    [
      '--node-selector',
      'zone=a',
      '--toleration',
      'nvidia.com/gpu=yes:NoExecute',
      '--label',
      'a=b',
      '--annotation',
      'c=d',
    ],
    {
      nodeSelector: { zone: 'a' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Equal', value: 'yes', effect: 'NoExecute' }],
    },
  ),
  build(
    ['--online', '--env', 'A=1', '--env-secret', 'NGC_API_KEY=ngc/NGC_API_KEY', '--env-config-map', 'MODE=modes/build'],
    {},
    { env: { A: '1' } },
  ),
  build(['--store-secret', 's', '--store-ca', 'ca', '--store-endpoint-url', 'https://s3.internal'], {}),
  rowOf(['nimbuild', 'llama-trt'])(['--image', 'registry.internal/nim/llama:1.8', '--manifest', '@buildable.yaml'], {
    image: { repository: 'registry.internal/nim/llama', tag: '1.8' },
  }),
]
