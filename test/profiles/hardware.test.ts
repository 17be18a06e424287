import { expect, it } from 'vitest'

import { checkHardware } from '../../src/profiles/hardware.ts'
import { aProfile, idOf } from './fixtures.ts'

const profiles = [
  aProfile({ id: idOf('1'), description: 'vllm-fp16-tp1' }),
  aProfile({ id: idOf('2'), description: 'vllm-fp16-tp2' }),
  aProfile({ id: idOf('3'), tags: { tp: '1', pp: '2' } }),
  aProfile({ id: idOf('4'), tags: { number_of_gpus: '8', tp: '8' }, selected: false }),
]

it.each([
  'NVIDIA L40S-48C',
  'NVIDIA-L40S-48C',
  'NVIDIA-L40S-48C-SHARED',
  'GRID T4-16Q',
  'NVIDIA A40-48Q',
  'NVIDIA RTX6000-Ada-48C',
])('a model over several GPUs does not run on vGPUs such as %s', name => {
  expect(checkHardware(profiles, [name, name])).toEqual([
    `${name} is a vGPU. What is spread over several GPUs (vllm-fp16-tp2, ${idOf('3')}) does not run there: over several vGPUs models are served on A100 and H100 with NVLink alone.`,
  ])
})

it.each(['NVIDIA A100-80C', 'GRID A100D-2-20C', 'NVIDIA H100XM-80C', 'NVIDIA-H100L-94C'])(
  'needs NVLink on %s',
  name => {
    expect(checkHardware(profiles, [name])).toEqual([expect.stringContaining('only where NVLink connects the GPUs')])
  },
)

it.each([
  'NVIDIA L40S',
  'NVIDIA-L40S',
  'NVIDIA-A100-SXM4-80GB',
  'NVIDIA-A100-SXM4-80GB-MIG-3g.40gb',
  'NVIDIA H100 80GB HBM3',
  'NVIDIA GB10',
  'L40S',
  'Tesla-T4',
])('says nothing of %s, which is a whole GPU', name => {
  expect(checkHardware(profiles, [name])).toEqual([])
})

it('says nothing where each profile runs on one GPU', () => {
  expect(checkHardware(profiles.slice(0, 1), ['NVIDIA L40S-48C'])).toEqual([])
  expect(checkHardware(profiles.slice(3), ['NVIDIA L40S-48C'])).toEqual([])
})
