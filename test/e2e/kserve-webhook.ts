/** As it is written by `nimctl emit kserve --json`. */
export interface Emitted {
  objects: { kind: string; metadata: { name: string }; [field: string]: unknown }[]
  prerequisites: string[]
}

/** A Secret as somebody makes it who does what the prerequisites say. */
interface Secret {
  data: Record<string, string>
  annotations: Record<string, string>
}

/** What runs before the NIM. */
export interface Initializer {
  /** Address and directory. */
  args: [string, string]
  env: Record<string, string>
  /** Files that a volume brings, by path. */
  files: Record<string, string>
}

/**
 * What KServe's webhook makes of an InferenceService (pkg/webhook/admission/pod, pkg/credentials of kserve): the Secret of
 * the ServiceAccount decides by its keys what the initializer gets.
 *
 * @param values of the keys that the prerequisites ask for, by name; of files, their contents.
 */
export function initializerOf(emitted: Emitted, values: Record<string, string>): Initializer {
  const service = find(emitted, 'InferenceService') as { spec: { predictor: Predictor } }
  const { predictor } = service.spec
  const args: [string, string] = [predictor.model.storageUri, '/mnt/models']
  const account = emitted.objects.find(({ kind }) => kind === 'ServiceAccount') as
    | { secrets?: { name: string }[] }
    | undefined
  if ((account === undefined) !== (predictor.serviceAccountName === undefined))
    throw new Error('The InferenceService names a ServiceAccount that nobody made.')
  const [secret] = account?.secrets ?? []
  if (secret === undefined) return { args, env: {}, files: {} }
  return { args, ...credentials(secretFrom(emitted.prerequisites, secret.name, values)) }
}

interface Predictor {
  serviceAccountName?: string
  model: { storageUri: string }
}

export function find({ objects }: Emitted, kind: string): unknown {
  const object = objects.find(candidate => candidate.kind === kind)
  if (object === undefined) throw new Error(`There is no ${kind}.`)
  return object
}

/** Follows `kubectl create secret generic` and `kubectl annotate secret`. */
function secretFrom(prerequisites: readonly string[], name: string, values: Record<string, string>): Secret {
  const created = commandFor(prerequisites, `kubectl create secret generic ${name}`) ?? ''
  const lines = [...(/has the lines? (.*)/.exec(created)?.[1] ?? '').matchAll(/\b([A-Z_]+)=…/g)].map(
    ([, key = '']) => key,
  )
  const literals = [...created.matchAll(/--from-literal=([\w.-]+)='?([^'\s,]+)/g)]
  const files = [...created.matchAll(/--from-file=([\w.-]+)=FILE/g)].map(([, key = '']) => key)
  const given = [...lines, ...files].flatMap(key => (values[key] === undefined ? [] : [[key, values[key]] as const]))
  const annotated = commandFor(prerequisites, `kubectl annotate secret ${name}`) ?? ''
  return {
    data: Object.fromEntries([...literals.map(([, key = '', value = '']) => [key, value] as const), ...given]),
    annotations: Object.fromEntries(
      [...annotated.matchAll(/serving\.kserve\.io\/([\w-]+)=(\S+)/g)].map(([, key = '', value = '']) => [key, value]),
    ),
  }
}

function commandFor(prerequisites: readonly string[], command: string): string | undefined {
  return prerequisites.find(line => line.includes(command))
}

function credentials({ data, annotations }: Secret): Pick<Initializer, 'env' | 'files'> {
  const keyFile = 'gcloud-application-credentials.json'
  if (data['AWS_SECRET_ACCESS_KEY'] !== undefined)
    return { env: { ...pick(data, /^AWS_/), ...s3(annotations) }, files: {} }
  if (data[keyFile] !== undefined) {
    const path = `/var/secrets/${keyFile}`
    return { env: { GOOGLE_APPLICATION_CREDENTIALS: path }, files: { [path]: data[keyFile] } }
  }
  if (data['AZURE_CLIENT_ID'] !== undefined || data['AZURE_STORAGE_ACCESS_KEY'] !== undefined)
    return { env: pick(data, /^AZURE_/), files: {} }
  if (data['https-host'] !== undefined)
    return { env: { [`${data['https-host']}-headers`]: data['headers'] ?? '{}' }, files: {} }
  throw new Error(`KServe would pass over a Secret with the keys ${Object.keys(data).join(', ')}.`)
}

function s3(annotations: Record<string, string>): Record<string, string> {
  const { 's3-endpoint': endpoint, 's3-usehttps': https, 's3-region': region } = annotations
  return {
    ...(endpoint !== undefined && { AWS_ENDPOINT_URL: `${https === '0' ? 'http' : 'https'}://${endpoint}` }),
    ...(region !== undefined && { AWS_DEFAULT_REGION: region }),
  }
}

function pick(data: Record<string, string>, names: RegExp): Record<string, string> {
  return Object.fromEntries(Object.entries(data).filter(([name]) => names.test(name)))
}
