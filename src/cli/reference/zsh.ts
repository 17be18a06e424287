import type { ArgumentShape, CommandShape, OptionShape, Value } from './command-shape.ts'
import { commandsBelow } from './commands-below.ts'

/** A script that completes command lines in zsh: to be sourced, or put as _nimctl into a folder of fpath. */
export function zshCompletion(program: CommandShape): string {
  return `#compdef nimctl
# Completes nimctl in zsh. Made by: nimctl completion zsh

${commandsBelow(program).map(describeFunction).join('\n\n')}

if [[ $funcstack[1] == _nimctl ]]; then
  _nimctl "$@"
else
  compdef _nimctl nimctl
fi`
}

function describeFunction(command: CommandShape): string {
  const { commands, options, arguments: named } = command
  if (commands.length > 0) return describeGroup(command)
  const specs = [...options.map(optionSpec), ...named.map(argumentSpec)]
  return `${functionName(command)}() {\n  _arguments -s -S ${continued(specs)}\n}`
}

function describeGroup(command: CommandShape): string {
  const { commands, options } = command
  const names = commands.map(({ name, summary }) => quote(`${name}:${summary.replaceAll(':', '\\:')}`))
  const cases = commands.map(child => `    ${child.name}) ${functionName(child)} ;;`)
  return `${functionName(command)}() {
  local state line curcontext=$curcontext
  _arguments -C -s -S ${continued([...options.map(optionSpec), `'1: :->command'`, `'*:: :->rest'`])}
  case $state in
  command)
    local -a commands=(
      ${names.join('\n      ')}
    )
    _describe -t commands command commands
    ;;
  rest)
    case $line[1] in
${cases.join('\n')}
    esac
    ;;
  esac
}`
}

function functionName({ path }: CommandShape): string {
  return ['_nimctl', ...path.split(' ').filter(name => name !== '')].join('_')
}

function continued(specs: readonly string[]): string {
  return specs.map(spec => `\\\n    ${spec}`).join(' ')
}

/** `-q` and `--quiet` in one, so that the other is not offered behind the one. */
function optionSpec({ short, long, description, value }: OptionShape): string {
  const about = `[${escape(description)}]`
  const valued = value === undefined ? '' : `:${escape(value.name)}:${actionOf(value)}`
  const longName = long === undefined ? undefined : value === undefined ? long : `${long}=`
  if (short === undefined || longName === undefined) return quote(`${longName ?? short}${about}${valued}`)
  return `'(${short} ${long})'{${short},${longName}}${quote(`${about}${valued}`)}`
}

function argumentSpec(argument: ArgumentShape): string {
  const { name, required, variadic } = argument
  return quote(`${variadic ? '*' : ''}:${required || variadic ? '' : ':'}${escape(name)}:${actionOf(argument)}`)
}

function actionOf({ choices, takes }: Value): string {
  if (choices.length > 0) return `(${choices.join(' ')})`
  return { file: '_files', directory: '_files -/', word: ' ' }[takes]
}

/** In a spec of _arguments brackets and colons have a meaning. */
function escape(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, '\\$&').replaceAll('\n', ' ')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
