import { expect, it } from 'vitest'

import { blockId, makeUploadId, readUploadId } from '../../src/stores/azure/blocks.ts'

const mebibyte = 2 ** 20

it('says in the id of an upload when it was begun and in parts of which size', () => {
  const id = makeUploadId({ nowMs: Date.parse('2026-11-21T12:00:00.5Z'), partSize: 4000 * mebibyte })
  expect(readUploadId(id)).toEqual({ startedMs: Date.parse('2026-11-21T12:00:00Z'), partSize: 4000 * mebibyte })
})

it('never gives two uploads one id', () => {
  const ids = Array.from({ length: 100 }, () => makeUploadId({ nowMs: 0, partSize: 1 }))
  expect(new Set(ids).size).toBe(100)
})

it('makes ids of one length for all blocks of a blob, and within 64 bytes', () => {
  const uploadId = makeUploadId({ nowMs: Date.now(), partSize: 8 * mebibyte })
  const ids = [0, 1, 49_999, 50_000].map(number => blockId({ uploadId, number, crc32c: number * 85_899 }))
  expect(new Set(ids.map(id => id.length))).toEqual(new Set([60]))
  for (const id of ids) expect(Buffer.from(id, 'base64').length).toBeLessThanOrEqual(64)
  expect(new Set(ids).size).toBe(ids.length)
})
