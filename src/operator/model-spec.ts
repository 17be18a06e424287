import * as v from 'valibot'
import { parseAllDocuments } from 'yaml'

import { NimctlError } from '../system/errors.ts'

export interface GpuSpec {
  product?: string | undefined
  /** PCI device ids without the vendor, such as `26b5`. */
  ids?: string[] | undefined
}

/** `spec.source.ngc.model` of a NIMCache (reference/operator.md section 2). All but `lora` and `buildable` are text. */
export interface ModelSpec {
  profiles?: string[] | undefined
  precision?: string | undefined
  engine?: string | undefined
  tensorParallelism?: string | undefined
  qosProfile?: string | undefined
  gpus?: GpuSpec[] | undefined
  lora?: boolean | undefined
  buildable?: boolean | undefined
}

export interface ReadModelSpec {
  model: ModelSpec
  /** Fields that the operator passes over, and what its webhook refuses; sentences. */
  warnings: string[]
}

/**
 * Reads what of a NIMCache decides which profiles the operator caches: from the whole object, its `spec`, its `source`,
 * or the model fields alone, in YAML or JSON. Among other Kubernetes objects the only NIMCache counts.
 *
 * @throws NimctlError `usage` / `SPEC_INVALID` naming the field, or what was looked for.
 */
export function parseModelSpec(text: string): ReadModelSpec {
  const { fields, annotations } = findModel(readObject(text))
  const result = v.safeParse(modelFields, fields)
  if (!result.success) {
    const problems = result.issues.map(issue => `${v.getDotPath(issue) ?? 'model'}: ${issue.message}`)
    throw invalid(`${problems.join('; ')}.`)
  }
  const unknown = Object.keys(fields).filter(name => !(name in modelFields.entries))
  if (unknown.length > 0 && unknown.length === Object.keys(fields).length) {
    throw invalid(`It has ${unknown.join(', ')}, and none of ${Object.keys(modelFields.entries).join(', ')}.`)
  }
  const given = withoutNothing(result.output)
  const byHand = isEmpty(given.profiles) ? selectedByHand(annotations) : undefined
  return {
    model: { ...given, ...(byHand !== undefined && { profiles: byHand }) },
    warnings: [
      ...(byHand === undefined
        ? []
        : [`The annotation ${selectedAnnotation} names the profiles: the operator matches nothing.`]),
      ...(unknown.length > 0
        ? [`The CRD has no ${unknown.join(', ')}: the API server drops what it does not know.`]
        : []),
      ...overridden(given),
      ...refusedByWebhook(given),
    ],
  }
}

/** The operator does not look at them, although the CRD takes them; sentences. */
export function passedOver(
  model: ModelSpec,
  { parser, nodeGpus }: { parser: 'v1' | 'v2'; nodeGpus: readonly string[] },
): string[] {
  if (!isEmpty(model.profiles)) return []
  const idsAlone = (model.gpus ?? []).some(({ product = '', ids = [] }) => product === '' && ids.length > 0)
  return [
    ...(parser === 'v1' && model.buildable !== undefined
      ? ['The operator ignores buildable for model manifests of version 1.']
      : []),
    ...(parser === 'v1' && idsAlone
      ? ['The operator ignores ids without a product for model manifests of version 1.']
      : []),
    ...((model.gpus ?? []).length > 0 && nodeGpus.length > 0
      ? ['With gpus in the spec the operator does not look at the nodes: leave out --node-gpu to see what it does.']
      : []),
  ]
}

type Fields = Record<string, unknown>

const text = v.nullish(v.string('must be a string, in quotes where it looks like a number'))
const yesNo = v.nullish(v.boolean('must be true or false'))
const texts = v.nullish(v.array(v.string('must be a string, in quotes where it looks like a number'), 'must be a list'))

const modelFields = v.looseObject({
  profiles: texts,
  precision: text,
  engine: text,
  tensorParallelism: text,
  qosProfile: text,
  gpus: v.nullish(v.array(v.looseObject({ product: text, ids: texts }, 'must be a map'), 'must be a list')),
  lora: yesNo,
  buildable: yesNo,
})

/** To the API server a field without a value is none. */
function withoutNothing(output: v.InferOutput<typeof modelFields>): ModelSpec {
  const { profiles, precision, engine, tensorParallelism, qosProfile, gpus, lora, buildable } = output
  return {
    profiles: profiles ?? undefined,
    precision: precision ?? undefined,
    engine: engine ?? undefined,
    tensorParallelism: tensorParallelism ?? undefined,
    qosProfile: qosProfile ?? undefined,
    gpus: gpus?.map(({ product, ids }) => ({ product: product ?? undefined, ids: ids ?? undefined })),
    lora: lora ?? undefined,
    buildable: buildable ?? undefined,
  }
}

