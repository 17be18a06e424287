/** A command line of `nimctl emit` that is refused, with the code and what the sentence must say. */
export interface Refused {
  args: string[]
  code: string
  says: string
}

const uploaded = ['--inventory', '@inventory.jsonl', '--store-url', 's3://models/llama', '--region', 'eu-1']
const service = ['nimservice', 'llama', ...uploaded, '--profile', '1234']
const image = ['nimservice', 'llama', '--image', 'registry.internal/nim/llama:1.8']
const adapter = ['nimservice', 'llama', ...uploaded, '--profile', 'b00c', '--adapter', 's3://loras/support']

const refused =
  (start: string[]) =>
  (args: string[], code: string, says: string): Refused => ({ args: [...start, ...args], code, says })

const row = refused(service)
const alone = refused(image)

export const refusedServices: Refused[] = [
  { args: ['nimservice', 'llama'], code: 'EMIT_SOURCE', says: '--image IMAGE' },
  row(['--image', 'registry.internal/nim/llama:1.8'], 'IMAGE_DIGEST_REQUIRED', 'nimctl list'),
  row(['--manifest', '@manifest.yaml'], 'EMIT_SOURCE', 'Leave --manifest out'),
  alone(['--profile', '0494'], 'PROFILE_UNCHECKED', '--manifest FILE'),
  alone(['--manifest', '@manifest.yaml', '--profile', 'ffff'], 'PROFILE_UNKNOWN', 'nimctl profiles IMAGE'),
  row(['--claim', 'a', '--host-path', '/b'], 'STORAGE_CONFLICT', '--claim and --host-path'),
  row(['--claim', 'a', '--size', '10Gi'], 'CLAIM_FLAGS_IDLE', '--size'),
  row(['--sub-path', 'a'], 'CLAIM_FLAGS_IDLE', '--new-claim'),
  row(['--claim', 'a', '--sub-path', '../b'], 'SUB_PATH_INVALID', 'models/llama'),
  alone(['--new-claim', '--auth-secret', 'ngc'], 'CLAIM_SIZE_REQUIRED', '--size 100Gi'),
  alone(['--new-claim', '--size', '10Gi'], 'VOLUME_EMPTY', '--auth-secret'),
  alone(['--empty-dir'], 'VOLUME_EMPTY', '--init-container'),
  alone(['--host-path', 'srv'], 'HOST_PATH_INVALID', 'whole path'),
  alone(['--host-path', '/srv', '--read-only'], 'READ_ONLY_IDLE', '--claim or --nimcache'),
  row(['--online'], 'AUTH_SECRET_REQUIRED', '--auth-secret ngc-api-secret'),
  row(['--auth-secret', 'Ngc'], 'NAME_INVALID', 'ngc'),
  row(['--replicas', '2', '--max-replicas', '4', '--hpa-metric', 'a=1'], 'REPLICAS_AND_SCALE', '--replicas'),
  row(['--hpa-metric', 'a=1'], 'HPA_INCOMPLETE', '--max-replicas 4'),
  row(['--min-replicas', '5', '--max-replicas', '4', '--hpa-metric', 'a=1'], 'HPA_INCOMPLETE', '5 and 4'),
  row(['--max-replicas', '4'], 'HPA_WITHOUT_METRICS', '80 % CPU'),
  row(['--max-replicas', '4', '--hpa-metric', 'cpu'], 'HPA_METRIC_INVALID', 'gpu_cache_usage_perc=0.5'),
  row(['--max-replicas', '4', '--hpa-metric', 'pods/running=50%'], 'HPA_METRIC_INVALID', 'KIND'),
  row(['--max-replicas', '4', '--hpa-metric', 'node/cpu=1'], 'HPA_METRIC_INVALID', 'external'),
  row(['--max-replicas', '4', '--hpa-metric', 'container/cpu=1'], 'HPA_METRIC_INVALID', 'CONTAINER'),
  row(['--max-replicas', '4', '--hpa-metric', 'pods/a/b=1'], 'HPA_METRIC_INVALID', 'KIND'),
  row(['--host', 'a.example.com'], 'ROUTER_INVALID', '--ingress-class nginx'),
  row(['--ingress-class', 'nginx'], 'ROUTER_INVALID', '--host'),
  row(['--host', 'a.b', '--ingress-class', 'nginx', '--gateway', 'a/b'], 'ROUTER_INVALID', 'one of them'),
  row(['--host', 'a.b', '--gateway', 'a/b', '--tls-secret', 's'], 'ROUTER_INVALID', '--ingress-class'),
  row(['--host', 'a.b', '--ingress-class', 'nginx', '--no-http-routes'], 'ROUTER_INVALID', '--gateway'),
  row(['--host', 'a.b', '--gateway', 'a/b', '--grpc-routes'], 'ROUTER_INVALID', '--grpc-port 50051'),
  row(['--scrape-interval', '30'], 'INTERVAL_INVALID', '30s'),
  row(['--http-proxy', 'proxy:3128'], 'PROXY_INVALID', 'http://proxy:3128'),
  row(['--https-proxy', 'http://u:p@proxy:3128'], 'PROXY_INVALID', 'password'),
  row(['--http-proxy', 'http://p', '--noproxy', '*.svc'], 'PROXY_INVALID', '"*.svc"'),
  row(['--http-proxy', 'http://p', '--noproxy', 'host:8080'], 'PROXY_INVALID', 'no port behind a name'),
  row(['--env', 'NGC_API_KEY=nvapi-1'], 'SECRET_IN_OBJECT', '--env-secret NGC_API_KEY=SECRET/KEY'),
  row(['--env', '=1'], 'ENV_INVALID', 'NAME=VALUE'),
  row(['--env-secret', 'TOKEN=hub'], 'ENV_INVALID', 'NAME=SECRET/KEY'),
  row(['--resource-claim', 'gpu', '--replicas', '2'], 'CLAIM_NOT_SHARED', '--resource-claim-template'),
  row(
    ['--pipeline-parallel', '2', '--max-replicas', '4', '--hpa-metric', 'a=1'],
    'MULTI_NODE_AND_SCALE',
    '--replicas N',
  ),
  row(['--tensor-parallel', '1'], 'MULTI_NODE_INVALID', '--pipeline-parallel 2'),
  row(['--pipeline-parallel', '2', '--tensor-parallel', '8'], 'MULTI_NODE_INVALID', 'tp 1'),
  row(['--pipeline-parallel', '2', '--ray-port', '1', '--mpi-start-timeout', '1m'], 'MULTI_NODE_INVALID', 'exclude'),
  row(['--inference-platform', 'kserve', '--pipeline-parallel', '2'], 'PLATFORM_CONFLICT', 'standalone'),
  row(
    ['--inference-platform', 'kserve', '--max-replicas', '4', '--hpa-metric', 'a=1'],
    'PLATFORM_CONFLICT',
    'deploymentMode=Standard',
  ),
  row(
    ['--inference-platform', 'kserve', '--service-monitor-label', 'a=b'],
    'PLATFORM_CONFLICT',
    '--service-monitor-label',
  ),
  row(['--init-container', '@bad.yaml'], 'CONTAINER_INVALID', '--pull-secret'),
  row(['--init-container', '@mounts.yaml'], 'CONTAINER_INVALID', '/model-store and /scratch'),
  row(['--init-container', '@tag.yaml'], 'CONTAINER_INVALID', 'quote a tag'),
  row(['--init-container', '@empty.yaml'], 'CONTAINER_INVALID', 'empty'),
  row(['--sidecar', '@broken.yaml'], 'CONTAINER_INVALID', 'no YAML'),
  row(['--peft-source', 'loras'], 'PEFT_SOURCE_INVALID', '/model-store/loras'),
  row(['--adapter', 'loras/support'], 'ADAPTER_INVALID', 'hf://NAMESPACE/NAME'),
  row(['--adapter', 'hf://a/b'], 'ADAPTER_INVALID', '--layout plain'),
  row(['--adapter', 's3://a/x', '--adapter', 's3://b/x'], 'ADAPTER_INVALID', '--adapter x-2=URL'),
  {
    args: ['nimservice', 'llama', ...uploaded, '--profile', '0f3d', '--peft-source', '/l'],
    code: 'LORA_UNSUPPORTED',
    says: '--lora',
  },
  { args: adapter, code: 'LOADER_IMAGE_REQUIRED', says: '--loader-image' },
  {
    args: [...adapter, '--loader-image', 'r/nimctl:1', '--operator-version', '3.0.2'],
    code: 'OPERATOR_TOO_OLD',
    says: '--peft-source /model-store/loras',
  },
]

