import { RE2JS, RE2JSException } from 're2js'

import type { GpuSpec, ModelSpec } from './model-spec.ts'

/** Which of the operator's two parsers reads a model manifest. They match by different rules. */
export type ManifestParser = 'v1' | 'v2'

type Tags = Readonly<Record<string, string>>

export interface Verdict {
  matched: boolean
  /** A clause about the profile, such as `has tp "2", not "8"`. */
  why: string
}

/**
 * Whether the NIM Operator takes a profile for a NIMCache's model spec that names no profiles (`MatchProfiles` in
 * internal/nimparser of k8s-nim-operator: v1 as of 3.0.0, v2 as of 3.0.2; reference/operator.md, "MatchProfiles,
 * exactly"). Its oddities are kept on purpose, and told in `why`.
 *
 * @param tags of the model manifest, as text.
 * @param nodeGpus values of the node label `nvidia.com/gpu.product`. The operator collects them only for a spec
 * without `gpus`.
 */
export function matchProfile(
  tags: Tags,
  spec: ModelSpec,
  { parser, nodeGpus }: { parser: ManifestParser; nodeGpus: readonly string[] },
): Verdict {
  return parser === 'v1' ? matchV1(tags, spec, nodeGpus) : matchV2(tags, spec, nodeGpus)
}

/** What a tag is instead of what is asked for; `undefined` where it fits. */
type Unmet = string | undefined

function matchV1(tags: Tags, spec: ModelSpec, nodeGpus: readonly string[]): Verdict {
  const backend = tag(tags, 'llm_engine') || tag(tags, 'backend')
  const lora = spec.lora === undefined ? undefined : String(spec.lora)
  const compare = comparing(tags, isSame)
  const unmet = [
    compare('precision', spec.precision),
    compare('tp', spec.tensorParallelism),
    compare('profile', spec.qosProfile),
    lora === undefined && tag(tags, 'feat_lora') === 'true'
      ? 'is for LoRA, which the spec does not ask for'
      : undefined,
    compare('feat_lora', lora),
    isGiven(spec.engine) && !backend.includes(withoutLlm(spec.engine)) ? otherEngine(backend, spec.engine) : undefined,
  ].filter(reason => reason !== undefined)
  if (unmet.length > 0) return { matched: false, why: unmet.join(', ') }
  const gpus = spec.gpus ?? []
  if (!isTensorRt(spec.engine ?? '') && gpus.length === 0) {
    return accepted(spec, 'GPUs are looked at only where the spec asks for TensorRT or for GPUs')
  }
  if (!isTensorRt(backend)) {
    return refused(`has engine "${backend}"; where GPUs are looked at, only TensorRT counts`)
  }
  return gpus.length > 0 || nodeGpus.length > 0 ? matchGpuV1(tags, spec, { gpus, nodeGpus }) : accepted(spec)
}

/** Once one entry's product was found, the ids of every later entry with a product count as well. */
function matchGpuV1(
  tags: Tags,
  spec: ModelSpec,
  { gpus, nodeGpus }: { gpus: readonly GpuSpec[]; nodeGpus: readonly string[] },
): Verdict {
  let found = false
  for (const { product = '', ids = [] } of gpus) {
    if (product === '') continue
    found ||= isPart(product, tag(tags, 'gpu')) || isPart(product, tag(tags, 'key'))
    if (found && ids.length > 0 && !ids.includes(deviceOf(tags))) return refused(otherDevice(tags, ids))
  }
  if (found) return accepted(spec)
  const gpu = tag(tags, 'gpu')
  for (const label of nodeGpus) {
    if (isPart(gpu, label)) {
      return accepted(spec, gpu === '' ? `its empty tag gpu fits every node` : `fits the node's ${label}`)
    }
    if (fitsPattern(tags, label)) return accepted(spec, `product_name_regex fits the node's ${label}`)
  }
  return refused(otherGpu(tags, gpus, nodeGpus))
}

function matchV2(tags: Tags, spec: ModelSpec, nodeGpus: readonly string[]): Verdict {
  const written = tag(tags, 'llm_engine') || tag(tags, 'model_type') || tag(tags, 'backend')
  const backend = written.toLowerCase() === 'triton' ? 'tensorrt' : written.toLowerCase()
  const compare = comparing(tags, isSameIgnoringCase)
  const yesNo = (value: boolean | undefined) => (value === undefined ? undefined : String(value))
  const unmet = [
    compare('precision', spec.precision),
    compare('tp', spec.tensorParallelism),
    compare('profile', spec.qosProfile),
    compare('feat_lora', yesNo(spec.lora)),
    compare('trtllm_buildable', yesNo(spec.buildable)),
    isGiven(spec.engine) && !backend.includes(withoutLlm(spec.engine.toLowerCase()))
      ? otherEngine(written, spec.engine)
      : undefined,
  ].filter(reason => reason !== undefined)
  if (unmet.length > 0) return { matched: false, why: unmet.join(', ') }
  const gpu = unmetGpuV2(tags, spec.gpus ?? [], nodeGpus)
  if (gpu === undefined) return accepted(spec)
  if (tag(tags, 'trtllm_buildable').toLowerCase() !== 'true') return refused(gpu)
  return accepted(spec, `${gpu}, but is buildable, which the operator takes for any GPU`)
}

