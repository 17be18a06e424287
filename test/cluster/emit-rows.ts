import type { OperatorVersion } from '../../src/operator/versions.ts'

/** The operator releases whose CRDs the rows are tried under. */
export const triedVersions = ['3.0.0', '3.0.2', '3.1.0', '3.1.2', 'main'] as const satisfies OperatorVersion[]

type TriedVersion = (typeof triedVersions)[number]

/** A command line `nimctl emit KIND NAME FLAGS`; each row gets a name of its own. */
export interface EmitRow {
  kind: string
  /** `{…}` stands for a place of emit-place.ts. */
  flags: string
  /** Absent: all. */
  versions?: readonly TriedVersion[]
}

export function isFor({ versions = triedVersions }: EmitRow, version: TriedVersion): boolean {
  return versions.includes(version)
}

const uploaded = '--inventory {inventory} --store-url s3://models/llama --region eu-central-1'
const uploadedForNim = '--inventory {ngc-inventory} --store-url s3://nim-mirror --region eu-central-1'
const loader = '--loader-image registry.internal:5000/tools/nimctl:0.1.0'
const one = '--profile c0ffee'

/** Every flag of every kind stands in at least one row: emit-coverage.ts looks. */
export const emitRows: readonly EmitRow[] = [
  { kind: 'stack', flags: `${uploaded} ${one} ${loader}` },
  { kind: 'stack', flags: `--cache {cache} --store-url s3://models/llama ${one} ${loader} --namespace models` },
  { kind: 'stack', flags: `${uploadedForNim} ${one} --source override` },
  {
    kind: 'stack',
    flags:
      `${uploaded} ${one} ${loader} --source loader --store-secret keys --image-registry registry.internal:5000 ` +
      '--pull-secret registry --size 100Gi --storage-class nfs --access-mode ReadWriteMany --replicas 2 --port 9000',
  },
  {
    kind: 'stack',
    flags: `${uploaded} ${one} ${loader} --claim models --endpoint-url https://s3.outside:9000 --store-endpoint-url https://s3.internal:9000`,
  },
  { kind: 'stack', flags: `--cache {ngc} --image {image} --store-url s3://nim-mirror ${one}` },
  { kind: 'nimcache', flags: `${uploaded} ${loader}` },
  {
    kind: 'nimcache',
    flags: `--cache {cache} --store-url s3://models/llama ${one} ${loader} --source loader -n models`,
  },
  {
    kind: 'nimcache',
    flags:
      `${uploaded} ${loader} --store-secret keys --image-registry registry.internal:5000 --pull-secret registry ` +
      '--size 100Gi --storage-class nfs --access-mode ReadWriteMany --endpoint-url https://s3.outside:9000 ' +
      '--store-endpoint-url https://s3.internal:9000',
  },
  { kind: 'nimcache', flags: `${uploaded} ${loader} --claim models` },
  { kind: 'nimcache', flags: `--cache {ngc} --image {image} --store-url s3://nim-mirror` },
  { kind: 'stack', flags: `${uploaded} ${one} ${loader} --loader nimcache --store-ca store-ca` },
  {
    kind: 'stack',
    flags:
      `${uploaded} ${one} ${loader} --loader job --loader-service-account models --loader-node-selector zone=a ` +
      '--loader-toleration nvidia.com/gpu:NoSchedule --loader-run-as 1000:3000:3000 --loader-cpu 2 --loader-memory 4Gi ' +
      '--loader-ttl 1h --store-ca store-ca',
  },
  {
    kind: 'stack',
    flags: `${uploaded} ${one} ${loader} --loader init --store-ca store-ca`,
    versions: ['3.1.0', '3.1.2', 'main'],
  },
  { kind: 'stack', flags: `${uploaded} ${one} ${loader} --loader init --claim models`, versions: ['3.1.0', 'main'] },
  ...['gs://models/llama', 'https://files.internal/llama', 'hdfs://namenode:8020/llama'].map(url => ({
    kind: 'stack',
    flags: `--inventory {inventory} --store-url ${url} ${one} ${loader}`,
  })),
  {
    kind: 'stack',
    flags: `--inventory {inventory} --store-url az://models/llama --endpoint-url https://account.blob.core.windows.net ${one} ${loader}`,
  },
  { kind: 'loader', flags: `${uploaded} ${loader} --claim models` },
  {
    kind: 'loader',
    flags:
      `--inventory a={inventory} --store-url s3://models/a --inventory b={inventory} --store-url s3://models/b ${loader} ` +
      '--endpoint-url https://s3.outside:9000 --store-endpoint-url https://s3.internal:9000 --store-secret keys ' +
      '--store-ca store-ca --size 100Gi --storage-class nfs --access-mode ReadWriteMany --pull-secret registry ' +
      '--service-account models --node-selector zone=a --toleration nvidia.com/gpu=present:NoSchedule --run-as image ' +
      '--cpu 2 --memory 4Gi --ttl 1h --parallelism 2 -n models',
  },
  { kind: 'loader', flags: `--cache {cache} --store-url s3://models/llama ${loader}` },
  { kind: 'nimcache', flags: `${uploaded} ${loader} --store-ca store-ca` },
  { kind: 'nimservice', flags: `${uploaded} ${one}` },
  { kind: 'nimservice', flags: `--cache {ngc} --image {image} ${one}` },
  {
    kind: 'nimservice',
    flags:
      `--cache {cache} ${one} --claim models --replicas 3 --port 9000 --image-registry registry.internal:5000 ` +
      '--pull-secret registry -n models',
  },
]
