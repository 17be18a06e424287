import { expect, it } from 'vitest'

import { compareUtf8 } from '../../src/system/utf8-order.ts'

it('orders as the bytes of UTF-8 do', () => {
  const texts = ['', 'a', 'a/b', 'a-b', 'ab', 'Z', 'ü', '\uFFFD', '😀', '😁', 'a😀', 'a\uFFFD', '\u{10FFFF}', '\uE000']
  const byBytes = texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  expect(texts.toSorted(compareUtf8)).toEqual(byBytes)
})
