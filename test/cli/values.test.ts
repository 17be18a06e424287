import { describe, expect, it } from 'vitest'

import { parseCount, parseDigest, parseImageDigest, parseSize, parseStoreUrl } from '../../src/cli/options/values.ts'

describe('sizes', () => {
  it.each([
    ['1', 1],
    ['64Mi', 2 ** 26],
    ['64MiB', 2 ** 26],
    ['64m', 2 ** 26],
    ['1.5G', 1.5 * 2 ** 30],
    ['2 TiB', 2 ** 41],
  ])('%s', (text, bytes) => expect(parseSize(text)).toBe(bytes))
  it.each(['', '0', '-1', '1x', 'Mi', '1e3', '1 2'])('refuses %j', text =>
    expect(() => parseSize(text)).toThrow('such as 64Mi'),
  )
})

it.each(['', '0', '-1', '1.5', 'x', '1e99'])('a count is no %j', text =>
  expect(() => parseCount(text)).toThrow('whole number'),
)

it.each([
  ['./cache', 'a directory where a store'],
  ['/mnt/share', 'a directory where a store'],
  ['bucket', "no store's URL"],
])('a URL is no %j', (text, says) => {
  expect(() => parseStoreUrl(text)).toThrow(
    expect.objectContaining({ code: 'URL_INVALID', message: expect.stringContaining(says) }),
  )
})

it('digests are whole', () => {
  expect(() => parseDigest('sha256:abc')).toThrow('64 hex digits')
  expect(parseImageDigest('127.0.0.1:5000/a/b:1@sha256:0123456789ab')).toEqual({
    reference: '127.0.0.1:5000/a/b:1',
    digest: 'sha256:0123456789ab',
  })
  expect(() => parseImageDigest('a/b:1')).toThrow('IMAGE@sha256')
})
