import { problemsOf } from './documents.ts'
import type { Outcome } from './nimctl.ts'

/** As cli.md promises them; not nimctl's own table, or it would prove nothing. */
const exitCodes = {
  usage: 2,
  'check-failed': 3,
  auth: 4,
  'not-found': 5,
  unavailable: 6,
  'missing-tool': 7,
  local: 8,
}

export interface Failure {
  category: keyof typeof exitCodes
  code: string
  /** What its sentences have to name. */
  says?: readonly string[]
}

/**
 * Runs a command that is to fail, with --json and without, and returns what of it is not as promised: the exit code,
 * one document with category, code, cause and cure, or the same sentences on stderr and no result on stdout.
 */
export async function mistakesOf(
  run: (args: readonly string[]) => Promise<Outcome>,
  args: readonly string[],
  { category, code, says = [] }: Failure,
): Promise<string[]> {
  const exitCode = exitCodes[category]
  const inJson = await run([...args, '--json'])
  const document = inJson.json()
  const { what, why, next } = document
  const sentences = [what, why, next].filter(each => typeof each === 'string').join('\n')
  const inText = await run(args)
  return [
    ...problemsOf(document, 'Error'),
    ...differences({ ...document, exit: inJson.exitCode }, { category, code, exitCode, exit: exitCode }),
    ...says.filter(words => !sentences.includes(words)).map(words => `"${words}" is not said, but: ${sentences}`),
    ...(typeof next === 'string' ? [] : ['It does not say what to do next.']),
    ...differences({ ...inText }, { exitCode, stdout: '' }),
    ...(timeless(inText.stderr).includes(timeless(`Error: ${sentences}\n`))
      ? []
      : [`As text it says: ${inText.stderr}`]),
    ...(/^ {4}at /m.test(inText.stderr) ? ['It shows a stack.'] : []),
  ]
}

function differences(found: Record<string, unknown>, expected: Record<string, unknown>): string[] {
  return Object.entries(expected).flatMap(([name, value]) =>
    found[name] === value ? [] : [`${name} is ${JSON.stringify(found[name])} instead of ${JSON.stringify(value)}`],
  )
}

/** Without what differs from run to run: times in a container's log. */
function timeless(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
}
