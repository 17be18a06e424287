import { expect, it } from 'vitest'

import { limitRate } from '../../src/transfer/rate-limit.ts'

const { signal } = new AbortController()

it('lets the first part go at once, however slow the rest has to be', async () => {
  await expect(limitRate(1e-6)(100, signal)).resolves.toBeUndefined()
})

it('lets each later part go when its share is due', async () => {
  const limit = limitRate(1000)
  const started = performance.now()
  const times: number[] = []
  for (let part = 0; part < 3; part++) {
    await limit(100, signal)
    times.push(performance.now() - started)
  }
  expect(times[1]).toBeGreaterThanOrEqual(95)
  expect(times[2]).toBeGreaterThanOrEqual(190)
})

it('stops waiting when it is interrupted', async () => {
  const limit = limitRate(1)
  const interrupt = new AbortController()
  await limit(1000, interrupt.signal)
  const waiting = limit(1, interrupt.signal)
  interrupt.abort()
  await expect(waiting).rejects.toThrow('aborted')
})
