import { type OperatorVersion, operatorVersions } from '../../src/operator/versions.ts'
import { rowsByKind } from '../emit/argv-rows.ts'
import { stackRows as stackServingRows } from '../emit/argv-stack.ts'

/** The operator releases whose CRDs the rows are tried under. */
export const triedVersions = ['3.0.0', '3.0.2', '3.1.0', '3.1.2', 'main'] as const satisfies OperatorVersion[]

/** A command line of `nimctl emit`. */
export interface EmitRow {
  /** `{…}` stands for a place of emit-place.ts, `@NAME` for a file of test/emit/run-argv.ts. */
  args: readonly string[]
  /** Older ones are refused by nimctl. */
  since?: OperatorVersion
}

export function isFor({ since = '3.0.0' }: EmitRow, version: OperatorVersion): boolean {
  return operatorVersions.indexOf(version) >= operatorVersions.indexOf(since)
}

function row(line: string, since: OperatorVersion = '3.0.0'): EmitRow {
  return { args: line.trim().split(/\s+/), since }
}

const uploaded = '--inventory {inventory} --store-url s3://models/llama --region eu-central-1'
const loader = '--loader-image registry.internal:5000/tools/nimctl:0.1.0'
const one = '--profile c0ffee'
const stack = `stack llama ${uploaded} ${one} ${loader}`
const volume = '--size 100Gi --storage-class nfs --access-mode ReadWriteMany'
const elsewhere = '--endpoint-url https://s3.outside:9000 --store-endpoint-url https://s3.internal:9000'
const tags = '--store-secret keys --store-ca store-ca --image-registry registry.internal:5000 --pull-secret registry'

const stackRows = [
  row(stack),
  row(`stack llama --cache {cache} --store-url s3://models/llama ${one} ${loader} --namespace models`),
  row(`stack llama --inventory {ngc-inventory} --store-url s3://nim-mirror --region eu ${one} --source override`),
  row(`stack llama --cache {ngc} --image {image} --store-url s3://nim-mirror ${one}`),
  row(`${stack} --source loader ${tags} ${volume} --replicas 2 --port 9000 --set NIMService:spec.replicas=3`),
  row(`${stack} --claim models --loader nimcache ${elsewhere} --patch {patch} --image-digests {mirrored}`),
  row(
    `${stack} --loader job --loader-service-account models --loader-node-selector zone=a --loader-run-as 1000:3000:3000
     --loader-toleration nvidia.com/gpu:NoSchedule --loader-cpu 2 --loader-memory 4Gi --loader-ttl 1h --store-ca store-ca`,
  ),
  row(`${stack} --auth-secret ngc --shm-size 16Gi`),
  row(`${stack} --online`, 'main'),
  row(`${stack} --loader init --store-ca store-ca`, '3.1.0'),
  row(`${stack} --loader init --claim models`, '3.1.0'),
]

const storeRows = [
  'gs://models/llama',
  'https://files.internal/llama',
  'hdfs://namenode:8020/llama --webhdfs-url http://namenode:9870',
  'az://models/llama --endpoint-url https://account.blob.core.windows.net',
].flatMap(url => {
  const from = `--inventory {inventory} --store-url ${url} ${loader}`
  return [row(`stack llama ${from} ${one}`), row(`loader models ${from}`)]
})

const loaderRows = [
  row(`loader models ${uploaded} ${loader} --claim models`),
  row(`loader models --cache {cache} --store-url s3://models/llama ${loader}`),
  row(
    `loader models --inventory a={inventory} --store-url s3://models/a --inventory b={inventory} --store-url s3://models/b
     ${loader} ${elsewhere} ${volume} --store-secret keys --store-ca store-ca --pull-secret registry -n models
     --service-account models --node-selector zone=a --toleration nvidia.com/gpu=present:NoSchedule --run-as image --cpu 2
     --memory 4Gi --ttl 1h --parallelism 2`,
  ),
]

