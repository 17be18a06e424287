import { type Row, rowOf } from './argv-row.ts'
import { tensorProfile, vllmProfile } from './request.ts'

const files = rowOf(['nimpipeline', 'rag', '--service', '@services.yaml'])
const caches = rowOf([
  'nimpipeline',
  'rag',
  '--inventory',
  'llm=@inventory.jsonl',
  '--inventory',
  'embedding=@inventory.jsonl',
  '--store-url',
  's3://models/llm',
  '--store-url',
  's3://models/embedding',
])
const profiles = ['--profile', `llm=${tensorProfile.id}`, '--profile', `embedding=${vllmProfile.id}`]

/** Each flag of `nimctl emit nimpipeline` stands in at least one. */
export const pipelineRows: Row[] = [
  files(
    [
      '-n',
      'nim',
      '--disable',
      'embedding',
      '--dependency',
      'llm=embedding:EMBEDDING_URL',
      '--dependency',
      'llm=embedding:MODE=http://x/v1',
    ],
    {
      services: [
        {
          name: 'llm',
          enabled: true,
          dependencies: [
            { name: 'embedding', port: 8080, envName: 'EMBEDDING_URL', envValue: 'http://embed:8080' },
            { name: 'embedding', port: 8080, envName: 'MODE', envValue: 'http://x/v1' },
          ],
          spec: { expose: { service: { port: 9000 } } },
        },
        { name: 'embedding', enabled: false, spec: { storage: { pvc: { name: 'models' } } } },
      ],
    },
  ),
  caches(
    [
      ...profiles,
      '--image-registry',
      'r:5000',
      '--pull-secret',
      'registry',
      '--store-secret',
      's',
      '--store-ca',
      'c',
      '--store-endpoint-url',
      'https://s3',
    ],
    {
      services: [
        {
          name: 'llm',
          enabled: true,
          spec: {
            image: { repository: 'r:5000/nim/meta/llama-3.2-1b-instruct', pullSecrets: ['registry'] },
            storage: { nimCache: { name: 'llm', profile: tensorProfile.id } },
          },
        },
        {
          name: 'embedding',
          enabled: true,
          spec: { storage: { nimCache: { name: 'embedding', profile: vllmProfile.id } } },
        },
      ],
    },
  ),
]
