import { writeFile } from 'node:fs/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { readList } from '../profiles/fixtures.ts'
import { openBarePlace, type BarePlace } from './bare-place.ts'
import { problemsOf } from './documents.ts'

const id = (digit: string) => digit.repeat(64)
const uri = (version: string, file: string) => `        uri: ngc://nim/meta/test-model:${version}?file=${file}\n`

/** Of the model in the cache of a bare place; one file of the second profile is not there. */
const manifest = `schema_version: 2.0.0
profiles:
- id: ${id('a')}
  tags: {llm_engine: vllm, precision: bf16, tp: '1', feat_lora: 'false'}
  workspace:
    files:
      config.json:
${uri('hf-1234567', 'config.json')}      LICENSE.txt:
${uri('hf-1234567', 'LICENSE.txt')}- id: ${id('b')}
  tags: {llm_engine: tensorrt_llm, precision: fp8, tp: '2', gpu: L40S, gpu_device: 26b5:10de}
  workspace:
    files:
      config.json:
${uri('hf-1234567', 'config.json')}      trtllm_engine/rank0.engine:
${uri('l40sx2', 'rank0.engine')}`

let place: BarePlace
beforeAll(async () => {
  place = await openBarePlace()
  await writeFile(place.path('manifest.yaml'), manifest)
  await writeFile(place.path('list.txt'), readList('llm-1.0'))
  await writeFile(place.path('all.txt'), readList('bionemo-all-profiles'))
  await writeFile(place.path('vgpu.txt'), readList('llm-1.0').replaceAll('NVIDIA L40S (L40S)', 'NVIDIA L40S-48C'))
  await writeFile(place.path('spec.yaml'), 'engine: tensorrt_llm\ngpus: [{product: l40s}]\n')
  await writeFile(place.path('none.yaml'), 'engine: sglang\n')
  await writeFile(place.path('bad.yaml'), 'tensorParallelism: 2\n')
})
afterAll(() => place.remove())

async function profiles(...args: string[]) {
  return await place.run(['profiles', ...args])
}

describe('the table', () => {
  it('says first that nobody has said what runs', async () => {
    const { stdout } = await profiles('--file', place.path('manifest.yaml'))
    const [first, head, ...rows] = stdout.trimEnd().split('\n')
    expect(first).toBe('Nobody has said what runs: this is the model manifest alone. A host says it, with --on docker.')
    expect(head?.split(/\s{2,}/)).toEqual(['ID', 'TAGS', 'SECTION', 'GPUS', 'FILES', 'SHARED'])
    expect(rows.map(row => row.split(/\s{2,}/))).toEqual([
      [id('a'), 'vllm bf16 tp1', 'unknown', '1', '2', '1 file'],
      [id('b'), 'tensorrt_llm L40S fp8 tp2', 'unknown', '2 × L40S', '2', '1 file'],
      ['Together 3 files.'],
    ])
  })

  it('names the GPUs of a host that has said it', async () => {
    const { stdout } = await profiles('--file', place.path('list.txt'), '--section', 'runnable', '--tp', '2')
    const [first, head, ...rows] = stdout.trimEnd().split('\n')
    expect(first).toBe('GPUs: NVIDIA L40S, NVIDIA L40S')
    expect(head?.split(/\s{2,}/)).toEqual(['ID', 'DESCRIPTION', 'SECTION', 'GPUS'])
    expect(rows.map(row => row.split(/\s{2,}/).slice(1))).toEqual([
      ['tensorrt_llm-l40s-fp8-tp2-latency', 'runnable', '2 × l40s'],
      ['vllm-fp16-tp2', 'runnable', '2'],
      ['vllm-fp16-tp2-lora', 'runnable', '2'],
    ])
  })

  it('says so of a list without sections too', async () => {
    const { stdout } = await profiles('--file', place.path('all.txt'))
    expect(stdout).toMatch(/^Nobody has said what runs: this list names no sections\./)
  })

  it.each([
    ['a directory', () => place.path('cache')],
    ['a store', () => place.url],
  ])('shows what is new to %s', async (_, where) => {
    const outcome = await profiles('--file', place.path('manifest.yaml'), '--new-to', where())
    const rows = outcome.stdout.trimEnd().split('\n').slice(2)
    expect(rows.map(row => row.split(/\s{2,}/).slice(4))).toEqual([
      ['2', '19 B', '1 file, 12 B', 'nothing'],
      ['2', '1 file, 12 B', '1 file'],
      [],
    ])
    expect(rows.at(-1)).toBe(`Together 3 files; new to ${where()}: 1 file.`)
  })

  it('counts all as new to a directory that is not there yet', async () => {
    const outcome = await profiles('--file', place.path('manifest.yaml'), '--new-to', place.path('later'), '--json')
    expect(outcome.json()).toMatchObject({ together: { files: 3, new: { files: 3 } } })
  })

  it('explains under --spec', async () => {
    const outcome = await profiles(
      '--file',
      place.path('manifest.yaml'),
      '--spec',
      place.path('spec.yaml'),
      '--explain',
    )
    const rows = outcome.stdout.trimEnd().split('\n').slice(2)
    expect(rows.map(row => row.split(/\s{2,}/).slice(-2))).toEqual([
      ['no', 'has engine "vllm", not "tensorrt_llm"'],
      ['yes', 'meets the spec: engine tensorrt_llm, gpus l40s'],
    ])
    expect(outcome.exitCode).toBe(0)
  })
})