const cache = refused(['nimcache', 'llama', ...uploaded])
const hub = refused(['nimcache', 'qwen', '--source', 'hf', '--size', '1Gi'])
const hubFlags = ['--model-puller', 'r/hf:1', '--auth-secret', 'hf', '--pull-secret', 'registry']
const ngcFlags = ['--image', 'r/nim:1', '--auth-secret', 'ngc', '--size', '1Gi']
const ngc = refused(['nimcache', 'llama', ...ngcFlags])
const manifest = ['--manifest', '@manifest.yaml']

export const refusedCaches: Refused[] = [
  cache(['--host-path', '/srv'], 'FIELD_IGNORED', '--claim NAME'),
  cache(['--cert-config', 'ca'], 'FIELD_IGNORED', '--proxy-ca-config-map ca'),
  cache(['--auth-secret', 'ngc'], 'SOURCE_FLAGS_IDLE', '--store-secret'),
  cache(['--profile', 'ffff'], 'PROFILE_UNKNOWN', 'nimctl profiles IMAGE'),
  cache(['--profile', '0f3d', '--tp', '2'], 'PROFILE_CHOICE_CONFLICT', '--profile'),
  cache(['--tp', '8'], 'PROFILES_NONE_MATCH', '--tp 8'),
  cache(
    ['--run-as', '1:1', '--loader-image', 'r/n:1', '--env', 'AWS_SECRET_ACCESS_KEY=x'],
    'SECRET_IN_OBJECT',
    '--env-secret',
  ),
  { args: ['nimcache', 'llama'], code: 'EMIT_SOURCE', says: '--image IMAGE' },
  { args: ['nimcache', 'llama', '--source', 'loader', '--image', 'r/nim:1'], code: 'EMIT_SOURCE', says: '--cache URL' },
  {
    args: ['nimcache', 'llama', '--image', 'r/nim:1'],
    code: 'AUTH_SECRET_REQUIRED',
    says: '--auth-secret ngc-api-secret',
  },
  {
    args: ['nimcache', 'llama', '--image', 'r/nim:1', '--auth-secret', 'ngc', '--all'],
    code: 'CLAIM_SIZE_REQUIRED',
    says: '--size 100Gi',
  },
  ngc([], 'PROFILE_CHOICE_REQUIRED', '--all'),
  ngc(['--profile', '0494'], 'PROFILE_UNCHECKED', '--manifest FILE'),
  ngc([...manifest, '--profile', 'f'.repeat(64)], 'PROFILE_UNKNOWN', 'nimctl profiles IMAGE'),
  ngc([...manifest, '--engine', 'sglang'], 'PROFILES_NONE_MATCH', '--engine sglang'),
  ngc(['--qos', 'balanced'], 'QOS_UNSUPPORTED', 'nimctl profiles IMAGE --qos balanced --ids'),
  ngc(['--manifest', '@list.txt', '--tp', '1'], 'MANIFEST_UNREADABLE', '--profile'),
  ngc(['--model-endpoint', 'ngc://a', '--tp', '1'], 'PROFILE_CHOICE_CONFLICT', 'universal NIM'),
  ngc(['--model', 'a/b', '--all'], 'SOURCE_FLAGS_IDLE', '--source hf'),
  hub(['--model', 'a/b'], 'MODEL_PULLER_REQUIRED', '--model-puller'),
  hub(['--model', 'a/b', '--model-puller', 'r/hf:1'], 'AUTH_SECRET_REQUIRED', 'hf-secret'),
  hub(['--model', 'a/b', '--model-puller', 'r/hf:1', '--auth-secret', 'hf'], 'PULL_SECRET_REQUIRED', '--pull-secret'),
  hub([...hubFlags, '--model', 'b'], 'HUB_NAME_INVALID', 'namespace'),
  hub([...hubFlags, '--model', 'a/b', '--dataset', 'c/d'], 'HUB_NAME_INVALID', 'one of them'),
  hub([...hubFlags, '--model', 'a/b', '--endpoint', 'hub.internal'], 'HUB_ENDPOINT_INVALID', 'https://huggingface.co'),
  hub([...hubFlags, '--model', 'a/b', '--tp', '2'], 'PROFILE_CHOICE_CONFLICT', 'no profiles'),
  hub([...hubFlags, '--model', 'a/b', '--model-endpoint', 'e'], 'SOURCE_FLAGS_IDLE', '--model-endpoint'),
  {
    args: [
      'nimcache',
      'x',
      '--source',
      'datastore',
      '--size',
      '1Gi',
      ...hubFlags,
      '--model',
      'm',
      '--endpoint',
      'http://nds/v1',
    ],
    code: 'HUB_ENDPOINT_INVALID',
    says: '/v1/hf',
  },
]

