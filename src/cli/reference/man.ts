import { exitCodes } from '../../system/errors.ts'
import type { ArgumentShape, CommandShape, OptionShape } from './command-shape.ts'

/** The heading of the flags that every command has (program.ts). */
const everywhere = 'Everywhere:'

/** Said of the codes in short; docs/exit-codes.md has every error. */
const meanings: Record<keyof typeof exitCodes, string> = {
  unexpected: 'a bug in nimctl',
  usage: 'usage or configuration; nothing was tried',
  'check-failed': 'a check failed, or not all is as asked',
  auth: 'not authenticated, or not permitted',
  'not-found': 'not found',
  unavailable: 'unavailable: network and servers; the same command goes on',
  'missing-tool': 'a tool or engine is missing or too old',
  local: 'this machine: disk, permissions, locks',
}

/** The man page of nimctl and all of its commands, for man(7) of groff and mandoc. It has no date, so that it is the same wherever it is made. */
export function manPage(program: CommandShape, version: string): string {
  const leaves = program.commands.flatMap(leavesOf)
  return [
    `.TH NIMCTL 1 "" ${quoted(`nimctl ${version}`)} "User Commands"`,
    '.SH NAME',
    `nimctl \\- ${text(lowerFirst(program.description))}`,
    '.SH SYNOPSIS',
    '.B nimctl',
    '.I command',
    '[\\fIargument\\fR...] [\\fIflag\\fR...]',
    '.SH OPTIONS',
    'Every command has these:',
    ...(leaves[0]?.options.filter(isEverywhere).flatMap(flagItem) ?? []),
    '.SH COMMANDS',
    ...leaves.flatMap(commandPart),
    '.SH EXIT STATUS',
    ...item('0', 'done'),
    ...Object.entries(exitCodes).flatMap(([category, code]) =>
      item(String(code), meanings[category as keyof typeof exitCodes]),
    ),
    ...item('130, 143', 'interrupted by Ctrl\\-C or SIGTERM; what was finished is kept'),
    '.SH NOTES',
    'Secrets are read from the environment or from files, never from a flag.',
  ].join('\n')
}

/** Those that do something: of groups their commands. */
function leavesOf(command: CommandShape): CommandShape[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf)
}

function commandPart({ path, description, arguments: named, options, remarks }: CommandShape): string[] {
  const own = options.filter(option => !isEverywhere(option))
  return [
    `.SS ${quoted(['nimctl', path, ...named.map(argumentForm)].join(' '))}`,
    ...paragraphs(description),
    ...named.flatMap(argument => (argument.description === '' ? [] : item(argument.name, text(argument.description)))),
    ...own.flatMap(flagItem),
    ...(remarks === '' ? [] : ['.PP', '.nf', ...remarks.split('\n').map(text), '.fi']),
  ]
}

function isEverywhere({ long, heading }: OptionShape): boolean {
  return heading === everywhere || long === '--help'
}

function flagItem(option: OptionShape): string[] {
  return item(flagForm(option), text(option.details))
}

function argumentForm({ name, required, variadic }: ArgumentShape): string {
  const form = `${name.toUpperCase()}${variadic ? '...' : ''}`
  return required ? form : `[${form}]`
}

function flagForm({ short, long, value }: OptionShape): string {
  const names = [short, long].filter(name => name !== undefined).join(', ')
  return `${names}${value === undefined ? '' : ` ${value.name.toUpperCase()}`}`
}

function item(term: string, about: string): string[] {
  return ['.TP', `\\fB${text(term)}\\fR`, about]
}

function paragraphs(description: string): string[] {
  return description.split('\n').map(text)
}

/** What roff would take for its own: backslashes, hyphens, points and quotes at a line's beginning, and all but ASCII. */
function text(line: string): string {
  return line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^[.']/, '\\&$&')
    .replaceAll(/[^\n -~]/gu, each => `\\[u${(each.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`)
}

function quoted(line: string): string {
  return `"${text(line).replaceAll('"', '\\(dq')}"`
}

function lowerFirst(sentence: string): string {
  return `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`.replace(/\.$/, '')
}
