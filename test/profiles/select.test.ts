import { describe, expect, it } from 'vitest'

import { parseGpuChoice, type ProfileChoice } from '../../src/profiles/choice.ts'
import { parseProfileList } from '../../src/profiles/parse-listing.ts'
import { selectProfiles } from '../../src/profiles/select.ts'
import { aListing, aProfile, idOf } from './fixtures.ts'

const tagged = aListing(
  aProfile({
    id: idOf('aaaa1'),
    description: 'trt',
    section: 'runnable',
    tags: {
      llm_engine: 'tensorrt_llm',
      precision: 'FP8',
      tp: '2',
      profile: 'latency',
      gpu: 'L40S',
      gpu_device: '26b5:10de',
    },
  }),
  aProfile({
    id: idOf('aaaa2'),
    description: 'trt-h100',
    section: 'incompatible',
    lora: true,
    tags: {
      llm_engine: 'tensorrt_llm',
      precision: 'fp8',
      tp: '4',
      profile: 'throughput',
      gpu: 'H100_NVL',
      gpu_device: '2321:10de',
    },
  }),
  aProfile({
    id: idOf('bbbb'),
    description: 'vllm-bf16',
    section: 'low-memory',
    tags: { llm_engine: 'vllm', precision: 'bf16', tp: '1' },
  }),
  aProfile({
    id: idOf('cccc'),
    description: 'build',
    section: 'compilable',
    tags: { llm_engine: 'tensorrt_llm', trtllm_buildable: 'true', tp: '8' },
  }),
  aProfile({ id: idOf('dddd'), tags: { backend: 'tensorrt', key: 'NVIDIA-A10G_10.0.1_12', precision: 'fp16' } }),
)

/** The same without tags, as a list prints it. */
const described = aListing(
  aProfile({
    id: idOf('aaaa1'),
    description: 'tensorrt_llm-l40s-fp8-tp2-pp1-latency-26b5:10de-abc-1',
    section: 'runnable',
  }),
  aProfile({
    id: idOf('aaaa2'),
    description: 'tensorrt_llm-h100_nvl-fp8-tp4-throughput-lora-2321:10de',
    section: 'incompatible',
    lora: true,
  }),
  aProfile({ id: idOf('bbbb'), description: 'vllm-bf16-tp1', section: 'low-memory' }),
  aProfile({ id: idOf('cccc'), description: 'tensorrt_llm-trtllm_buildable-bf16-tp8', section: 'compilable' }),
  aProfile({ id: idOf('dddd'), description: 'a10g-fp16-tensorrt-tensorrt' }),
)

function chosen(listing: typeof tagged, choice: ProfileChoice): string {
  const { profiles } = selectProfiles(listing, choice)
  return profiles
    .filter(({ selected }) => selected)
    .map(({ id }) => id.replace(/0+$/, ''))
    .join(' ')
}

const gpus = (text: string) => ({ gpus: [parseGpuChoice(text)] })

describe.each([
  ['tags', tagged],
  ['descriptions', described],
])('flags, by %s', (_, listing) => {
  it.each<[string, ProfileChoice, string]>([
    ['nothing', {}, 'aaaa1 aaaa2 bbbb cccc dddd'],
    ['empty lists', { profiles: [], sections: [], gpus: [] }, 'aaaa1 aaaa2 bbbb cccc dddd'],
    ['all', { all: true }, 'aaaa1 aaaa2 bbbb cccc dddd'],
    ['sections', { sections: ['runnable', 'low-memory'] }, 'aaaa1 bbbb'],
    ['tp', { tp: 4 }, 'aaaa2'],
    ['engine', { engine: 'vLLM' }, 'bbbb'],
    ['engine, as people write it', { engine: 'trt-llm' }, 'aaaa1 aaaa2 cccc dddd'],
    ['precision', { precision: 'fp8' }, 'aaaa1 aaaa2'],
    ['qos', { qos: 'Latency' }, 'aaaa1'],
    ['lora', { lora: true }, 'aaaa2'],
    ['no lora', { lora: false, engine: 'tensorrt_llm' }, 'aaaa1 cccc dddd'],
    ['buildable', { buildable: true }, 'cccc'],
    ['gpu', gpus('l40s'), 'aaaa1'],
    ['gpu of a family', gpus('H100'), 'aaaa2'],
    ['gpu as a node label', gpus('NVIDIA-L40S'), 'aaaa1'],
    ['gpu in a key', gpus('A10G'), 'dddd'],
    ['gpu with a device', gpus('L40S:26b9+26B5'), 'aaaa1'],
    ['two GPUs', { gpus: [parseGpuChoice('L40S'), parseGpuChoice('H100 NVL')] }, 'aaaa1 aaaa2'],
    ['several flags', { engine: 'tensorrt_llm', precision: 'fp8', tp: 2 }, 'aaaa1'],
  ])('choose by %s', (_name, choice, expected) => {
    expect(chosen(listing, choice)).toBe(expected)
  })

  it.each<[string, ProfileChoice, string]>([
    ['L4 is not L40S', gpus('L4'), '--gpu L4'],
    ['another device', gpus('L40S:26b9'), '--gpu L40S:26b9'],
    ['tp that nobody has', { engine: 'vllm', tp: 16 }, '--tp 16 leaves none of the last 1: each has tp 1'],
    [
      'no common profile',
      { engine: 'vllm', qos: 'latency' },
      '--qos latency leaves none of the last 1: each names no qos',
    ],
  ])('choose nothing: %s', (_name, choice, why) => {
    expect(() => selectProfiles(listing, choice)).toThrow(
      expect.objectContaining({
        category: 'not-found',
        code: 'PROFILES_NONE_MATCH',
        why: expect.stringContaining(why),
      }),
    )
  })
})

