import type { CommandShape, OptionShape, Value } from './command-shape.ts'
import { commandsBelow } from './commands-below.ts'

/** A script that completes command lines in fish. */
export function fishCompletion(program: CommandShape): string {
  const commands = commandsBelow(program)
  const paths = commands.flatMap(({ path }) => (path === '' ? [] : quote(path)))
  return `# Completes nimctl in fish. Made by: nimctl completion fish

# Which command the line has come to, such as: validate store
function __nimctl_path
  set -l known ${paths.join(' ')}
  set -l path ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim -- "$path $word")
    contains -- $next $known; and set path $next
  end
  echo $path
end

function __nimctl_at
  set -l path (__nimctl_path)
  test "$path" = "$argv"
end

complete -c nimctl -f
${commands.flatMap(completions).join('\n')}`
}

function completions({ path, commands, options, arguments: named }: CommandShape): string[] {
  const at = `complete -c nimctl -n ${quote(`__nimctl_at ${path}`.trim())}`
  return [
    ...commands.map(({ name, summary }) => `${at} -a ${name} -d ${quote(summary)}`),
    ...options.map(option => `${at} ${optionWords(option)}`),
    ...[...new Set(named.map(filler))].filter(words => words !== '').map(words => `${at} ${words}`),
  ]
}

function optionWords({ short, long, description, value }: OptionShape): string {
  const names = [short && `-s ${short.slice(1)}`, long && `-l ${long.slice(2)}`].filter(Boolean)
  return [...names, ...(value === undefined ? [] : [valueWords(value)]), `-d ${quote(description)}`].join(' ')
}

/** `-x`: no file may stand there, but for what is filled in. */
function valueWords(value: Value): string {
  return value.takes === 'file' ? '-r -F' : `-x ${filler(value)}`.trim()
}

/** What may stand there. */
function filler({ choices, takes }: Value): string {
  if (choices.length > 0) return `-a ${quote(choices.join(' '))}`
  return { file: '-F', directory: `-a '(__fish_complete_directories)'`, word: '' }[takes]
}

function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&').replaceAll('\n', ' ')}'`
}
