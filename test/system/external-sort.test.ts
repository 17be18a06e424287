import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { openSorter } from '../../src/system/external-sort.ts'
import { compareUtf8 } from '../../src/system/utf8-order.ts'
import { newSeed, seeded, type Seeded } from '../seeded.ts'

const first = Number(process.env.NIMCTL_TEST_SEED ?? newSeed())
const seeds = Array.from({ length: 20 }, (_, index) => first + index)

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-sort-'))
  vi.stubEnv('TMPDIR', directory)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true, force: true })
})

interface Named {
  key: string
  number: number
}

const byKey = (a: Named, b: Named) => compareUtf8(a.key, b.key)

const pieces = [
  'a',
  'a/',
  'a-',
  '\n',
  '\r\n',
  '\0',
  '"',
  '\\',
  'ü',
  '\uFFFD',
  '\uD800',
  '\uDFFF',
  '😀',
  '\uE000',
  ' ',
  '',
]

/** Some twice, and some longer than what is read at once. */
function randomNames(random: Seeded, count: number): Named[] {
  return Array.from({ length: count }, (_, number) => {
    const parts = Array.from({ length: random.below(6) }, () => random.pick(pieces))
    return { key: parts.join('') + (random.below(200) === 0 ? 'x'.repeat(random.below(300_000)) : ''), number }
  })
}

describe.each([
  ['in memory', Infinity],
  ['in runs of a few', 500],
  ['in runs of one', 1],
])('%s', (_case, memory) => {
  it.each(seeds)('is as Array.sort, equal ones in their order (seed %i)', async seed => {
    const random = seeded(seed)
    const names = randomNames(random, random.below(600))
    const sorter = openSorter(byKey, { memory })
    for (const name of names) await sorter.add(name)
    const expected = names.toSorted(byKey)
    expect(await Array.fromAsync(sorter.read())).toEqual(expected)
    expect(await Array.fromAsync(sorter.read())).toEqual(expected)
    await sorter.clear()

    await sorter.add({ key: 'again', number: 0 })
    expect(await Array.fromAsync(sorter.read())).toEqual([{ key: 'again', number: 0 }])
    await sorter.clear()
  })
})

it('leaves no name in the directory of temporary files, not even while it works', async () => {
  const sorter = openSorter(byKey, { memory: 1 })
  await sorter.add({ key: 'b', number: 1 })
  await sorter.add({ key: 'a', number: 2 })
  expect(await readdir(directory)).toEqual([])
  for await (const { key } of sorter.read()) {
    expect(key).toBe('a')
    expect(await readdir(directory)).toEqual([])
    break
  }
  await sorter.clear()
})

it('says where it could not write', async () => {
  vi.stubEnv('TMPDIR', join(directory, 'absent'))
  const sorter = openSorter(byKey, { memory: 1 })
  await expect(sorter.add({ key: 'a', number: 1 })).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' })
})
