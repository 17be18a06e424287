import { expect, it } from 'vitest'

import { renderProfiles } from '../../src/cli/render/profile-table.ts'
import { aListing, aProfile } from '../profiles/fixtures.ts'

const plain = { explain: false }

it('leaves out columns about which nothing is known', () => {
  expect(renderProfiles(aListing(aProfile({ id: 'a', description: 'x', section: 'runnable' })), plain)).toBe(
    'ID   DESCRIPTION   SECTION\na    x             runnable',
  )
})

it('shows what is known: GPUs, memory, files, bytes', () => {
  const profile = aProfile({
    id: 'a',
    description: 'vllm-bf16-tp2',
    section: 'low-memory',
    tags: { tp: '2', pp: '2', gpu: 'H100' },
    requiresGbPerGpu: 34.5,
    files: 12,
    bytes: 3 * 2 ** 30,
  })
  expect(
    renderProfiles(aListing(profile), plain)
      .split('\n')[1]
      ?.split(/\s{2,}/),
  ).toEqual(['a', 'vllm-bf16-tp2', 'low-memory', '4 × H100', '34.5 GB/GPU', '12', '3.0 GiB'])
})

it('marks GPUs that are busy', () => {
  const gpus = [
    { name: 'NVIDIA L40S', free: true },
    { name: 'NVIDIA T600', free: false },
  ]
  const listing = { ...aListing(aProfile({ section: 'runnable' })), gpus }
  expect(renderProfiles(listing, plain)).toMatch(/^GPUs: NVIDIA L40S, NVIDIA T600 \(busy\)\n/)
})

it('shows nothing to a terminal that it would obey', () => {
  const listing = aListing(aProfile({ tags: { llm_engine: '\u001B[2Jvllm\u0007' } }))
  expect(renderProfiles(listing, plain)).not.toContain('\u001B')
  expect(renderProfiles(listing, plain)).toContain('vllm')
})

it('keeps the column of what is new, also where that can not be told', () => {
  const told = aProfile({ id: 'a', new: { files: 2, bytes: 2048 } })
  const listing = { ...aListing(told, aProfile({ id: 'b' })), together: { files: 3, new: { files: 2 } } }
  const text = renderProfiles(listing, { explain: false, newTo: './cache' })
  expect(text).toContain('2 files, 2.0 KiB')
  expect(text.split('\n').at(-1)).toBe('Together 3 files; new to ./cache: 2 files.')
})
