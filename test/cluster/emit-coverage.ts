import type { Command, Option } from 'commander'

import type { Context } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import type { EmitRow } from './emit-rows.ts'

/** Every flag of every kind of `emit`, as the program knows them: `stack --loader-image`. */
export async function emitFlags(): Promise<string[]> {
  const program = await createProgram(nobody, ['emit'])
  const emit = program.commands.find(command => command.name() === 'emit')
  return (emit?.commands ?? []).flatMap((command: Command) =>
    command.options.filter(isOwn).map(option => `${command.name()} ${option.long ?? option.short ?? ''}`),
  )
}

/** Said for every row, or of how the result is shown. */
const otherFlags = ['--output', '--write', '--operator-version']

/** `Store:` is how this machine reads the inventory; what of it stands in objects has a row all the same. */
function isOwn({ helpGroupHeading, long }: Option): boolean {
  return helpGroupHeading !== 'Store:' && helpGroupHeading !== 'Everywhere:' && !otherFlags.includes(long ?? '')
}

/** Those that stand in a row. */
export function flagsInRows(rows: readonly EmitRow[]): Set<string> {
  return new Set(
    rows.flatMap(({ kind, flags }) =>
      flags
        .split(' ')
        .filter(word => word.startsWith('-'))
        .map(word => `${kind} ${word === '-n' ? '--namespace' : word}`),
    ),
  )
}

const nobody: Context = {
  env: {},
  signal: new AbortController().signal,
  report: () => {},
  print: () => {},
  printLong: async () => {},
  readStdin: async () => '',
}
