import type { Context } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import { isObject } from '../emit/structural-schema.ts'
import type { EmitRow } from './emit-rows.ts'

export interface Emitted {
  objects: Record<string, unknown>[]
  /** As it is applied. */
  yaml: string
}

/** Runs a row's command line in this process: a table of hundreds would take minutes with one each. */
export async function emitRow(
  row: EmitRow,
  { name, version, place }: { name: string; version: string; place: Record<string, string> },
): Promise<Emitted> {
  const words = row.flags.split(' ').map(word => word.replace(/\{(.+)\}$/, (_, key: string) => required(place, key)))
  const args = ['emit', row.kind, name, ...words, '--operator-version', version]
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
  await (await createProgram(context, args)).parseAsync(args, { from: 'user' })
  if (emitted === undefined) throw new Error(`nimctl ${args.join(' ')} printed nothing.`)
  return emitted
}

function required(place: Record<string, string>, key: string): string {
  const value = place[key]
  if (value === undefined) throw new Error(`There is no place {${key}}.`)
  return value
}