it('prints the JSON that docs/json.md promises', async () => {
  const args = ['--file', place.path('manifest.yaml'), '--new-to', place.path('cache'), '--json']
  const outcome = await profiles(...args)
  expect(problemsOf(outcome.json(), 'ProfileListing')).toEqual([])
})

it('answers with none where the operator would choose none: exit 3', async () => {
  const outcome = await profiles('--file', place.path('manifest.yaml'), '--spec', place.path('none.yaml'), '--json')
  expect(outcome.exitCode).toBe(3)
  expect(outcome.json()).toMatchObject({ ok: false, profiles: [{ selected: false }, { selected: false }] })
  expect(outcome.stderr).toContain('no profiles are selected for caching')
})

it('chooses by spec again from what it saved', async () => {
  const saved = await profiles('--file', place.path('manifest.yaml'), '--json')
  await writeFile(place.path('saved.json'), saved.stdout)
  const ids = await profiles('--file', place.path('saved.json'), '--spec', place.path('spec.yaml'), '--ids')
  expect(ids.stdout).toBe(`${id('b')}\n`)
})

it('warns of several vGPUs without NVLink', async () => {
  const outcome = await profiles('--file', place.path('vgpu.txt'), '--engine', 'vllm', '--json')
  const warning = expect.stringContaining('NVIDIA L40S-48C is a vGPU.')
  expect(outcome.json().warnings).toEqual([warning])
  expect(outcome.stderr).toContain('NVIDIA L40S-48C is a vGPU.')
  const one = await profiles('--file', place.path('vgpu.txt'), '--tp', '1', '--json')
  expect(one.json().warnings).toEqual([])
})

it.each<[string, () => string[], string, RegExp]>([
  ['--node-gpu alone', () => ['--file', 'x', '--node-gpu', 'NVIDIA-L40S'], 'NODE_GPU_IDLE', /--spec/],
  [
    '--spec and --tp',
    () => ['--file', 'x', '--spec', place.path('spec.yaml'), '--tp', '2'],
    'PROFILE_CHOICE_CONFLICT',
    /./,
  ],
  [
    'a spec that the API server refuses',
    () => ['--file', 'x', '--spec', place.path('bad.yaml')],
    'SPEC_INVALID',
    /must be a string/,
  ],
  [
    'a spec without a manifest',
    () => ['--file', place.path('list.txt'), '--spec', place.path('spec.yaml')],
    'SPEC_NEEDS_MANIFEST',
    /tags/,
  ],
  [
    '--new-to without a manifest',
    () => ['--file', place.path('list.txt'), '--new-to', place.path('cache')],
    'NEW_TO_NEEDS_MANIFEST',
    /files/,
  ],
  ['--sizes without a manifest', () => ['--file', place.path('list.txt'), '--sizes'], 'SIZES_NEED_MANIFEST', /files/],
  ['--new-to a word', () => ['--file', place.path('manifest.yaml'), '--new-to', 'models'], 'URL_INVALID', /./],
])('refuses %s in a sentence', async (_, args, code, why) => {
  const outcome = await profiles(...args(), '--json')
  expect(outcome.exitCode).toBe(2)
  expect(outcome.json()).toMatchObject({ kind: 'Error', category: 'usage', code })
  expect(outcome.stdout).toMatch(why)
})

it('names a spec that is not there', async () => {
  const outcome = await profiles('--file', place.path('manifest.yaml'), '--spec', place.path('gone.yaml'), '--json')
  expect(outcome.exitCode).toBe(5)
  expect(outcome.json()).toMatchObject({ code: 'PATH_NOT_FOUND' })
})

it('does not fill a directory of the machine that DOCKER_HOST names', async () => {
  const outcome = await place.run(['cache', 'a/b:1', './cache', '--all', '--json'], {
    env: { DOCKER_HOST: 'tcp://gpu-host.test:2376' },
  })
  expect(outcome.exitCode).toBe(2)
  expect(outcome.json()).toMatchObject({ code: 'ENGINE_ELSEWHERE', next: expect.stringContaining('profiles-from') })
})