const build = refused(['nimbuild', 'trt', '--inventory', '@builds.jsonl', '--store-url', 's3://models/llama'])

export const refusedBuilds: Refused[] = [
  build([], 'PROFILE_REQUIRED', '--profile 7b84'),
  build(['--profile', '7b84', '--gpus', '1'], 'BUILD_GPUS', 'Leave out --gpus'),
  build(['--profile', 'c0de'], 'BUILD_GPUS', '--gpus 1'),
  build(['--profile', 'ffff'], 'PROFILE_UNKNOWN', 'nimctl profiles IMAGE'),
  build(['--profile', '7b84', '--nimcache', 'A'], 'NAME_INVALID', 'NIMCache'),
  { args: ['nimbuild', 'trt', ...uploaded], code: 'PROFILE_NOT_BUILDABLE', says: '--buildable' },
  {
    args: ['nimbuild', 'trt', '--inventory', '@buildable.jsonl', '--store-url', 's3://m/l', '--profile', '1234'],
    code: 'PROFILE_NOT_BUILDABLE',
    says: '--profile 7b8458eb',
  },
  { args: ['nimbuild', 'trt', '--image', 'r/nim:1'], code: 'PROFILE_UNCHECKED', says: '--manifest' },
]

const pipeline = refused(['nimpipeline', 'rag', '--service', '@services.yaml'])

