import { open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'

import { openHashPool, type HashPool } from '../../src/system/hash-pool.ts'
import { crc32c } from '../../src/system/hash.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'

/** Not a multiple of a thread's buffer. */
const content = seeded(1).bytes(3 * 256 * 1024 + 5)
const { signal } = new AbortController()

let directory: string
let file: FileHandle
let pool: HashPool
beforeAll(async () => {
  directory = await temporaryDirectory()
  file = await open(join(directory, 'file'), 'w+')
  await file.write(content)
})
afterAll(async () => {
  await file.close()
  await rm(directory, { recursive: true })
})
beforeEach(() => {
  pool = openHashPool()
})
afterEach(() => pool.close())

it.each([
  ['nothing', 0, 0],
  ['a byte', 7, 8],
  ['a whole buffer', 0, 256 * 1024],
  ['a byte more than a buffer', 1, 256 * 1024 + 2],
  ['all', 0, content.length],
])('sums %s', async (_what, start, end) => {
  expect(await pool.sumRange({ fd: file.fd, start, end }, signal)).toEqual({
    sum: crc32c(content.subarray(start, end)),
    bytes: end - start,
  })
})

it('says how much there was where the file ends before', async () => {
  const range = { fd: file.fd, start: content.length - 3, end: content.length + 10 }
  expect(await pool.sumRange(range, signal)).toEqual({ sum: crc32c(content.subarray(-3)), bytes: 3 })
})

it('serves more ranges than it has threads, each with its own answer', async () => {
  const starts = Array.from({ length: 20 * pool.threads }, (_, index) => index)
  const found = await Promise.all(starts.map(start => pool.sumRange({ fd: file.fd, start, end: start + 1 }, signal)))
  expect(found.map(({ sum }) => sum)).toEqual(starts.map(start => crc32c(content.subarray(start, start + 1))))
})

it('hands on why reading failed, and goes on with the ranges that wait', async () => {
  const unreadable = await open(join(directory, 'file'), 'a')
  const bad = Array.from({ length: pool.threads }, () => pool.sumRange({ fd: unreadable.fd, start: 0, end: 1 }, signal))
  const good = pool.sumRange({ fd: file.fd, start: 0, end: 1 }, signal)
  const outcomes = await Promise.allSettled(bad)
  expect(outcomes.map(outcome => outcome.status === 'rejected' && outcome.reason.code)).toEqual(bad.map(() => 'EBADF'))
  expect(await good).toMatchObject({ bytes: 1 })
  await unreadable.close()
})

it('begins nothing any more once the signal aborted', async () => {
  const stop = new AbortController()
  const range = { fd: file.fd, start: 0, end: content.length }
  const begun = Array.from({ length: pool.threads }, () => pool.sumRange(range, signal))
  const waiting = pool.sumRange(range, stop.signal)
  stop.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  expect(new Set((await Promise.all(begun)).map(({ bytes }) => bytes))).toEqual(new Set([content.length]))
})