/** YAML 1.1, as kubectl reads it: `lora: yes` is true. */
function readObject(yaml: string): Fields {
  const documents = parseAllDocuments(yaml, { version: '1.1', prettyErrors: false, logLevel: 'error' })
  if (!Array.isArray(documents)) throw invalid('It is empty.')
  const error = documents.flatMap(({ errors }) => errors)[0]
  if (error !== undefined) {
    throw invalid(`Line ${yaml.slice(0, error.pos[0]).split('\n').length} is no YAML: ${error.message}.`)
  }
  const values = documents.map(document => document.toJS({ maxAliasCount: 100 }) as unknown)
  const objects = values.filter(value => value !== null && value !== undefined)
  const caches = objects.filter(value => isFields(value) && value['kind'] === 'NIMCache')
  const [only] = caches.length > 0 ? caches : objects
  if (caches.length > 1 || (caches.length === 0 && objects.length > 1)) {
    throw invalid(`It holds ${caches.length > 1 ? caches.length : objects.length} objects, and one NIMCache is wanted.`)
  }
  if (only === undefined) throw invalid('It is empty.')
  if (!isFields(only)) throw invalid('It is not a map of fields.')
  return only
}

function findModel(object: Fields): { fields: Fields; annotations: Fields } {
  const kind = object['kind']
  if (kind !== undefined && kind !== 'NIMCache')
    throw invalid(`It is a ${JSON.stringify(kind)}, and a NIMCache is wanted.`)
  const metadata = fieldsAt(object, 'metadata')
  const annotations = fieldsAt(metadata, 'annotations')
  const spec = 'spec' in object ? fieldsAt(object, 'spec') : object
  const source = 'source' in spec ? fieldsAt(spec, 'source') : spec
  if (kind === 'NIMCache' || 'ngc' in source || 'hf' in source || 'dataStore' in source) {
    const ngc = source['ngc']
    if (!isFields(ngc)) throw noChoice(Object.keys(source).join(', ') || 'nothing')
    if (typeof ngc['modelEndpoint'] === 'string' && ngc['modelEndpoint'] !== '') throw noChoice('modelEndpoint')
    return { fields: fieldsAt(ngc, 'model'), annotations }
  }
  return { fields: 'model' in source ? fieldsAt(source, 'model') : source, annotations }
}

function fieldsAt(object: Fields, name: string): Fields {
  const value = object[name]
  if (value === undefined || value === null) return {}
  if (isFields(value)) return value
  throw invalid(`${name} must be a map.`)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whoever sets it himself chooses the profiles, and the operator matches nothing (reference/operator.md section 3). */
const selectedAnnotation = 'nvidia.com/selected-profiles'

function selectedByHand(annotations: Fields): string[] | undefined {
  const written = annotations[selectedAnnotation]
  if (written === undefined) return undefined
  try {
    return v.parse(v.array(v.string()), JSON.parse(v.parse(v.string(), written)))
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof v.ValiError)) throw error
    throw invalid(`The annotation ${selectedAnnotation} is no JSON list of profile ids.`)
  }
}

/** "When these are provided, rest of the model parameters for profile selection are ignored" (the CRD's own words). */
function overridden({ profiles, ...others }: ModelSpec): string[] {
  if (isEmpty(profiles)) return []
  const ignored = Object.entries(others).flatMap(([name, value]) => (isNothing(value) ? [] : [name]))
  if (ignored.length === 0) return []
  return [
    `The spec names profiles, so the operator ignores ${ignored.join(', ')}; where its webhook is on, it refuses the NIMCache.`,
  ]
}

function refusedByWebhook({ profiles = [], qosProfile }: ModelSpec): string[] {
  const unknownQos = qosProfile !== undefined && !['', 'latency', 'throughput'].includes(qosProfile)
  return [
    ...(profiles.includes('all') && profiles.length > 1
      ? ["The operator's webhook refuses profiles that name others beside all; without it, all are cached."]
      : []),
    ...(unknownQos
      ? [`The operator's webhook takes no qosProfile but latency and throughput, not "${qosProfile}".`]
      : []),
  ]
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
}

function isEmpty(profiles: readonly string[] | undefined): boolean {
  return profiles === undefined || profiles.length === 0
}

function invalid(why: string): NimctlError {
  return new NimctlError('usage', 'SPEC_INVALID', {
    what: 'The file of --spec says nothing of what the NIM Operator would choose.',
    why,
    next: 'Give a NIMCache, or the fields of its spec.source.ngc.model, such as: engine: tensorrt_llm',
  })
}

function noChoice(source: string): NimctlError {
  return new NimctlError('usage', 'SPEC_INVALID', {
    what: 'The NIM Operator chooses no profiles for this NIMCache.',
    why: `Its source is ${source}; profiles are matched for spec.source.ngc.model alone.`,
    next: 'Leave out --spec, or give a NIMCache with source.ngc.model.',
  })
}
