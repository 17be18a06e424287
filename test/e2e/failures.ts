import { expect } from 'vitest'

import { problemsOf } from './documents.ts'
import type { Outcome } from './nimctl.ts'

export interface Failure {
  exitCode: number
  category: string
  code: string
  /** What its sentences have to name. */
  says?: string[]
}

/** Runs a command that fails, with --json and without: one document, or the same sentences on stderr and no result. */
export async function expectFailure(
  run: (args: readonly string[]) => Promise<Outcome>,
  args: readonly string[],
  { exitCode, category, code, says = [] }: Failure,
): Promise<void> {
  const inJson = await run([...args, '--json'])
  const document = inJson.json()
  expect(document).toMatchObject({ kind: 'Error', category, code, exitCode })
  expect(problemsOf(document, 'Error')).toEqual([])
  expect(inJson.exitCode).toBe(exitCode)
  const sentences = [document.what, document.why, document.next].filter(each => each !== undefined).join('\n')
  for (const words of says) expect(sentences).toContain(words)
  expect(document.next).toBeTruthy()

  const inText = await run(args)
  expect(inText).toMatchObject({ exitCode, stdout: '' })
  expect(timeless(inText.stderr)).toContain(timeless(`Error: ${sentences}\n`))
  expect(inText.stderr).not.toMatch(/^ {4}at /m)
}

/** Without what differs from run to run: times in a container's log. */
function timeless(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
}