const cacheRows = [
  row(`nimcache llama ${uploaded} ${loader}`),
  row(`nimcache llama --cache {cache} --store-url s3://models/llama ${one} ${loader} --source loader -n models`),
  row(`nimcache llama ${uploaded} ${loader} ${volume} ${tags} ${elsewhere}`),
  row(`nimcache llama --cache {ngc} --image {image} --store-url s3://nim-mirror`),
]

const jobRows = [
  row(`run-job fetch ${loader} -- download s3://models/llama /data`),
  row(
    `run-job fetch ${loader} --pull-secret registry --service-account models --node-selector zone=a --run-as image
     --toleration nvidia.com/gpu:NoSchedule --cpu 2 --memory 4Gi --ttl 1h --shards 4 --parallelism 2 --env A=b --secret s3
     --config {patch} --mount-claim models=/data --mount-secret keys=/keys --mount-config-map settings=/settings -n models
     -- download s3://models/$(JOB_COMPLETION_INDEX) /data`,
  ),
]

const pod =
  '--nim-image nvcr.test/nim/meta/test-model:1 --image-registry registry.internal:5000 --pull-secret registry ' +
  '--replicas 2 --port 9000 --health-path v1/health/ready --startup-timeout 2h --cpu 4 --mem 64Gi --gpus 2 ' +
  '--shm-size 32Gi --env A=b --node-selector zone=a --toleration nvidia.com/gpu:NoSchedule --runtime-class nvidia ' +
  '--run-as 1000:3000:3000'

const podRows = [
  row(
    `pod llama ${uploaded} ${one} ${loader} ${pod} ${volume} ${elsewhere} --new-claim --store-secret keys --store-ca ca`,
  ),
  row(`pod llama --cache {cache} --store-url s3://models/llama ${one} ${loader} --as pod -n models`),
  row(`pod llama --cache {ngc} --image {image} --store-url s3://nim-mirror ${one}`),
  row(`pod llama ${uploaded} ${one} --claim models --sub-path llama`),
  row(
    `pod llama ${uploaded} ${one} ${loader} --adapter s3://models/loras/a --adapter math=s3://models/loras/b
     --adapter-secret loras --adapter-memory 2Gi --peft-source /opt/loras`,
  ),
  row(
    `pod llama ${uploaded} ${one} ${loader} --adapter hf://example/lora --adapter-image registry.internal/python:3 --adapter-memory 1Gi --online
     --peft-source /opt/loras     --ngc-secret ngc/KEY --hf-secret hf`,
  ),
  row(`pod pages --nim-image registry.internal/nim/page-elements:1 --claim models --model nvidia/page-elements-v3`),
]

/** No CRDs of KServe are at hand: of these the server sees what is Kubernetes' own. */
const kserveRows = [
  row(`kserve llama ${uploaded} ${one}`),
  row(`kserve llama ${uploaded} ${one} ${pod} ${elsewhere} --store-secret keys --store-ca ca -n models`),
  row(`kserve llama --cache {cache} --store-url s3://models/llama ${one} ${loader}`),
  row(`kserve llama --cache {cache} --image {image} --store-url s3://models/llama ${one} ${loader}`),
  row(`kserve llama ${uploaded} ${one} --service-account reader`),
  row(`kserve llama ${uploaded} ${one} --claim models --sub-path llama`),
]

/** Fields that no row of test/emit sets. */
const furtherRows = [
  row(`nimcache llama ${uploaded} ${loader} --toleration nvidia.com/gpu=present:NoSchedule`),
  row(
    `nimcache papers --source datastore --dataset nim/papers --revision v1 --endpoint https://data.internal/v1/hf
     --model-puller registry.internal/tools/puller:1 --auth-secret hub --pull-secret registry --size 10Gi`,
  ),
]

/** Each flag of each kind stands in at least one (emit-rows.reference.test.ts). */
export const emitRows: readonly EmitRow[] = [
  ...stackRows,
  ...storeRows,
  ...loaderRows,
  ...cacheRows,
  ...furtherRows,
  ...podRows,
  ...kserveRows,
  row(`nimservice llama --cache {ngc} --image {image} ${one}`),
  ...jobRows,
  ...Object.values(rowsByKind).flat(),
  ...stackServingRows,
]