export const refusedPipelines: Refused[] = [
  { args: ['nimpipeline', 'rag'], code: 'PIPELINE_EMPTY', says: '--cache NAME=URL' },
  pipeline(['--service', '@services.yaml'], 'SERVICE_REPEATED', 'llm'),
  pipeline(['--disable', 'asr'], 'SERVICE_UNKNOWN', 'llm, embedding'),
  pipeline(['--dependency', 'llm=asr:URL'], 'SERVICE_UNKNOWN', 'asr'),
  pipeline(['--dependency', 'llm:embedding'], 'DEPENDENCY_INVALID', 'SERVICE=OTHER:VARIABLE'),
  pipeline(['--service', '@manifest.yaml'], 'SERVICE_FILE_INVALID', 'nimctl emit nimservice'),
  pipeline(['--service', '@broken.yaml'], 'SERVICE_FILE_INVALID', 'no YAML'),
  pipeline(['--service', '@nameless.yaml'], 'SERVICE_FILE_INVALID', 'metadata.name'),
  pipeline(['--service', '@elsewhere.yaml'], 'NAMESPACE_DIFFERS', '-n other'),
  pipeline(['--service', '@both.yaml'], 'OBJECT_INVALID', 'replicas'),
  { args: ['nimpipeline', 'Rag', '--service', '@services.yaml'], code: 'NAME_INVALID', says: 'rag' },
]

const aService = (name: string, more = '') =>
  `kind: NIMService\nmetadata: {name: ${name}${more}}\nspec:\n  image: {repository: r/nim, tag: "1"}\n  authSecret: a\n` +
  '  storage: {nimCache: {name: a}}\n'

/** Files that are not what is wanted. */
export const badFiles = {
  'bad.yaml': 'name: a\nimage: {repository: r, tag: "1", pullSecrets: [s]}\n',
  'mounts.yaml': 'name: a\nimage: r/a:1\nvolumeMounts: []\n',
  'tag.yaml': 'name: a\nimage: {repository: r, tag: 1.8}\n',
  'empty.yaml': '',
  'broken.yaml': 'name: [',
  'nameless.yaml': 'kind: NIMService\nspec: {}\n',
  'elsewhere.yaml': aService('asr', ', namespace: other'),
  'both.yaml': `${aService('asr')}  replicas: 1\n  scale: {enabled: true, hpa: {maxReplicas: 2}}\n`,
  'list.txt': `MODEL PROFILES\n- Compatible with system and runnable:\n  - ${'a'.repeat(64)} (vllm-bf16-tp1)\n`,
}
