import { readFile } from 'node:fs/promises'

import * as v from 'valibot'
import { isCollection, isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from 'yaml'

import { errorCode, NimctlError } from '../../system/errors.ts'
import { configError, formatPath, type Problem } from './problem.ts'
import { checkRules } from './rules.ts'
import { configSchema, type Config } from './schema.ts'
import { describeKey, suggestKey } from './suggest.ts'
import { expandVariables } from './variables.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** More than any list of models needs; what is larger is another file. */
const maxBytes = 4 * 2 ** 20

/**
 * Reads `nimctl.yaml`.
 *
 * @param file as the user named it; errors call it so.
 * @throws NimctlError `usage` / `CONFIG_NOT_FOUND`, `CONFIG_INVALID` with all mistakes at once: line, path, what would be right.
 */
export async function readConfig(file: string, env: Environment): Promise<Config> {
  return parseConfig(await readText(file), { file, env })
}

/** @throws NimctlError `usage` / `CONFIG_INVALID`. */
export function parseConfig(text: string, { file, env }: { file: string; env: Environment }): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const refuse = (problems: readonly Problem[]) => {
    if (problems.length > 0) throw configError(file, problems, lines)
  }
  refuse(document.errors.map(({ message, pos }) => ({ offset: pos[0], what: firstLine(message) })))
  refuse(expandVariables(document, env))
  const result = v.safeParse(configSchema, toPlain(document, refuse))
  if (!result.success) {
    refuse(unique(result.issues.flatMap(issue => problemsOf(issue, document))))
    throw new Error('The schema refused the file without an issue.')
  }
  const { output } = result
  refuse(
    checkRules(output).map(({ path, ...problem }) => ({
      ...problem,
      path: formatPath(path),
      offset: offsetOf(document, path),
    })),
  )
  return output
}

async function readText(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error
    throw new NimctlError('usage', 'CONFIG_NOT_FOUND', {
      what: `There is no ${file}.`,
      next: 'Write one with: nimctl init; or name another with --config FILE',
    })
  })
  if (text.length <= maxBytes) return text
  throw new NimctlError('usage', 'CONFIG_INVALID', {
    what: `${file} is larger than ${maxBytes / 2 ** 20} MiB.`,
    next: 'Name a file as nimctl init writes it.',
  })
}

/** An alias that grows without end is refused by the library. */
function toPlain(document: Document, refuse: (problems: readonly Problem[]) => void): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    refuse([{ offset: 0, what: error.message }])
    throw error
  }
}

type Issue = v.InferIssue<typeof configSchema>

function problemsOf(issue: Issue, document: Document): Problem[] {
  const path = (issue.path ?? []).map(({ key }) => key)
  const place = { path: formatPath(path), offset: offsetOf(document, path) }
  if (issue.type !== 'strict_object') return [{ ...place, what: describe(issue.input), right: issue.message }]
  const around: unknown = issue.path?.at(-1)?.input
  if (Array.isArray(around)) {
    const outer = path.slice(0, -1)
    return [
      { path: formatPath(outer), offset: offsetOf(document, outer), what: describe(around), right: issue.message },
    ]
  }
  if (issue.expected === 'never') {
    const what = `there is no ${String(path.at(-1))} here`
    return [{ ...place, offset: keyOffsetOf(document, path), what, right: suggestKey(path) }]
  }
  return [{ ...place, what: describe(issue.input), right: describeKey(path) ?? issue.message }]
}

/** A list in the place of a map breaks several rules at once. */
function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map(problem => [JSON.stringify(problem), problem])).values()]
}

function describe(value: unknown): string {
  if (value === undefined) return 'it is missing'
  if (value === null) return 'it is empty'
  if (Array.isArray(value)) return value.length === 0 ? 'the list is empty' : 'this is a list'
  if (typeof value === 'object') return 'this is a map'
  return typeof value === 'string' ? `"${value}" won't do` : `${JSON.stringify(value)} is a ${typeof value}`
}

/** Of a value, or of the nearest thing around it that is there. */
function offsetOf(document: Document, path: readonly unknown[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

function keyOffsetOf(document: Document, path: readonly unknown[]): number {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (!isCollection(parent) || !isMap(parent)) return offsetOf(document, path)
  const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
  return isScalar(pair?.key) ? (pair.key.range?.[0] ?? 0) : offsetOf(document, path)
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
