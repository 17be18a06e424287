import { describe, expect, it } from 'vitest'

import { crc32c } from '../../src/system/hash.ts'
import { joinRangeSums } from '../../src/transfer/range-sums.ts'
import { seeded } from '../seeded.ts'

const content = seeded(1).bytes(1000)
const summed = (ranges: [start: number, end: number][]) =>
  new Map(ranges.map(([start, end]) => [start, { size: end - start, crc32c: crc32c(content.subarray(start, end)) }]))

describe('the checksum of a file', () => {
  it.each<[string, [number, number][], [number, number][]]>([
    [
      'of all its ranges, in any order',
      [
        [600, 1000],
        [0, 600],
      ],
      [],
    ],
    ['of none', [], [[0, 1000]]],
    [
      'with gaps at both ends',
      [[100, 900]],
      [
        [0, 100],
        [900, 1000],
      ],
    ],
    [
      'with a gap between',
      [
        [0, 100],
        [300, 1000],
      ],
      [[100, 300]],
    ],
    [
      'of ranges that overlap',
      [
        [0, 500],
        [400, 800],
        [800, 1000],
      ],
      [[500, 800]],
    ],
  ])('comes together %s', async (_case, ranges, gaps) => {
    const read: [number, number][] = []
    const sum = await joinRangeSums(summed(ranges), content.length, async (start, end) => {
      read.push([start, end])
      return crc32c(content.subarray(start, end))
    })
    expect(sum).toBe(crc32c(content))
    expect(read).toEqual(gaps)
  })
})
