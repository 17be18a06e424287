import { read, textAt } from '../../system/json.ts'

/** Plain data with names. */
export type Fields = Record<string, unknown>

/** What an object has that runs containers; `path` leads to it from the object's root. */
export interface Workload {
  form: 'nimcache' | 'nimservice' | 'nimbuild' | 'pod'
  path: string
  spec: Fields
}

export interface Container {
  path: string
  fields: Fields
  role: 'main' | 'init' | 'sidecar'
}

export interface Variable {
  path: string
  name: string
  /** As it is written; absent where it comes from elsewhere. */
  value: string | undefined
  fields: Fields
}

/** Where a pod's spec lies in the kinds that have one. */
const podSpecs: Record<string, string> = {
  'v1/Pod': 'spec',
  'apps/v1/Deployment': 'spec.template.spec',
  'apps/v1/StatefulSet': 'spec.template.spec',
  'apps/v1/DaemonSet': 'spec.template.spec',
  'apps/v1/ReplicaSet': 'spec.template.spec',
  'batch/v1/Job': 'spec.template.spec',
  'batch/v1/CronJob': 'spec.jobTemplate.spec.template.spec',
  'serving.kserve.io/v1beta1/InferenceService': 'spec.predictor',
  'serving.kserve.io/v1alpha1/ServingRuntime': 'spec',
  'serving.kserve.io/v1alpha1/ClusterServingRuntime': 'spec',
  'serving.kserve.io/v1alpha1/ClusterStorageContainer': 'spec',
}

const operatorForms = { NIMCache: 'nimcache', NIMService: 'nimservice', NIMBuild: 'nimbuild' } as const

const operatorGroup = 'apps.nvidia.com/'

/** Several of a NIMPipeline, none of what runs nothing. */
export function workloadsOf(object: unknown): Workload[] {
  const apiVersion = textAt(object, 'apiVersion') ?? ''
  const kind = textAt(object, 'kind') ?? ''
  if (!apiVersion.startsWith(operatorGroup)) return workloadAt(object, 'pod', podSpecs[`${apiVersion}/${kind}`])
  if (kind === 'NIMPipeline') {
    const services = listAt(object, 'spec', 'services')
    return services.flatMap((_, index) => workloadAt(object, 'nimservice', `spec.services[${index}].spec`))
  }
  return isOperatorKind(kind) ? workloadAt(object, operatorForms[kind], 'spec') : []
}

function isOperatorKind(kind: string): kind is keyof typeof operatorForms {
  return kind in operatorForms
}

function workloadAt(object: unknown, form: Workload['form'], path: string | undefined): Workload[] {
  if (path === undefined) return []
  const spec = read(object, ...path.replaceAll(/\[(\d+)\]/g, '.$1').split('.'))
  return isFields(spec) ? [{ form, path, spec }] : []
}

/** Of a NIMService the main container is the spec itself: it has the same fields. */
export function containersOf({ form, path, spec }: Workload): Container[] {
  const listed = (name: string, role: Container['role']): Container[] =>
    listAt(spec, name).flatMap((fields, index) =>
      isFields(fields) ? [{ path: `${path}.${name}[${index}]`, fields, role }] : [],
    )
  const model = read(spec, 'model')
  return [
    ...listed('initContainers', 'init'),
    ...(form === 'pod' ? listed('containers', 'main') : [{ path, fields: spec, role: 'main' as const }]),
    ...listed('sidecarContainers', 'sidecar'),
    ...(form === 'pod' && isFields(model) ? [{ path: `${path}.model`, fields: model, role: 'main' as const }] : []),
    ...(form === 'pod' && isFields(spec.container)
      ? [{ path: `${path}.container`, fields: spec.container, role: 'init' as const }]
      : []),
  ]
}

export function variablesOf({ path, fields }: Container): Variable[] {
  return listAt(fields, 'env').flatMap((entry, index) => {
    const name = textAt(entry, 'name')
    if (name === undefined || !isFields(entry)) return []
    const fromElsewhere = entry.valueFrom !== undefined && entry.valueFrom !== null
    return [
      {
        path: `${path}.env[${index}]`,
        name,
        value: scalarText(entry.value) ?? (fromElsewhere ? undefined : ''),
        fields: entry,
      },
    ]
  })
}

/** Of the main container, by name; the last one counts, as in Kubernetes. */
export function mainVariables(workload: Workload): Map<string, Variable> {
  const main = containersOf(workload).filter(({ role }) => role === 'main')
  return new Map(main.flatMap(variablesOf).map(variable => [variable.name, variable]))
}

export interface NamedImage {
  path: string
  image: string
}

/** As the container runtime gets them; the operator puts repository and tag together. */
export function imagesOf(workload: Workload): NamedImage[] {
  const { form, path, spec } = workload
  const ofContainers = containersOf(workload).flatMap(container => imageOf(container))
  if (form !== 'nimcache') return ofContainers
  const pullers = ['ngc', 'hf', 'dataStore'].flatMap(source => {
    const image = textAt(spec, 'source', source, 'modelPuller')
    return image === undefined ? [] : [{ path: `${path}.source.${source}.modelPuller`, image }]
  })
  return [...pullers, ...ofContainers]
}

function imageOf({ path, fields }: Container): NamedImage[] {
  const { image } = fields
  if (typeof image === 'string' && image !== '') return [{ path: `${path}.image`, image }]
  const repository = textAt(image, 'repository')
  if (repository === undefined) return []
  const tag = scalarText(read(image, 'tag')) ?? ''
  const named = tag === '' ? repository : `${repository}:${tag}`
  return [{ path: `${path}.image`, image: named }]
}

/** What a container runs, as one line for people and patterns. */
export function commandLine({ fields }: Container): string {
  return [...listAt(fields, 'command'), ...listAt(fields, 'args')].filter(word => typeof word === 'string').join(' ')
}

export function listAt(value: unknown, ...names: string[]): unknown[] {
  const found = read(value, ...names)
  return Array.isArray(found) ? found : []
}

/** Text, or what YAML makes of text without quotes. */
export function scalarText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
