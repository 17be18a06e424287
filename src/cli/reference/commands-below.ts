import type { CommandShape } from './command-shape.ts'

/** A command, and all below it. */
export function commandsBelow(command: CommandShape): CommandShape[] {
  return [command, ...command.commands.flatMap(commandsBelow)]
}
