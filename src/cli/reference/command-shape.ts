import type { Argument, Command, Option } from 'commander'

/** A command as completions and the man page tell of it, read from what parses the command line. */
export interface CommandShape {
  /** Behind `nimctl`, such as `validate store`; empty for nimctl itself. */
  path: string
  name: string
  summary: string
  description: string
  arguments: ArgumentShape[]
  options: OptionShape[]
  commands: CommandShape[]
  /** What its help says behind the flags, such as examples. */
  remarks: string
}

export interface ArgumentShape extends Value {
  required: boolean
  variadic: boolean
}

export interface OptionShape {
  short?: string
  long?: string
  description: string
  /** The same with choices, default and variable, as the help has it. */
  details: string
  /** Of `Store:` and the like. */
  heading: string
  /** Absent: it is on or off. */
  value?: Value
}

export interface Value {
  name: string
  description: string
  choices: readonly string[]
  /** What of this machine it may name. */
  takes: 'file' | 'directory' | 'word'
}

/** @param command of a program that is made for this alone: what it shows is led away. */
export function describeCommand(command: Command, above: readonly string[] = []): CommandShape {
  const help = command.createHelp()
  const path = command.parent === null ? [] : [...above, command.name()]
  return {
    path: path.join(' '),
    name: command.name(),
    summary: help.subcommandDescription(command),
    description: command.description(),
    arguments: help.visibleArguments(command).map(describeArgument),
    options: help
      .visibleOptions(command)
      .map(option => ({ ...describeOption(option), details: help.optionDescription(option) })),
    commands: command.commands.map(child => describeCommand(child, path)),
    remarks: remarksOf(command),
  }
}

function describeArgument(argument: Argument): ArgumentShape {
  const { description, argChoices = [], required, variadic } = argument
  const name = argument.name()
  return { name, description, choices: argChoices, takes: takes(name), required, variadic }
}

function describeOption({
  short,
  long,
  flags,
  description,
  argChoices = [],
  helpGroupHeading,
}: Option): Omit<OptionShape, 'details'> {
  const [, name] = /[<[](.+)[>\]]$/.exec(flags) ?? []
  return {
    ...(short !== undefined && { short }),
    ...(long !== undefined && { long }),
    description,
    heading: helpGroupHeading ?? 'Options:',
    ...(name !== undefined && { value: { name, description, choices: argChoices, takes: takes(name) } }),
  }
}

/** By the name that the help shows. */
function takes(name: string): Value['takes'] {
  if (name === 'file') return 'file'
  return ['directory', 'dir|url', 'source'].includes(name) ? 'directory' : 'word'
}

/** The whole help less what commander itself makes of the command. */
function remarksOf(command: Command): string {
  let shown = ''
  command.configureOutput({ writeOut: text => (shown += text) })
  command.outputHelp()
  return shown.slice(command.helpInformation().length).trim()
}
