import type { Block } from './markdown.ts'

/** The arguments of each `nimctl …` in a block: all lines of `sh`, the lines behind a prompt of `console`. */
export function commandsOf({ language, text }: Block): string[][] {
  if (language === 'sh') return commandsIn(text)
  if (language !== 'console') return []
  const typed = text.split('\n').filter(line => line.startsWith('$ '))
  return commandsIn(typed.map(line => line.slice(2)).join('\n'))
}

/** The arguments of each `nimctl …` in a piece of shell. */
export function commandsIn(shell: string): string[][] {
  return splitCommands(shell)
    .map(words => words.slice(words.findIndex(word => !/^\w+=/.test(word))))
    .filter(([program]) => program === 'nimctl')
    .map(([, ...args]) => args)
}

/** As far as the documentation uses the shell: words, quotes, comments, pipes, lists and redirections. */
const token =
  /(?<end>\n|\|\|?|&&|;)|(?<comment>#[^\n]*)|(?<redirection>[<>]+\s*\S+)|(?<word>(?:"[^"]*"|'[^']*'|[^\s|&;<>"'])+)/g

/** A variable without quotes stands for flags, or for none. */
const maybeNothing = /^\$\w+$/

/** The words of each command, assignments in front included; each part of a pipe is a command. */
export function splitCommands(shell: string): string[][] {
  const commands: string[][] = [[]]
  for (const { groups } of shell.replaceAll(/\\\n\s*/g, '').matchAll(token)) {
    if (groups?.end !== undefined) commands.push([])
    else if (groups?.word !== undefined && !maybeNothing.test(groups.word))
      commands.at(-1)?.push(groups.word.replaceAll(/["']/g, ''))
  }
  return commands.filter(words => words.length > 0)
}
