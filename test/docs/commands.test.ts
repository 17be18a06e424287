import { expect, it } from 'vitest'

import { commandsIn, commandsOf } from './command-lines.ts'
import { codeBlocks, inlineCode, readPages } from './markdown.ts'
import { allCommands, findCommand, idleProgram, problemOf } from './parsed.ts'

const pages = readPages()

it.each(pages)('$path shows only command lines that nimctl takes', async page => {
  const commands = codeBlocks(page).flatMap(commandsOf)
  const problems = await Promise.all(commands.map(problemOf))
  expect(problems.filter(problem => problem !== undefined)).toEqual([])
})

it('finds command lines at all', () => {
  const commands = pages.flatMap(codeBlocks).flatMap(commandsOf)
  expect(new Set(commands.map(([name]) => name)).size).toBeGreaterThan(8)
})

it.each(pages)('$path mentions only commands and flags that there are', async page => {
  const program = await idleProgram()
  const unknown = inlineCode(page)
    .flatMap(commandsIn)
    .flatMap(args => {
      const { command, rest } = findCommand(program, args)
      const known = [...command.options.flatMap(({ short, long }) => [short, long]), '-h', '--help', '-V', '--version']
      const flags = rest.filter(word => word.startsWith('-') && word !== '-' && !known.includes(word.split('=')[0]))
      const noCommand = command === program && rest.some(word => /^[a-z]/.test(word))
      return noCommand || flags.length > 0 ? [args.join(' ')] : []
    })
  expect(unknown).toEqual([])
})

it.each(pages)('$path names only flags that some command has', async page => {
  const known = allCommands(await idleProgram()).flatMap(({ options }) => options.map(({ long }) => long))
  const named = inlineCode(page).flatMap(code => /^--[\w-]+/.exec(code)?.[0] ?? [])
  const ofOthers = ['--help', '--type-aware']
  expect(named.filter(flag => ![...known, ...ofOthers].includes(flag))).toEqual([])
})

it.each([
  { shell: 'nimctl upload ./cache s3://m --frobnicate', says: /unknown option '--frobnicate'/ },
  { shell: 'nimctl download s3://m', says: /missing required argument 'directory'/ },
  { shell: 'nimctl upload ./cache s3://m --layout zip', says: /Allowed choices/ },
  { shell: 'nimctl carry ./cache', says: /unknown command/ },
])('sees what is wrong with: $shell', async ({ shell, says }) => {
  const [args = []] = commandsIn(shell)
  expect(await problemOf(args)).toMatch(says)
})

it('reads shell as far as the documentation uses it', () => {
  const shell =
    'A=b nimctl list "$STORE" --json | jq . # as JSON\nnimctl version && \\\n  nimctl doctor > out.txt\necho nimctl'
  expect(commandsIn(shell)).toEqual([['list', '$STORE', '--json'], ['version'], ['doctor']])
})
