import { describe, expect, it } from 'vitest'

import type { NamedObject } from '../../src/transfer/compare.ts'
import { markSample, type Sample } from '../../src/validate/sample.ts'
import { seeded } from '../seeded.ts'

const total = 200

async function chosen(sample: Sample, seed = 1): Promise<string[]> {
  const random = seeded(seed)
  const marked = markSample(someNamed(), { sample, total, random: () => random.below(2 ** 30) / 2 ** 30 })
  return (await Array.fromAsync(marked)).filter(({ read }) => read).map(({ key }) => key)
}

/** Every other one is named by another image's inventory alone. */
async function* someNamed(): AsyncGenerator<NamedObject> {
  for (let index = 0; index < total; index++) {
    yield { key: `other-${index}` }
    yield { key: `file-${index}`, expected: { kind: 'file', size: 1, crc32c: '00000000' } }
  }
}

describe('markSample', () => {
  it.each([
    [{ percent: 5 }, 10],
    [{ percent: 0.1 }, 1],
    [{ percent: 100 }, total],
    [{ objects: 7 }, 7],
    [{ objects: 1_000_000 }, total],
  ])('%j marks exactly %i, of those whose content is known', async (sample, count) => {
    const keys = await chosen(sample)
    expect(keys).toHaveLength(count)
    expect(keys.every(key => key.startsWith('file-'))).toBe(true)
  })

  it('marks others the next time', async () => {
    expect(await chosen({ percent: 5 }, 1)).not.toEqual(await chosen({ percent: 5 }, 2))
  })
})
