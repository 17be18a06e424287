import type { Command, Option } from 'commander'

import type { Context } from '../../src/cli/context.ts'
import { createProgram } from '../../src/cli/program.ts'
import type { EmitRow } from './emit-rows.ts'

/** Every flag of every kind of `emit`, as the program knows them: `stack --loader-image`. */
export async function emitFlags(): Promise<string[]> {
  const program = await createProgram(nobody, ['emit'])
  const emit = program.commands.find(command => command.name() === 'emit')
  return (emit?.commands ?? []).flatMap((command: Command) =>
    command.options
      .filter(isOwn)
      .map(({ long }) => long ?? '')
      .map(flag => (shared.includes(flag) ? flag : `${command.name()} ${flag}`)),
  )
}

/** Said for every row, or of how the result is shown, or of where the version is found. */
const otherFlags = ['--output', '--write', '--images', '--operator-version', '--context', '--kubeconfig']

/** The same for every kind: one row is enough. */
const shared = ['--set', '--patch', '--cache', '--image-digests']

/** `Store:` is how this machine reads the inventory; what of it stands in objects has a row all the same. */
function isOwn({ helpGroupHeading, hidden, long }: Option): boolean {
  return (
    !hidden && helpGroupHeading !== 'Store:' && helpGroupHeading !== 'Everywhere:' && !otherFlags.includes(long ?? '')
  )
}

/** Those that stand in a row. */
export function flagsInRows(rows: readonly EmitRow[]): Set<string> {
  return new Set(
    rows.flatMap(({ args: [kind = '', , ...words] }) =>
      words
        .filter(word => word.startsWith('-'))
        .map(word => (word === '-n' ? '--namespace' : (word.split('=')[0] ?? word)))
        .map(flag => (shared.includes(flag) ? flag : `${kind} ${flag}`)),
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
