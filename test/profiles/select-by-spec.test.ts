import { expect, it } from 'vitest'

import type { ModelSpec } from '../../src/operator/model-spec.ts'
import type { ProfileListing } from '../../src/profiles/listing.ts'
import { selectBySpec } from '../../src/profiles/select-by-spec.ts'
import { selectProfiles } from '../../src/profiles/select.ts'
import { aListing, aProfile, idOf } from './fixtures.ts'

const listing: ProfileListing = {
  ...aListing(
    aProfile({ id: idOf('aaaa'), description: 'trt', tags: { llm_engine: 'tensorrt_llm', tp: '2' } }),
    aProfile({ id: idOf('bbbb'), tags: { llm_engine: 'vllm', tp: '1' } }),
  ),
  operatorParser: 'v2',
}

function select(model: ModelSpec, from = listing, warnings: string[] = []) {
  const { profiles, warnings: said } = selectBySpec(from, { model, warnings, nodeGpus: [] })
  return { selected: profiles.map(({ selected }) => selected), why: profiles.map(({ why }) => why), warnings: said }
}

it('marks every profile with why', () => {
  expect(select({ tensorParallelism: '2' }, listing, ['read so'])).toEqual({
    selected: [true, false],
    why: ['meets the spec: tensorParallelism 2', 'has tp "1", not "2"'],
    warnings: ['read so'],
  })
})

it.each<[string, ModelSpec, boolean[]]>([
  ['all', { profiles: ['all'] }, [true, true]],
  ['those that are named', { profiles: [idOf('bbbb')], tensorParallelism: '2' }, [false, true]],
])('takes %s without matching', (_, model, selected) => {
  expect(select(model).selected).toEqual(selected)
})

it('needs no manifest for profiles that are named', () => {
  const { operatorParser: _parser, ...asked } = listing
  expect(select({ profiles: [idOf('aaaa')] }, asked).selected).toEqual([true, false])
  expect(() => select({}, asked)).toThrow(expect.objectContaining({ category: 'usage', code: 'SPEC_NEEDS_MANIFEST' }))
})

it.each([
  ['nobody offers', 'dead'.padEnd(64, 'f'), /nearest/],
  ['is only begun', 'bbbb', /whole ids/],
  ['is a description', 'trt', /whole ids/],
])('refuses a profile that %s', (_, name, why) => {
  expect(() => select({ profiles: [name] })).toThrow(
    expect.objectContaining({ category: 'not-found', code: 'PROFILE_UNKNOWN', why: expect.stringMatching(why) }),
  )
})

it('says what the operator makes of a spec that nothing meets', () => {
  const { selected, warnings } = select({ engine: 'sglang' })
  expect(selected).toEqual([false, false])
  expect(warnings).toEqual([expect.stringContaining('no profiles are selected for caching')])
})

it('says that the operator can not read a manifest', () => {
  const { selected, why, warnings } = select({}, { ...listing, operatorParser: 'none' })
  expect(selected).toEqual([false, false])
  expect(why[0]).toMatch(/can not read/)
  expect(warnings).toEqual([expect.stringContaining('Name the profiles')])
})

it('is no choice to download by where nothing meets it', () => {
  const spec = { model: { engine: 'sglang' }, warnings: [], nodeGpus: [] }
  expect(() => selectProfiles(listing, { spec })).toThrow(
    expect.objectContaining({ category: 'not-found', code: 'PROFILES_NONE_MATCH' }),
  )
  expect(() => selectProfiles(listing, { spec, tp: 2 })).toThrow(
    expect.objectContaining({ code: 'PROFILE_CHOICE_CONFLICT', message: '--spec and --tp 2 exclude each other.' }),
  )
})
