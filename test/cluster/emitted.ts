import type { Context } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import { isObject } from '../emit/structural-schema.ts'
import type { EmitRow } from './emit-rows.ts'

export interface Emitted {
  objects: Record<string, unknown>[]
  /** As it is applied. */
  yaml: string
}

/** What they write needs no NIM Operator. */
const withoutOperator = ['pod', 'kserve', 'run-job']

/** Runs a row's command line in this process: a table of hundreds would take minutes with one each. */
export async function emitRow(
  row: EmitRow,
  { version, place }: { version?: string; place: Record<string, string> },
): Promise<Emitted> {
  const [kind = ''] = row.args
  const ofVersion = version === undefined || withoutOperator.includes(kind) ? [] : ['--operator-version', version]
  const args = ['emit', ...row.args.map(word => inPlace(word, place)), ...ofVersion]
  let emitted: Emitted | undefined
  const context: Context = {
    env: {},
    signal: new AbortController().signal,
    report: () => {},
    print: (_kind, fields, forPeople) => {
      const objects = 'objects' in fields && Array.isArray(fields.objects) ? fields.objects.filter(isObject) : []
      emitted = { objects, yaml: forPeople() }
    },
    printLong: () => Promise.reject(new Error('emit prints no long list.')),
    readStdin: async () => '',
  }
  try {
    await (await createProgram(context, args)).parseAsync(args, { from: 'user' })
  } catch (error) {
    throw new Error(`nimctl ${args.join(' ')}`, { cause: error })
  }
  if (emitted === undefined) throw new Error(`nimctl ${args.join(' ')} printed nothing.`)
  return emitted
}

function inPlace(word: string, place: Record<string, string>): string {
  return word
    .replace(/\{(.+)\}$/, (_, key: string) => required(place, key))
    .replace(/(^|=)@/, (_, before: string) => `${before}${required(place, 'files')}/`)
}

function required(place: Record<string, string>, key: string): string {
  const value = place[key]
  if (value === undefined) throw new Error(`There is no place {${key}}.`)
  return value
}
