import { inspect } from 'node:util'

import { expect, it } from 'vitest'

import { sanitize, secret } from '../../src/system/secret.ts'

it('never shows a secret by itself', () => {
  const key = secret('nvapi-very-secret-key\n')
  expect(
    [String(key), key.toString(), JSON.stringify({ key }), inspect(key), inspect({ deep: { key } })].join(),
  ).not.toContain('very-secret')
  expect(key.unwrap()).toBe('nvapi-very-secret-key')
})

it.each([
  ['a known secret', 'the word hunter2 was said', 'the word **redacted** was said'],
  ['an NGC key that nobody told', 'key nvapi-abcDEF123_-xyz!', 'key **redacted**!'],
  ['a password in a URL', 'GET https://user:pass@host/x', 'GET https://**redacted**@host/x'],
  ['a bearer token', 'Authorization: Bearer abcdefghijkl', 'Authorization: Bearer **redacted**'],
  ['a presigned URL', 'https://h/k?X-Amz-Signature=abc&x=1', 'https://h/k?X-Amz-Signature=**redacted**&x=1'],
  ['terminal escapes', '\u001B[31mred\u001B[0m \u001B]0;title\u0007x\r', 'red x'],
  ['what tput sgr0 prints', 'plain\u001B(B\u001B[m again', 'plain again'],
  ['no line behind a title that does not end', '\u001B]0;title\n- a line\n\u0007', '0;title\n- a line\n'],
  ['control characters but tabs and newlines', 'a\u0000b\u0007c\td\ne', 'abc\td\ne'],
])('removes %s', (_case, text, expected) => {
  expect(sanitize(text, [secret('hunter2')])).toBe(expected)
})
