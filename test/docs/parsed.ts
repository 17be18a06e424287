import { CommanderError, type Command } from 'commander'

import type { Context } from '../../src/cli/context.ts'
import { commandNames, createProgram } from '../../src/cli/program.ts'
import { silent } from '../../src/system/progress.ts'

const context: Context = {
  env: {},
  signal: new AbortController().signal,
  report: silent,
  print: () => {},
  printLong: async () => {},
  readStdin: async () => '',
}

/** The real command tree, in which no command does anything. */
export async function idleProgram(): Promise<Command> {
  const program = await createProgram(context, commandNames)
  for (const command of allCommands(program)) {
    command.configureOutput({ writeOut: () => {}, writeErr: () => {} })
    if (command.commands.length === 0) command.action(() => {})
  }
  return program
}

export function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)]
}

const anyDigest = `sha256:${'0'.repeat(64)}`

/** Parses a documented command line as nimctl would. What is wrong with it is returned in commander's words. */
export async function problemOf(args: readonly string[]): Promise<string | undefined> {
  // An ellipsis stands for what a reader fills in, and so does a variable of this name.
  const filledIn = args.map(word => word.replace(/sha256:…|^\$DIGEST$/, anyDigest))
  try {
    await (await idleProgram()).parseAsync(filledIn, { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? undefined : `nimctl ${args.join(' ')}: ${error.message}`
  }
}

/** What a command shows for --help, examples included. */
export function helpOf(command: Command): string {
  let shown = ''
  command.configureOutput({ writeOut: text => (shown += text), getOutHelpWidth: () => 200 })
  command.outputHelp()
  return shown
}

/** The command that a line names, and the words behind it. */
export function findCommand(
  program: Command,
  [name, ...rest]: readonly string[],
): { command: Command; rest: string[] } {
  const child = program.commands.find(command => command.name() === name)
  return child === undefined
    ? { command: program, rest: name === undefined ? [] : [name, ...rest] }
    : findCommand(child, rest)
}
