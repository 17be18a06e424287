import { describe, expect, it } from 'vitest'

import { parseModelSpec, passedOver } from '../../src/operator/model-spec.ts'

const given = { engine: 'tensorrt_llm', tensorParallelism: '2', lora: true, gpus: [{ product: 'l40s', ids: ['26b5'] }] }
const fields = `engine: tensorrt_llm
tensorParallelism: "2"
lora: yes
gpus:
- product: l40s
  ids: ["26b5"]
`
const indented = (by: number) => fields.replaceAll(/^(?=.)/gm, ' '.repeat(by))
const cache = `apiVersion: apps.nvidia.com/v1alpha1
kind: NIMCache
metadata: {name: llama}
spec:
  source:
    ngc:
      modelPuller: nvcr.io/nim/meta/llama:1
      model:
${indented(8)}  storage: {pvc: {create: true}}
`

describe('the model fields', () => {
  it.each([
    ['alone', fields],
    ['as JSON', JSON.stringify(given)],
    ['under model', `model:\n${indented(2)}`],
    ['in a source', `ngc:\n  model:\n${indented(4)}`],
    ['in a spec', `source:\n  ngc:\n    model:\n${indented(6)}`],
    ['in a NIMCache', cache],
    ['in a NIMCache among other objects', `---\nkind: Secret\nmetadata: {name: a}\n---\n${cache}---\n`],
  ])('are read %s', (_, text) => {
    expect(parseModelSpec(text)).toEqual({ model: given, warnings: [] })
  })

  it.each([
    ['no field', '{}'],
    ['fields without a value', 'engine:\nlora: null\ngpus: ~\n'],
    ['a NIMCache without a model', 'kind: NIMCache\nspec: {source: {ngc: {modelPuller: x}}}'],
  ])('may say nothing: %s', (_, text) => {
    const { model, warnings } = parseModelSpec(text)
    expect(Object.values(model).filter(value => value !== undefined)).toEqual([])
    expect(warnings).toEqual([])
  })
})

describe('warns', () => {
  it.each([
    ['of what is ignored beside profiles', 'profiles: [a]\nengine: vllm\nlora: false', 'ignores engine, lora'],
    ['of others beside all', 'profiles: [all, a]', 'others beside all'],
    ['of a field that the CRD does not have', 'engine: vllm\nquantization: fp8', 'has no quantization'],
    ['of balanced', 'qosProfile: balanced', 'no qosProfile but latency and throughput, not "balanced"'],
  ])('%s', (_, text, warning) => {
    expect(parseModelSpec(text).warnings).toEqual([expect.stringContaining(warning)])
  })

  it.each([
    ['buildable', 'v1', { buildable: false }, [], 'buildable'],
    ['ids alone', 'v1', { gpus: [{ ids: ['26b5'] }] }, [], 'ids without a product'],
    ['nodes beside gpus', 'v2', { gpus: [{ product: 'l40s' }] }, ['NVIDIA-L40S'], '--node-gpu'],
  ] as const)('of what the matching passes over: %s', (_, parser, model, nodeGpus, warning) => {
    const spec =
      'gpus' in model ? { gpus: model.gpus.map(gpu => ({ ...gpu, ids: 'ids' in gpu ? [...gpu.ids] : [] })) } : model
    expect(passedOver(spec, { parser, nodeGpus })).toEqual([expect.stringContaining(warning)])
  })

  it('of nothing that is looked at', () => {
    expect(passedOver({ buildable: true, gpus: [{ ids: ['26b5'] }] }, { parser: 'v2', nodeGpus: [] })).toEqual([])
    expect(passedOver({ profiles: ['a'], buildable: true }, { parser: 'v1', nodeGpus: [] })).toEqual([])
  })
})

it('takes the profiles that somebody set by annotation', () => {
  const annotated = cache.replace(
    '{name: llama}',
    `{name: llama, annotations: {nvidia.com/selected-profiles: '["a","b"]'}}`,
  )
  expect(parseModelSpec(annotated)).toMatchObject({
    model: { profiles: ['a', 'b'] },
    warnings: [expect.stringContaining('matches nothing')],
  })
})

it.each([
  ['nothing', '', /^It is empty\.$/],
  ['no map', '- a', /^It is not a map of fields\.$/],
  ['no YAML', 'engine: [a', /^Line \d+ is no YAML/],
  ['another kind', 'kind: NIMService', /^It is a "NIMService", and a NIMCache is wanted\.$/],
  ['other fields', 'replicas: 3\nimage: x', /^It has replicas, image, and none of profiles, precision/],
  ['two of them', `${cache}---\n${cache}`, /^It holds 2 objects, and one NIMCache is wanted\.$/],
  ['other objects', 'kind: Secret\n---\nkind: Pod', /^It holds 2 objects/],
  [
    'a number for a text',
    'tensorParallelism: 8',
    /^tensorParallelism: must be a string, in quotes where it looks like a number\.$/,
  ],
  ['a number for an id', 'gpus: [{ids: [2330]}]', /^gpus\.0\.ids\.0: must be a string/],
  ['a text for a truth value', 'lora: maybe', /^lora: must be true or false\.$/],
  ['a text for a list', 'profiles: all', /^profiles: must be a list\.$/],
  ['a text for a map', 'kind: NIMCache\nspec: x', /^spec must be a map\.$/],
  ['Hugging Face', 'kind: NIMCache\nspec: {source: {hf: {modelName: x}}}', /source is hf/],
  ['an endpoint', 'source: {ngc: {modelEndpoint: nim/a/b}}', /source is modelEndpoint/],
  ['no source', 'kind: NIMCache\nspec: {}', /source is nothing/],
  [
    'an annotation that is no list',
    `kind: NIMCache\nmetadata: {annotations: {nvidia.com/selected-profiles: x}}\nspec: {source: {ngc: {}}}`,
    /no JSON list/,
  ],
])('refuses %s', (_, text, why) => {
  expect(() => parseModelSpec(text)).toThrow(
    expect.objectContaining({ category: 'usage', code: 'SPEC_INVALID', why: expect.stringMatching(why) }),
  )
})
