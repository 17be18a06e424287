import { createHash } from 'node:crypto'

import { blake3 } from 'hash-wasm'
import { afterEach, expect, it } from 'vitest'

import { openDigestThreads } from '../../src/system/digest-threads.ts'
import { seeded } from '../seeded.ts'

const threads = openDigestThreads()
afterEach(() => threads.close())

it('computes MD5 and BLAKE3 of several contents beside each other, piece by piece', async () => {
  const own = openDigestThreads()
  const contents = [0, 1, 100_000, 300_000].map((size, index) => seeded(index).bytes(size))
  const found = await Promise.all(
    contents.map(async bytes => {
      const shared = Buffer.from(new SharedArrayBuffer(bytes.length))
      bytes.copy(shared)
      const running = own.begin()
      for (let start = 0; start < shared.length; start += 65_536)
        await running.add(shared.subarray(start, start + 65_536))
      return await running.end()
    }),
  )
  await own.close()
  for (const [index, { md5, blake3: other }] of found.entries()) {
    const bytes = contents[index] ?? Buffer.alloc(0)
    expect(Buffer.from(md5).toString('hex')).toBe(createHash('md5').update(bytes).digest('hex'))
    expect(Buffer.from(other).toString('hex')).toBe(await blake3(bytes))
  }
})

it.each(['md5', 'sha1', 'sha256'] as const)('computes %s alone', async algorithm => {
  const own = openDigestThreads(1)
  const running = own.beginOne(algorithm)
  await running.add(Buffer.from('te'))
  await running.add(Buffer.from('xt'))
  const sum = Buffer.from(await running.end()).toString('hex')
  await own.close()
  expect(sum).toBe(createHash(algorithm).update('text').digest('hex'))
})

it('forgets what is dropped, and closes while something is under way', async () => {
  const running = threads.begin()
  void running.add(Buffer.alloc(1000))
  running.drop()
  const other = threads.begin()
  await other.add(Buffer.from('text'))
  expect(Buffer.from((await other.end()).md5).toString('hex')).toBe(createHash('md5').update('text').digest('hex'))
})
