import { describe, expect, it } from 'vitest'

import { isSafePath, resolveLink } from '../../src/system/safe-path.ts'

describe('isSafePath', () => {
  it.each(['a', 'a/b', '...', 'a..b', 'with space', 'new\nline', 'ü/😀', '-'])('takes %j', path => {
    expect(isSafePath(path)).toBe(true)
  })
  it.each(['', '/', '/a', 'a/', 'a//b', '.', '..', './a', 'a/../b', '../a', 'a/..', 'a\0b'])('refuses %j', path => {
    expect(isSafePath(path)).toBe(false)
  })
})

describe('resolveLink', () => {
  it.each([
    ['snapshots/v/config.json', '../../blobs/ab', 'blobs/ab'],
    ['snapshots/v/a/b.json', '../../../blobs/ab', 'blobs/ab'],
    ['a', 'b', 'b'],
    ['a/b', '../../etc/passwd', undefined],
    ['a/b', '/etc/passwd', undefined],
    ['a/b', '..', undefined],
    ['a/b', '', undefined],
    ['a/b', 'c\0d', undefined],
  ])('%s → %s leads to %s', (path, target, expected) => {
    expect(resolveLink(path, target)).toBe(expected)
  })
})