it('says why each profile is chosen or not', () => {
  const { profiles } = selectProfiles(tagged, { engine: 'tensorrt_llm', precision: 'fp8', tp: 2 })
  expect(profiles.slice(0, 3).map(({ why }) => why)).toEqual([
    'is as asked: --engine tensorrt_llm --precision fp8 --tp 2',
    'has tp 4',
    'has engine vllm, has precision bf16, has tp 1',
  ])
})

it.each<[ProfileChoice, string]>([
  [{ lora: true, engine: 'vllm' }, '--lora leaves none of the last 1: each has no LoRA support.'],
  [{ lora: false, tp: 4 }, '--no-lora leaves none of the last 1: each has LoRA support.'],
  [{ buildable: true, engine: 'vllm' }, '--buildable leaves none of the last 1: each is not buildable.'],
  [{ buildable: false, tp: 8 }, '--no-buildable leaves none of the last 1: each is buildable.'],
])('names the flag that leaves none: %o', (choice, why) => {
  expect(() => selectProfiles(tagged, choice)).toThrow(expect.objectContaining({ code: 'PROFILES_NONE_MATCH', why }))
})

it('asks for a host where sections are chosen and nobody was asked', () => {
  expect(() => selectProfiles(aListing(aProfile()), { sections: ['runnable'] })).toThrow(
    expect.objectContaining({ code: 'PROFILES_NONE_MATCH', next: expect.stringContaining('--on docker') }),
  )
})

it('forgets an earlier selection where nothing is chosen', () => {
  const saved = aListing(aProfile({ selected: false, why: 'has tp 2' }))
  expect(selectProfiles(saved, {}).profiles).toEqual([aProfile()])
})

describe('a profile by name', () => {
  it.each([
    ['its id', idOf('aaaa1'), 'aaaa1'],
    ['its id in upper case', idOf('bbbb').toUpperCase(), 'bbbb'],
    ['a unique beginning', 'aaaa2', 'aaaa2'],
    ['its description', 'vllm-bf16', 'bbbb'],
    ['a description that others begin with', 'trt', 'aaaa1'],
    ['a pasted line', `  - ${idOf('cccc')} (build) [requires >=3 GB/gpu]`, 'cccc'],
    ['a pasted line of nimlib', `- ${idOf('dddd')} - backend:tensorrt`, 'dddd'],
  ])('is found by %s', (_, name, expected) => {
    expect(chosen(tagged, { profiles: [name] })).toBe(expected)
  })

  it('is one of several', () => {
    expect(chosen(tagged, { profiles: ['bbbb', 'trt', idOf('bbbb')] })).toBe('aaaa1 bbbb')
  })

  it.each([
    ['a beginning of two', 'aaaa', [idOf('aaaa1'), idOf('aaaa2')]],
    ['a description of two', 'twin', [idOf('e1'), idOf('e2')]],
  ])('is ambiguous: %s', (_, name, candidates) => {
    const twins = ['e1', 'e2'].map(id => aProfile({ id: idOf(id), description: 'twin' }))
    const listing = aListing(...tagged.profiles, ...twins)
    const error = expect.objectContaining({
      category: 'usage',
      code: 'PROFILE_AMBIGUOUS',
      why: expect.stringMatching(candidates.join('.*')),
    })
    expect(() => selectProfiles(listing, { profiles: [name] })).toThrow(error)
  })

  it.each([
    ['a description with a slip', 'vllm-bf61', idOf('bbbb')],
    ['an id with a slip', idOf('ccce'), idOf('cccc')],
    ['a beginning with a slip', 'dddddf', idOf('dddd')],
    ['a beginning that is too short', 'bbb', idOf('bbbb')],
  ])('is unknown, with the nearest: %s', (_, name, nearest) => {
    const why = new RegExp(`^The nearest of 5: ${nearest}`)
    const error = expect.objectContaining({
      category: 'not-found',
      code: 'PROFILE_UNKNOWN',
      why: expect.stringMatching(why),
    })
    expect(() => selectProfiles(tagged, { profiles: [name] })).toThrow(error)
  })
})

it.each<[ProfileChoice, string]>([
  [{ all: true, profiles: ['trt'] }, '--all and --profile exclude each other.'],
  [{ all: true, tp: 2 }, '--all and --tp 2 exclude each other.'],
  [{ profiles: ['trt'], sections: ['runnable'], tp: 2 }, '--profile and --section runnable --tp 2 exclude each other.'],
])('refuses two ways to choose', (choice, message) => {
  expect(() => selectProfiles(tagged, choice)).toThrow(
    expect.objectContaining({ category: 'usage', code: 'PROFILE_CHOICE_CONFLICT', message }),
  )
})

it.each([
  ['L40S', { product: 'L40S', pciIds: [] }],
  ['H100 NVL: 2321 + 2330:10DE', { product: 'H100 NVL', pciIds: ['2321', '2330'] }],
])('parses the GPU %s', (text, expected) => {
  expect(parseGpuChoice(text)).toEqual(expected)
})

it.each(['', ':26b9', 'L40S:', 'L40S:xyz', 'L40S:26b9+'])('refuses the GPU "%s"', text => {
  expect(() => parseGpuChoice(text)).toThrow(expect.objectContaining({ category: 'usage', code: 'GPU_CHOICE_INVALID' }))
})

it('chooses from a list as it is printed', () => {
  const id = idOf('1')
  const {
    profiles,
    gpus: found,
    warnings,
  } = parseProfileList(`- ${id} (vllm-fp16-tp2)\n- ${idOf('2')} (vllm-fp16-tp1)`)
  expect(chosen({ source: 'docker', gpus: found, profiles, warnings }, { tp: 2 })).toBe('1')
})