/** Ids and products are not paired here: any id of any entry, and any product of any entry. */
function unmetGpuV2(tags: Tags, gpus: readonly GpuSpec[], nodeGpus: readonly string[]): Unmet {
  if (gpus.length === 0) {
    const isForSome = ['gpu', 'key', 'product_name_regex'].some(name => tag(tags, name) !== '')
    if (!isForSome || nodeGpus.length === 0 || nodeGpus.some(label => isForNode(tags, label))) return undefined
    return otherGpu(tags, gpus, nodeGpus)
  }
  const ids = gpus.flatMap(gpu => gpu.ids ?? [])
  const device = deviceOf(tags)
  if (ids.length > 0 && (device === '' || !ids.includes(device))) return otherDevice(tags, ids)
  const products = gpus.flatMap(({ product = '' }) => (product === '' ? [] : [product]))
  const names = ['gpu', 'key'].map(name => tag(tags, name))
  if (products.length === 0 || products.some(product => names.some(name => isPart(product, name)))) return undefined
  return otherGpu(tags, gpus, nodeGpus)
}

function isForNode(tags: Tags, label: string): boolean {
  const named = ['gpu', 'key'].some(name => tag(tags, name) !== '' && isPart(tag(tags, name), label))
  return named || fitsPattern(tags, label)
}

/** A pattern that Go's regular expressions refuse, such as one with `(?!`, fits nothing. */
function fitsPattern(tags: Tags, label: string): boolean {
  const pattern = tag(tags, 'product_name_regex')
  if (pattern === '') return false
  try {
    return RE2JS.compile(pattern).matcher(label).find()
  } catch (error) {
    if (error instanceof RE2JSException) return false
    throw error
  }
}

function tag(tags: Tags, name: string): string {
  return tags[name] ?? ''
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}

function isSame(one: string, other: string): boolean {
  return one === other
}

function isSameIgnoringCase(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

function isPart(part: string, whole: string): boolean {
  return whole.toLowerCase().includes(part.toLowerCase())
}

function isTensorRt(engine: string): boolean {
  return engine.toLowerCase().includes('tensorrt')
}

function withoutLlm(engine: string): string {
  return engine.replace(/_llm$/, '')
}

function deviceOf(tags: Tags): string {
  return tag(tags, 'gpu_device').replace(/:10de$/, '')
}

function comparing(tags: Tags, fits: (one: string, other: string) => boolean) {
  return (name: string, wanted: string | undefined): Unmet => {
    if (!isGiven(wanted) || fits(tag(tags, name), wanted)) return undefined
    return tags[name] === undefined ? `has no tag ${name}` : `has ${name} "${tags[name]}", not "${wanted}"`
  }
}

function otherEngine(backend: string, wanted: string): string {
  return backend === '' ? 'names no engine' : `has engine "${backend}", not "${wanted}"`
}

function otherDevice(tags: Tags, ids: readonly string[]): string {
  const device = deviceOf(tags)
  return `${device === '' ? 'names no gpu_device' : `has gpu_device "${device}"`}, not ${ids.join(' or ')}`
}

function otherGpu(tags: Tags, gpus: readonly GpuSpec[], nodeGpus: readonly string[]): string {
  const names = ['gpu', 'key', 'product_name_regex'].flatMap(name =>
    tag(tags, name) === '' ? [] : [`${name} "${tag(tags, name)}"`],
  )
  const wanted = [...gpus.flatMap(({ product = '' }) => (product === '' ? [] : [product])), ...nodeGpus]
  const found = names.length === 0 ? 'names no GPU' : `is for ${names.join(', ')}`
  return wanted.length === 0 ? found : `${found}, not ${wanted.join(' or ')}`
}

function refused(why: string): Verdict {
  return { matched: false, why }
}

function accepted(spec: ModelSpec, note?: string): Verdict {
  const asked = describeSpec(spec)
  const why = asked === '' ? 'the spec asks for nothing' : `meets the spec: ${asked}`
  return { matched: true, why: note === undefined ? why : `${why} (${note})` }
}

function describeSpec({ profiles: _profiles, gpus = [], ...fields }: ModelSpec): string {
  const named = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name} ${value}`],
  )
  const products = gpus.map(({ product = '', ids = [] }) => [product, ...ids].filter(Boolean).join(' '))
  return [...named, ...(products.length === 0 ? [] : [`gpus ${products.join(', ')}`])].join(', ')
}
