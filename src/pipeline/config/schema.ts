import * as v from 'valibot'

/**
 * The shape of `nimctl.yaml`. Types, checks and the JSON Schema for editors come from here (docs/nimctl-yaml.md). Keys are
 * the flags of the commands in camelCase; the title of each is what an editor shows, and what an error says is right.
 */

const text = (expected: string) => v.pipe(v.string(expected), v.minLength(1, expected), v.title(expected))

const flag = (expected: string) => v.pipe(v.boolean(`true or false: ${expected}`), v.title(expected))

const choice = <const Names extends readonly [string, ...string[]]>(names: Names, what: string) =>
  v.pipe(v.picklist(names, `${what}: ${names.join(', ')}`), v.title(what))

const count = (expected: string) =>
  v.pipe(v.number(expected), v.integer(expected), v.minValue(1, expected), v.title(expected))

const matching = (pattern: RegExp, expected: string) =>
  v.pipe(v.string(expected), v.regex(pattern, expected), v.title(expected))

const list = <Item extends v.GenericSchema>(item: Item, expected: string) =>
  v.pipe(v.array(item, expected), v.minLength(1, expected), v.title(expected))

const duration = matching(/^\d+[smhd]$/, 'a duration such as 30m, 12h or 2d')

const size = matching(/^\d+(\.\d+)?\s*[kmgtKMGT]?i?[bB]?$/, 'a size such as 500Gi')

/** Of a model or a store: it becomes a part of prefixes, directories and objects' names. */
const name = matching(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'a name of lower-case letters, digits, - and .')

const environment = v.pipe(
  v.record(
    v.pipe(v.string(), v.regex(/^[A-Za-z_]\w*$/, 'the name of an environment variable')),
    v.union([v.string(), v.number(), v.boolean()], 'a text, a number, true or false'),
    'names of variables and their values',
  ),
  v.title('environment of the container'),
)

const storeSchema = v.strictObject(
  {
    url: text('the URL of a bucket or prefix, such as s3://models'),
    endpointUrl: v.exactOptional(text('the address of the S3, GCS or Azure service, such as https://s3.internal:9000')),
    region: v.exactOptional(text('the region of the bucket')),
    awsProfile: v.exactOptional(text('a profile of the AWS configuration')),
    pathStyle: v.exactOptional(flag('ask for endpoint/bucket/key')),
    signRequest: v.exactOptional(flag('false for public buckets')),
    requestPayer: v.exactOptional(choice(['requester'], 'who pays')),
    sse: v.exactOptional(choice(['AES256', 'aws:kms'], 'how the server encrypts')),
    sseKmsKeyId: v.exactOptional(text('a key or ARN for sse aws:kms')),
    storageClass: v.exactOptional(text('a storage class of S3')),
    tagging: v.exactOptional(text('tags such as team=ml&stage=prod')),
    billingProject: v.exactOptional(text('the Google project that pays')),
    impersonateServiceAccount: v.exactOptional(text('a Google account')),
    webhdfsUrl: v.exactOptional(text('addresses such as http://namenode:9870, with commas between')),
    hdfsClient: v.exactOptional(flag('ask by the installed program hdfs')),
    hdfsTokenFile: v.exactOptional(text('a file with a delegation token')),
    hdfsOwner: v.exactOptional(text('user, user:group or :group of new files')),
    hdfsPermission: v.exactOptional(matching(/^[0-7]{3,4}$/, 'octal digits in quotes, such as "640"')),
    headerFile: v.exactOptional(text('a file with headers, one a line')),
    clientCertificate: v.exactOptional(text('a certificate in PEM')),
    clientKey: v.exactOptional(text('its key, in PEM')),
    caFile: v.exactOptional(text('certificates in PEM to trust')),
    insecureSkipTlsVerify: v.exactOptional(flag('check no TLS certificates')),
  },
  'a store: url, and how it is reached',
)

const profilesSchema = v.strictObject(
  {
    ids: v.exactOptional(list(text('an id, or a unique beginning of one'), 'a list of profile ids')),
    all: v.exactOptional(flag('every profile of the image')),
    section: v.exactOptional(list(text('a section'), 'sections of a profile list, such as [runnable]')),
    gpu: v.exactOptional(list(text('a GPU product, such as L40S'), 'a list of GPU products, such as [L40S]')),
    tp: v.exactOptional(count('a number of GPUs, 1 or more')),
    engine: v.exactOptional(text('an engine, such as tensorrt_llm')),
    precision: v.exactOptional(text('a precision, such as bf16')),
    qos: v.exactOptional(choice(['throughput', 'latency', 'balanced'], 'what it is tuned for')),
    lora: v.exactOptional(flag('with LoRA support')),
    buildable: v.exactOptional(flag('that an engine can be built from')),
    spec: v.exactOptional(text('a file with a NIMCache')),
    nodeGpu: v.exactOptional(list(text('a label nvidia.com/gpu.product'), 'a list of labels nvidia.com/gpu.product')),
  },
  'how profiles are chosen: ids, all, or conditions such as gpu and tp',
)

