import { Readable } from 'node:stream'

import { expect, it } from 'vitest'

import { readLines } from '../../src/system/lines.ts'

async function linesOf(chunks: (string | Buffer)[]): Promise<string[]> {
  const lines: string[] = []
  await readLines(Readable.from(chunks), line => lines.push(line))
  return lines
}

const umlaut = Buffer.from('ü')

it.each<[string, (string | Buffer)[], string[]]>([
  ['lines across chunks', ['a', 'b\nc', '\n'], ['ab', 'c']],
  ['an incomplete last line', ['a\nb'], ['a', 'b']],
  ['CRLF, also torn apart', ['a\r', '\nb\r\n'], ['a', 'b']],
  ['a lone CR', ['10%\r20%\r\n'], ['10%', '20%']],
  ['empty lines', ['a\n\nb\n'], ['a', '', 'b']],
  ['terminal escapes', ['\u001B[31mred\u001B[0m\n'], ['red']],
  ['characters torn apart', [umlaut.subarray(0, 1), umlaut.subarray(1)], ['ü']],
])('reads %s', async (_, chunks, expected) => {
  expect(await linesOf(chunks)).toEqual(expected)
})

it('does not collect without end where no line ends', async () => {
  const lines = await linesOf(Array.from({ length: 10 }, () => 'x'.repeat(50_000)))
  expect(lines.length).toBeGreaterThan(1)
})
