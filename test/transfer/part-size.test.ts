import { expect, it } from 'vitest'

import { choosePartSize } from '../../src/transfer/part-size.ts'

const mebibyte = 2 ** 20
const s3 = { minPart: 5 * mebibyte, maxPart: 5 * 2 ** 30, maxParts: 10_000 }

it.each([
  ['a small file', 1, undefined, 8],
  ['what fits into the number of parts', 80_000 * mebibyte, undefined, 8],
  ['a file that needs larger parts', 80_001 * mebibyte, undefined, 9],
  ['a wish', 100 * mebibyte, 32 * mebibyte, 32],
  ['a wish below what the store takes', 100 * mebibyte, mebibyte, 5],
])('%s', (_case, size, asked, expected) => {
  expect(choosePartSize(size, s3, asked) / mebibyte).toBe(expected)
})

it('says when a file is too large for a store', () => {
  expect(() => choosePartSize(2 ** 50, s3)).toThrow(expect.objectContaining({ code: 'FILE_TOO_LARGE' }))
})
