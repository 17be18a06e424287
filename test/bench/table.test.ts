import { describe, expect, it } from 'vitest'

import { median, ratioToBest, renderTable } from './table.ts'

describe('median', () => {
  it.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[10, 2, 4, 8], 6],
  ])('of %j is %d', (numbers, expected) => expect(median(numbers)).toBe(expected))

  it('of nothing there is none', () => expect(() => median([])).toThrow('no median of nothing'))
})

describe('the ratio', () => {
  it('is to the best of the others', () => {
    expect(ratioToBest({ what: 'time', nimctl: 2, others: { 'aws s3': 16, s5cmd: 8 } })).toBe(0.25)
  })

  it('is absent where nobody else was measured', () => {
    expect(ratioToBest({ what: 'time', nimctl: 2 })).toBeUndefined()
  })
})

it('renders a table in which each goal says whether it was met', () => {
  const table = renderTable([
    { what: 'start-up, ms', nimctl: 91, others: { 'node -e 0': 40 }, goal: { of: 'ratio', atMost: 2.5 } },
    { what: 'memory, MiB', nimctl: 160.4, goal: { of: 'nimctl', atMost: 128 } },
    { what: 'time, s', nimctl: 2.5, others: { 'aws s3': 20, s5cmd: 10 } },
  ])
  expect(table).toBe(
    `
| measurement  | nimctl | node -e 0 | aws s3 | s5cmd | nimctl / best other | goal                 |
| ------------ | -----: | --------: | -----: | ----: | ------------------: | -------------------- |
| start-up, ms |   91.0 |      40.0 |        |       |                2.27 | ratio ≤ 2.5: met     |
| memory, MiB  |    160 |           |        |       |                     | nimctl ≤ 128: missed |
| time, s      |   2.50 |           |   20.0 |  10.0 |                0.25 |                      |
`.trim(),
  )
})
