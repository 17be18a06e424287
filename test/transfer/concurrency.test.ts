import { expect, it } from 'vitest'

import { findConcurrency } from '../../src/transfer/concurrency.ts'

/** Plays seconds in which `rateAt(limit)` MiB are carried. */
function play(seconds: number, rateAt: (limit: number) => number): number[] {
  let nowMs = 0
  const concurrency = findConcurrency(() => nowMs)
  return Array.from({ length: seconds }, () => {
    nowMs += 1000
    concurrency.done(rateAt(concurrency.limit()) * 2 ** 20)
    return concurrency.limit()
  })
}

it('climbs while it pays, and no further than is sensible', () => {
  expect(play(6, limit => limit)).toEqual([12, 18, 27, 41, 48, 48])
})

it('stays where more brings nothing', () => {
  const limits = play(8, limit => Math.min(limit, 12) * 10)
  expect(limits.slice(0, 3)).toEqual([12, 18, 12])
  expect(limits.at(-1)).toBe(12)
})
