import type { CommandShape, OptionShape, Value } from './command-shape.ts'
import { commandsBelow } from './commands-below.ts'

/**
 * A script that completes command lines in bash, from 3.2 on and without the package bash-completion. It asks nimctl for
 * nothing, and so it belongs to one version of it.
 */
export function bashCompletion(program: CommandShape): string {
  const commands = commandsBelow(program)
  return `# Completes nimctl in bash. Made by: nimctl completion bash

# Of a command: its commands, flags, flags with a value, and what each argument is (the last one may come again).
_nimctl_command() {
  commands='' flags='' valued='' arguments='' again=''
  case "$1" in
${commands.map(commandCase).join('\n')}
  esac
}

# Of a flag's value: its choices, or what it names.
_nimctl_value() {
  case "$1 $2" in
${commands.flatMap(valueCases).join('\n')}
  esac
}

${engine}
complete -F _nimctl nimctl`
}

function commandCase({ path, commands, options, arguments: named }: CommandShape): string {
  const valued = options.filter(({ value }) => value !== undefined)
  const set = {
    commands: commands.map(({ name }) => name),
    flags: options.flatMap(flagNames),
    valued: valued.flatMap(flagNames),
    arguments: named.map(kindOf),
    again: named.at(-1)?.variadic === true ? ['yes'] : [],
  }
  const words = Object.entries(set).filter(([, list]) => list.length > 0)
  return `  '${path}') ${words.map(([name, list]) => `${name}='${list.join(' ')}'`).join(' ')} ;;`
}

function valueCases({ path, options }: CommandShape): string[] {
  return options.flatMap(option => {
    const kind = option.value && kindOf(option.value)
    if (kind === undefined || kind === 'word') return []
    return `  ${flagNames(option)
      .map(flag => `'${path} ${flag}'`)
      .join('|')}) kind='${kind}' ;;`
  })
}

/** `choice:a,b`, so that it stays one word in a list. */
function kindOf({ choices, takes }: Value): string {
  return choices.length > 0 ? `choice:${choices.join(',')}` : takes
}

function flagNames({ short, long }: OptionShape): string[] {
  return [short, long].filter(name => name !== undefined)
}

/** Bash splits words at = and :, so that --flag=value and registry:5000/image come in pieces. */
const engine = `_nimctl() {
  local path='' position=0 due='' only='' joined='' index word kind
  local commands flags valued arguments again
  local current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  _nimctl_command ''
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ $word == = && -n $due ]]; then
      continue
    elif [[ $word == : ]]; then
      joined=yes
    elif [[ -n $joined ]]; then
      joined=''
    elif [[ -n $due ]]; then
      due=''
    elif [[ -z $only && $word == -- ]]; then
      only=yes
    elif [[ -z $only && $word == -* ]]; then
      [[ " $valued " == *" $word "* ]] && due=$word
    elif [[ " $commands " == *" $word "* ]]; then
      path=\${path:+$path }$word
      _nimctl_command "$path"
    else
      position=$((position + 1))
    fi
  done
  # The pieces of a word that has a colon complete nothing that could be known.
  [[ $current == : || -n $joined ]] && return
  if [[ -n $due ]]; then
    [[ $current == = ]] && current=''
    kind=word
    _nimctl_value "$path" "$due"
  elif [[ -z $only && $current == -* ]]; then
    kind="choice:\${flags// /,}"
  elif [[ -n $commands && $position -gt 0 ]]; then
    kind=word
  elif [[ -n $commands ]]; then
    kind="choice:\${commands// /,}"
  else
    set -- $arguments
    [[ -n $again && $position -ge $# ]] && position=$(($# - 1))
    shift "$position" 2> /dev/null || set --
    kind=\${1:-word}
  fi
  _nimctl_reply "$kind" "$current"
}

_nimctl_reply() {
  local word list
  case $1 in
  choice:*) list=\${1#choice:} && list=$(compgen -W "\${list//,/ }" -- "$2") ;;
  file) compopt -o filenames 2> /dev/null; list=$(compgen -f -- "$2") ;;
  directory) compopt -o filenames 2> /dev/null; list=$(compgen -d -- "$2") ;;
  *) list='' ;;
  esac
  while IFS= read -r word; do
    [[ -n $word ]] && COMPREPLY+=("$word")
  done <<< "$list"
}
`
