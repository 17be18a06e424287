import { expect, it } from 'vitest'

import { temporaryDirectory } from '../hub-cache.ts'
import type { Page } from './markdown.ts'
import { runPage, stepsOf } from './run-page.ts'

function aPage(...lines: string[]): Page {
  return { path: 'page.md', text: lines.join('\n') }
}

const aBlock = (...lines: string[]) => ['```sh', ...lines, '```']

async function place() {
  return { directory: await temporaryDirectory(), env: {} }
}

it('runs every block in order, in one directory, with the variables that those before it set', async () => {
  const page = aPage(
    ...aBlock('# yours', 'NAME=nvcr.io   # ours', '  FLAGS='),
    ...aBlock('echo "$NAME" $FLAGS > file'),
    '',
    ...aBlock('MORE=another'),
    ...aBlock('cat file', 'echo "$NAME $MORE"'),
  )
  const values = { NAME: '$stand-in', FLAGS: '--a --b', MORE: 'more' }
  const said = await runPage(page, { ...(await place()), values })
  expect(said).toEqual(['', '', '', '$stand-in --a --b\n$stand-in more\n'])
})

it('leaves alone what a reader reads', () => {
  const page = aPage(
    '```text',
    'sh: not found',
    '```',
    '```json',
    '{}',
    '```',
    '```yaml',
    'a: 1',
    '```',
    ...aBlock('true'),
  )
  expect(stepsOf(page)).toEqual([{ line: 10, script: 'true\n', exitCode: 0 }])
})

it.each([
  { what: 'a language that is neither run nor data', lines: ['', '```console', '$ true', '```'], says: 'page.md:2' },
  { what: 'no language', lines: ['```', 'true', '```'], says: 'page.md:1' },
  { what: 'more behind the language', lines: ['```sh title=x', 'true', '```'], says: 'page.md:1' },
  { what: 'a fence in a list', lines: ['- so:', '  ```sh', '  true', '  ```'], says: 'page.md:2' },
  { what: 'a fence in a quotation', lines: ['> ```sh', '> true', '> ```'], says: 'page.md:1' },
  { what: 'a fence of tildes', lines: ['~~~sh', 'true', '~~~'], says: 'page.md:1' },
  { what: 'no end', lines: ['```sh', 'true'], says: 'page.md:1' },
])('refuses a block that would not run: $what', async ({ lines, says }) => {
  await expect(runPage(aPage(...lines), await place())).rejects.toThrow(`${says}: `)
})

it.each([
  { what: 'a failure', lines: aBlock('exit 4'), says: /page\.md:1 exited with 4, not 0/ },
  { what: 'a failure before the end', lines: aBlock('false', 'true'), says: /exited with 1, not 0/ },
  { what: 'a failure in front of a pipe', lines: aBlock('false | cat'), says: /exited with 1, not 0/ },
  { what: 'a variable that nobody sets', lines: aBlock('echo "$IMAGE"'), says: /IMAGE: unbound variable/ },
  { what: 'no failure', lines: ['<!-- exits: 3, damaged -->', ...aBlock('true')], says: /:2 exited with 0, not 3/ },
  { what: 'another failure', lines: ['<!-- exits: 3, damaged -->', ...aBlock('exit 5')], says: /with 5, not 3/ },
])('sees an exit code that the page does not promise: $what', async ({ lines, says }) => {
  await expect(runPage(aPage(...lines), await place())).rejects.toThrow(says)
})

it('goes on behind a failure that the page promises', async () => {
  const page = aPage('<!-- exits: 3, damaged -->', ...aBlock('exit 3'), ...aBlock('echo on'))
  expect(await runPage(page, await place())).toEqual(['', 'on\n'])
})

it.each([
  { what: 'no reason', lines: ['<!-- exits: 3 -->', ...aBlock('exit 3')] },
  { what: 'another word', lines: ['<!-- exit: 3, damaged -->', ...aBlock('exit 3')] },
  { what: 'what is due without it', lines: ['<!-- exits: 0, fine -->', ...aBlock('true')] },
  { what: 'several commands', lines: ['<!-- exits: 3, damaged -->', ...aBlock('true', 'exit 3')] },
  { what: 'a line between', lines: ['<!-- exits: 3, damaged -->', '', ...aBlock('exit 3')] },
  { what: 'in front of data', lines: ['<!-- exits: 3, damaged -->', '```text', '3', '```', ...aBlock('true')] },
])('refuses a comment on an exit code with $what', ({ lines }) => {
  expect(() => stepsOf(aPage(...lines))).toThrow(/^page\.md/)
})

it('refuses to run a page with the values of a reader', () => {
  const page = aPage(...aBlock('IMAGE=nvcr.io/a', 'TO=b'), ...aBlock('true'))
  expect(() => stepsOf(page, { IMAGE: 'a' })).toThrow(/no value for TO\./)
})

it('refuses values that the page does not use', () => {
  expect(() => stepsOf(aPage(...aBlock('true')), { IMAGE: 'a' })).toThrow(/^page\.md sets no IMAGE\./)
})