const cacheSchema = v.strictObject(
  {
    directory: v.exactOptional(text('a directory')),
    flat: v.exactOptional(flag('one profile as plain files')),
    modelName: v.exactOptional(list(text('a model of a native image'), 'a list of models of a native image')),
    modelEndpoint: v.exactOptional(text('the repository of a model, for a universal NIM')),
    modelUri: v.exactOptional(matching(/^[a-z][\w+.-]*:\/\/[^/]+\/\S+$/, 'an address such as hf://namespace/name')),
    gpus: v.exactOptional(text('GPUs of the container: all, none, or device=0')),
    runtime: v.exactOptional(text('a runtime of the engine, such as nvidia')),
    shmSize: v.exactOptional(size),
    network: v.exactOptional(text('a network of the engine')),
    user: v.exactOptional(text('UID:GID, or image')),
    pull: v.exactOptional(choice(['missing', 'always', 'never'], 'when the image is pulled')),
    env: v.exactOptional(environment),
  },
  'how the cache is filled',
)

const destinationSchema = v.strictObject(
  {
    store: name,
    prefix: v.exactOptional(v.pipe(v.string('a prefix in the store'), v.title('a prefix in the store'))),
    layout: v.exactOptional(choice(['cache', 'ngc', 'tar'], 'the layout')),
    links: v.exactOptional(choice(['copy', 'follow', 'record'], 'what becomes of links')),
    require: v.exactOptional(choice(['full-checksum', 'parts', 'etag', 'size'], 'how well arrival is proved')),
    replace: v.exactOptional(flag('put this image in the place of another')),
    delete: v.exactOptional(flag('remove objects that the cache does not have')),
  },
  'a destination: store, and prefix, layout, links',
)

const flagValue = v.union(
  [v.string(), v.number(), v.boolean(), v.array(v.union([v.string(), v.number()]))],
  'a text, a number, true, false, or a list of them',
)

const emitSchema = v.strictObject(
  {
    kind: text('a kind that nimctl emit writes, such as stack'),
    name: v.exactOptional(name),
    store: v.exactOptional(name),
    write: text('a file or a directory for the objects'),
    flags: v.exactOptional(
      v.pipe(
        v.record(v.string(), flagValue, 'flags of nimctl emit without --, and their values'),
        v.title('flags of nimctl emit without --'),
      ),
    ),
  },
  'objects: kind, write, and flags of nimctl emit',
)

const mirrorSchema = v.strictObject(
  {
    to: text('a registry, such as registry.internal:5000/prefix'),
    platform: v.exactOptional(text('platforms with commas between, or all')),
    withSignatures: v.exactOptional(flag('copy signatures as well')),
    srcTlsVerify: v.exactOptional(flag('false takes plain HTTP and unknown certificates from the source')),
    destTlsVerify: v.exactOptional(flag('false takes plain HTTP and unknown certificates from the destination')),
    caFile: v.exactOptional(text('certificates in PEM to trust')),
  },
  'where images are mirrored to: to, platform',
)

const modelSettings = {
  profiles: v.exactOptional(profilesSchema),
  cache: v.exactOptional(cacheSchema),
  mirror: v.exactOptional(v.union([mirrorSchema, v.literal(false)], 'where the image is mirrored to, or false')),
  upload: v.exactOptional(list(destinationSchema, 'a list of destinations')),
  emit: v.exactOptional(list(emitSchema, 'a list of objects to write')),
}

const modelSchema = v.strictObject(
  { name, image: text('an image, such as nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4'), ...modelSettings },
  'a model: name, image, and how its profiles are chosen',
)

export const stepNames = ['mirror', 'profiles', 'cache', 'upload', 'validate', 'emit'] as const

export type StepName = (typeof stepNames)[number]

const timeouts = Object.fromEntries(stepNames.map(step => [step, v.exactOptional(duration)])) as Record<
  StepName,
  v.ExactOptionalSchema<typeof duration, undefined>
>

const runSchema = v.strictObject(
  {
    parallel: v.exactOptional(count('a number of models, 1 or more')),
    maxDisk: v.exactOptional(size),
    timeouts: v.exactOptional(v.strictObject(timeouts, 'durations by step, such as cache: 6h')),
  },
  'how nimctl run works: parallel, maxDisk, timeouts',
)

export const configSchema = v.strictObject(
  {
    version: v.pipe(v.literal(1, '1: the version of this format'), v.title('1: the version of this format')),
    stores: v.exactOptional(
      v.pipe(v.record(name, storeSchema, 'stores by name'), v.title('stores by name, for upload and as @name')),
    ),
    defaults: v.exactOptional(v.strictObject(modelSettings, 'what holds for each model that does not say otherwise')),
    run: v.exactOptional(runSchema),
    models: list(modelSchema, 'a list of models'),
  },
  'version, models, and where they go',
)

export type Config = v.InferOutput<typeof configSchema>
export type ModelConfig = Config['models'][number]
export type StoreConfig = v.InferOutput<typeof storeSchema>
export type Destination = v.InferOutput<typeof destinationSchema>
export type EmitConfig = v.InferOutput<typeof emitSchema>
export type MirrorConfig = v.InferOutput<typeof mirrorSchema>
