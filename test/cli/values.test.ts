import { describe, expect, it } from 'vitest'

import {
  parseBlockSize,
  parseCount,
  parseDigest,
  parseImageDigest,
  parseOwner,
  parseServingUser,
  parsePermission,
  parseSize,
  parseStoreUrl,
  parseTagging,
  parseWebhdfsUrls,
} from '../../src/cli/options/values.ts'

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

describe('what is particular to HDFS', () => {
  it('is read', () => {
    expect(parseBlockSize('1Mi')).toBe(2 ** 20)
    expect(parsePermission('640')).toBe('640')
    for (const text of ['nim', 'nim:models', ':models']) expect(parseOwner(text)).toBe(text)
    const urls = parseWebhdfsUrls('http://one:9870,https://two:8443/gateway/default/webhdfs/v1')
    expect(urls.map(url => url.host)).toEqual(['one:9870', 'two:8443'])
  })

  it('is refused where it can not be meant', () => {
    expect(() => parseBlockSize('1000')).toThrow('512')
    for (const text of ['', ':', 'nim:', 'a:b:c', 'a b']) expect(() => parseOwner(text)).toThrow('user:group')
    for (const text of ['', '9', '888', '00640']) expect(() => parsePermission(text)).toThrow('octal')
    for (const text of ['', 'one:9870', 'http://joe@one', 'http://one?x', 'http://one,'])
      expect(() => parseWebhdfsUrls(text)).toThrow('such as http://namenode:9870')
  })
})

describe('tags', () => {
  it.each([
    ['team=ml', 'team=ml'],
    ['team=ml&stage=', 'team=ml&stage='],
    ['a b=ü&c%20d=1%2B1=2', 'a%20b=%C3%BC&c%20d=1%2B1%3D2'],
  ])('%s', (text, encoded) => expect(parseTagging(text)).toBe(encoded))

  it.each(['', 'team', '=ml', 'a=b&', 'a=100%'])('refuses %j', text => {
    expect(() => parseTagging(text)).toThrow(/Expected "team=ml|written as %25/)
  })
})

it('takes the user who serves by numbers, as containers know him', () => {
  expect(parseServingUser('1000:2000')).toEqual({ uid: 1000, gid: 2000 })
  for (const text of ['nim', '1000', 'nim:nim', '1000:2000:2000', '-1:0'])
    expect(() => parseServingUser(text)).toThrow('numbers such as 1000:2000')
})
