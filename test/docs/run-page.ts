import { splitCommands } from './command-lines.ts'
import { type Block, codeBlocks, type Page } from './markdown.ts'
import { runShell, type ShellPlace, variablesOf, withValues } from './shell.ts'

/** A block that is run, and the exit code that the page promises. */
export interface Step {
  /** Of the page. */
  line: number
  script: string
  exitCode: number
}

/** Languages of what a reader reads, and doesn't run. */
const data = ['text', 'json', 'yaml']

/**
 * The blocks of `sh` in their order. One that only sets variables, to be changed by readers, also stands in front of all
 * behind it; `values` are what a test sets them to.
 * `<!-- exits: 7, why -->` on the line in front of a block of one command says that it ends with 7; without it, 0 is due.
 * Throws where a block is neither run nor data, or such a comment would go unseen.
 */
export function stepsOf(page: Page, values: Readonly<Record<string, string>> = {}): Step[] {
  const blocks = codeBlocks(page)
  const unknown = blocks.find(({ language }) => language !== 'sh' && !data.includes(language))
  if (unknown !== undefined)
    throw new Error(`${page.path}:${unknown.line}: a block of "${unknown.language}" is neither run nor data.`)
  const run = blocks.filter(({ language }) => language === 'sh')
  const steps = run.map(block => ({ line: block.line, script: block.text, exitCode: promisedExit(page, block) }))
  const promises = [...page.text.matchAll(/<!--\s*exit/gi)].length
  if (promises !== steps.filter(({ exitCode }) => exitCode !== 0).length)
    throw new Error(`${page.path} has a comment on an exit code that is not on the line in front of a block of sh.`)
  let head = ''
  for (const step of steps) {
    if (onlySetsVariables(step.script)) {
      head += withValues(step.script, values)
      step.script = head
    } else step.script = `${head}${step.script}`
  }
  const unset = Object.keys(values).filter(name => !variablesOf(head).includes(name))
  if (unset.length > 0) throw new Error(`${page.path} sets no ${unset.join(', ')}.`)
  return steps
}

/** Runs the blocks of a page, and returns what each said. Throws at the first that ends otherwise than promised. */
export async function runPage(
  page: Page,
  { values, ...place }: ShellPlace & { values?: Readonly<Record<string, string>> },
): Promise<string[]> {
  const said: string[] = []
  for (const { line, script, exitCode } of stepsOf(page, values)) {
    const ran = await runShell(script, place)
    if (ran.exitCode !== exitCode)
      throw new Error(`${page.path}:${line} exited with ${ran.exitCode}, not ${exitCode}:\n${script}\n${ran.output}`)
    said.push(ran.output)
  }
  return said
}

function promisedExit({ path }: Page, { line, text, comment }: Block): number {
  if (comment === undefined || !/^exit/i.test(comment)) return 0
  const exitCode = /^exits: ([1-9]\d*), \S/.exec(comment)?.[1]
  if (exitCode === undefined)
    throw new Error(`${path}:${line}: expected "exits: CODE, why" with another code than 0, not "${comment}".`)
  if (splitCommands(text).length !== 1)
    throw new Error(`${path}:${line}: of several commands nobody sees which one exits with ${exitCode}.`)
  return Number(exitCode)
}

function onlySetsVariables(script: string): boolean {
  return splitCommands(script).every(words => words.every(word => /^\w+=/.test(word)))
}
