import { expect, it } from 'vitest'

import { openBufferPool } from '../../src/transfer/buffer-pool.ts'

it('keeps to its budget and hands waiting buffers on', async () => {
  const pool = openBufferPool(30)
  const first = await pool.acquire(10)
  await pool.acquire(10)
  await pool.acquire(10)
  let fourth: Buffer | undefined
  const waiting = pool.acquire(10).then(buffer => (fourth = buffer))
  await Promise.resolve()
  expect(fourth).toBeUndefined()
  pool.release(first)
  await waiting
  expect(fourth).toBe(first)
})

it('has two in flight however large they are', async () => {
  const pool = openBufferPool(1)
  const buffers = await Promise.all([pool.acquire(10), pool.acquire(10)])
  expect(buffers.map(({ length }) => length)).toEqual([10, 10])
})
