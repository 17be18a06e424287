import { expect, it } from 'vitest'

import { findCollision, findDeviceName } from '../../src/transfer/check-names.ts'

const paths = (...names: string[]) => names.map(path => ({ path }))

it.each([
  [paths('a/b', 'a/c'), undefined],
  [paths('a/README', 'a/readme'), ['a/README', 'a/readme']],
  [paths('A/x', 'a/X'), ['A/x', 'a/X']],
  [paths('\u00FC', 'u\u0308'), ['\u00FC', 'u\u0308']],
])('%j collide as %j', (entries, expected) => expect(findCollision(entries)).toEqual(expected))

it.each([
  ['a/con', 'a/con'],
  ['NUL.txt', 'NUL.txt'],
  ['com1/x', 'com1/x'],
  ['console', undefined],
  ['a/nullable.json', undefined],
])('%s on Windows', (path, expected) => expect(findDeviceName(paths('fine', path))).toBe(expected))
