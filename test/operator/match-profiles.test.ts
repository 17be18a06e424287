import { describe, expect, it } from 'vitest'

import { matchProfile } from '../../src/operator/match-profiles.ts'
import type { ModelSpec } from '../../src/operator/model-spec.ts'

type Tags = Record<string, string>

function match(parser: 'v1' | 'v2', tags: Tags, spec: ModelSpec, nodeGpus: string[] = []) {
  return matchProfile(tags, spec, { parser, nodeGpus })
}

const engine = { llm_engine: 'tensorrt_llm', precision: 'fp8', tp: '2', profile: 'latency', gpu: 'H100' }

/** Where the two of them differ; what they have in common stands in samples/match-profiles.json. */
describe('oddities that are kept', () => {
  it.each<[string, Tags, ModelSpec, string[], boolean, boolean]>([
    ['case of precision', engine, { precision: 'FP8' }, [], false, true],
    ['case of tp', { tp: 'A' }, { tensorParallelism: 'a' }, [], false, true],
    ['case of engine', engine, { engine: 'TensorRT_llm' }, [], false, true],
    ['LoRA that nobody asked for', { ...engine, feat_lora: 'true' }, {}, [], false, true],
    ['a tag feat_lora in capitals', { ...engine, feat_lora: 'TRUE' }, { lora: true }, [], false, true],
    ['no tag feat_lora for lora: false', engine, { lora: false }, [], false, false],
    ['buildable', engine, { buildable: true }, [], true, false],
    ['GPUs of nodes without an engine in the spec', engine, {}, ['NVIDIA-A100-SXM4-80GB'], true, false],
    ['an empty gpu tag on a node', { llm_engine: 'tensorrt_llm' }, { engine: 'tensorrt' }, ['NVIDIA-L4'], true, true],
    [
      'an engine that is not TensorRT, with gpus',
      { llm_engine: 'vllm' },
      { gpus: [{ product: 'h100' }] },
      [],
      false,
      false,
    ],
    ['vLLM on a GPU of its own', { llm_engine: 'vllm', gpu: 'H100' }, { gpus: [{ product: 'h100' }] }, [], false, true],
    ['triton for tensorrt', { backend: 'triton' }, { engine: 'tensorrt_llm' }, [], false, true],
    ['model_type', { model_type: 'onnx' }, { engine: 'onnx' }, [], false, true],
    [
      'ids without a product',
      { ...engine, gpu_device: '2330:10de' },
      { gpus: [{ ids: ['20b2'] }] },
      ['H100'],
      true,
      false,
    ],
    [
      'ids of another entry than the product',
      { ...engine, gpu_device: '2330:10de' },
      {
        gpus: [
          { product: 'h100', ids: ['20b2'] },
          { product: 'a100', ids: ['2330'] },
        ],
      },
      [],
      false,
      true,
    ],
    [
      'a later entry with ids, after a product was found',
      { ...engine, gpu_device: '2330:10de' },
      { gpus: [{ product: 'h100' }, { product: 'b200', ids: ['2901'] }] },
      [],
      false,
      false,
    ],
    ['a node that is not in gpus', engine, { gpus: [{ product: 'b200' }] }, ['NVIDIA-H100-80GB-HBM3'], true, false],
    [
      'the wrong GPU, but buildable',
      { ...engine, trtllm_buildable: 'True' },
      { gpus: [{ product: 'l4' }] },
      [],
      false,
      true,
    ],
    ['a key that a label contains', { backend: 'tensorrt', key: 'A10G' }, {}, ['NVIDIA-A10G'], true, true],
    [
      'a key that is longer than the label',
      { backend: 'tensorrt', key: 'A10G_10.0' },
      {},
      ['NVIDIA-A10G'],
      true,
      false,
    ],
    ['an entry that says nothing', engine, { gpus: [{}] }, [], false, true],
    ['empty texts', engine, { precision: '', engine: '', gpus: [] }, [], true, true],
  ])('%s', (_, tags, spec, nodes, v1, v2) => {
    expect(match('v1', tags, spec, nodes).matched).toBe(v1)
    expect(match('v2', tags, spec, nodes).matched).toBe(v2)
  })
})

describe("Go's regular expressions", () => {
  const spec = { engine: 'tensorrt' }
  const matches = (pattern: string, label: string, gpu = 'none') =>
    match('v1', { backend: 'tensorrt', gpu, product_name_regex: pattern }, spec, [label]).matched
  it.each([
    ['^NVIDIA-A10(?!0).*', 'NVIDIA-A10G', false],
    ['(NVIDIA)-\\1', 'NVIDIA-NVIDIA', false],
    ['(?<=NVIDIA-)L4', 'NVIDIA-L4', false],
    ['^NVIDIA-(A10G|L4)$', 'NVIDIA-L4', true],
    ['L40', 'NVIDIA-L40S', true],
    ['(?i)nvidia-l4$', 'NVIDIA-L4', true],
    ['\\Q+\\E', 'A+B', true],
    ['\\pL4', 'NVIDIA-L4', true],
    ['[', '[', false],
    ['nvidia', 'NVIDIA-L4', false],
  ])('%s on %s: %s', (pattern, label, expected) => {
    expect(matches(pattern, label)).toBe(expected)
  })

  it('end on a pattern that would keep a backtracking engine busy', () => {
    expect(matches('^(a+)+$', `${'a'.repeat(40)}!`)).toBe(false)
  })
})

it.each<['v1' | 'v2', Tags, ModelSpec, string[], string]>([
  [
    'v1',
    engine,
    {},
    [],
    'the spec asks for nothing (GPUs are looked at only where the spec asks for TensorRT or for GPUs)',
  ],
  [
    'v2',
    engine,
    { precision: 'fp8', gpus: [{ product: 'h100', ids: [] }] },
    [],
    'meets the spec: precision fp8, gpus h100',
  ],
  ['v2', engine, { tensorParallelism: '4' }, [], 'has tp "2", not "4"'],
  ['v2', {}, { tensorParallelism: '4', qosProfile: 'latency' }, [], 'has no tag tp, has no tag profile'],
  ['v1', { ...engine, feat_lora: 'true' }, {}, [], 'is for LoRA, which the spec does not ask for'],
  ['v1', engine, { engine: 'vllm' }, [], 'has engine "tensorrt_llm", not "vllm"'],
  ['v1', {}, { engine: 'vllm' }, [], 'names no engine'],
  [
    'v1',
    { llm_engine: 'vllm' },
    { gpus: [{ product: 'h100' }] },
    [],
    'has engine "vllm"; where GPUs are looked at, only TensorRT counts',
  ],
  ['v1', engine, { gpus: [{ product: 'H100', ids: ['20b2'] }] }, [], 'names no gpu_device, not 20b2'],
  ['v2', engine, { gpus: [{ product: 'L40S' }] }, [], 'is for gpu "H100", not L40S'],
  ['v2', engine, {}, ['NVIDIA-L4'], 'is for gpu "H100", not NVIDIA-L4'],
  [
    'v1',
    { backend: 'tensorrt' },
    { engine: 'tensorrt' },
    ['NVIDIA-L4'],
    'meets the spec: engine tensorrt (its empty tag gpu fits every node)',
  ],
  [
    'v2',
    { ...engine, trtllm_buildable: 'true' },
    { gpus: [{ product: 'L40S' }] },
    [],
    'meets the spec: gpus L40S (is for gpu "H100", not L40S, but is buildable, which the operator takes for any GPU)',
  ],
])('%s says why: %j, %j, %j', (parser, tags, spec, nodes, why) => {
  expect(match(parser, tags, spec, nodes).why).toBe(why)
})
