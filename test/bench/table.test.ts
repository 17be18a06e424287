import { describe, expect, it } from 'vitest'

import { isMet, renderTable } from './table.ts'

describe('a goal', () => {
  it.each([
    [{ found: 0.3, atMost: 0.3 }, true],
    [{ found: 0.31, atMost: 0.3 }, false],
    [{ found: 2, atLeast: 2 }, true],
    [{ found: 1.99, atLeast: 2 }, false],
    [{ found: 1, atLeast: 1, atMost: 1 }, true],
  ])('%j is met: %s', (goal, met) => expect(isMet({ text: '', ...goal })).toBe(met))
})

it('renders a table in which each goal says what was found and whether it was met', () => {
  const table = renderTable([
    {
      what: 'large: time, s',
      figures: { nimctl: 2.5, rclone: 20, s5cmd: 10 },
      goal: { text: '≤ 0.3 × best peer', found: 0.25, atMost: 0.3 },
    },
    { what: 'large: memory, MiB', figures: { nimctl: 160.4 }, goal: { text: '≤ 128', found: 160.4, atMost: 128 } },
    { what: 'large: CPU, s', figures: { nimctl: 91, s5cmd: 40 } },
  ])
  expect(table).toBe(
    `
| measurement        | nimctl | s5cmd | rclone | goal              | found | met |
| ------------------ | -----: | ----: | -----: | ----------------- | ----: | --- |
| large: time, s     |   2.50 |  10.0 |   20.0 | ≤ 0.3 × best peer |  0.25 | yes |
| large: memory, MiB |    160 |       |        | ≤ 128             |   160 | NO  |
| large: CPU, s      |   91.0 |  40.0 |        |                   |       |     |
`.trim(),
  )
})
