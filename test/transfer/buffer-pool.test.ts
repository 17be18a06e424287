import { expect, it } from 'vitest'

import { openBufferPool, type Lease } from '../../src/transfer/buffer-pool.ts'

const mebibyte = 2 ** 20

it('keeps to its budget, and hands a buffer on to whoever waits', async () => {
  const pool = openBufferPool({ budget: 3 * mebibyte, slabSize: mebibyte, maxLeases: () => 10 })
  const [first] = await Promise.all([pool.lease(mebibyte), pool.lease(mebibyte), pool.lease(mebibyte)])
  let fourth: Lease | undefined
  const waiting = pool.lease(mebibyte - 1).then(lease => (fourth = lease))
  await Promise.resolve()
  expect(fourth).toBeUndefined()
  first.release()
  await waiting
  expect(fourth?.bytes.buffer).toBe(first.bytes.buffer)
  expect(fourth?.bytes.length).toBe(mebibyte - 1)
})

it('has two in flight however large they are', async () => {
  const pool = openBufferPool({ budget: 1, slabSize: mebibyte, maxLeases: () => 10 })
  const leases = await Promise.all([pool.lease(2 * mebibyte), pool.lease(2 * mebibyte)])
  expect(leases.map(({ bytes }) => bytes.length)).toEqual([2 * mebibyte, 2 * mebibyte])
})

it('lets out no more than asked, however small they are', async () => {
  const pool = openBufferPool({ budget: mebibyte, slabSize: mebibyte, maxLeases: () => 3 })
  const leases = await Promise.all([pool.lease(1), pool.lease(1), pool.lease(0)])
  let fourth = false
  const waiting = pool.lease(1).then(() => (fourth = true))
  await Promise.resolve()
  expect(fourth).toBe(false)
  leases[2].release()
  await waiting
})
