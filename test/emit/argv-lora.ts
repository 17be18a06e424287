import { alone, type Row, rowOf, uploaded } from './argv-row.ts'
import { loraProfile } from './request.ts'

const loader = ['--loader-image', 'registry.internal/nimctl:1.0']
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
