import { expect, it } from 'vitest'

import { commandsIn } from './command-lines.ts'
import { allCommands, helpOf, idleProgram, problemOf } from './parsed.ts'

/** `nimctl version` and the like need no example. */
const commands = allCommands(await idleProgram())
  .filter(command => command.commands.length === 0 && command.registeredArguments.length > 0)
  .map(command => ({ name: command.name(), help: helpOf(command) }))

it.each(commands)('the help of $name has examples, and nimctl takes them', async ({ help }) => {
  const [, examples = ''] = help.split('\nExamples:\n')
  const found = commandsIn(examples)
  expect(found.length).toBeGreaterThan(0)
  const problems = await Promise.all(found.map(problemOf))
  expect(problems.filter(problem => problem !== undefined)).toEqual([])
})

it('the overview shows only command lines that nimctl takes', async () => {
  const shown = helpOf(await idleProgram()).split('\nThe way of a model:\n')[1] ?? ''
  // What a command is for stands in a column of its own.
  const found = commandsIn(shown.replaceAll(/ {3,}.*$/gm, ''))
  expect(found.length).toBeGreaterThan(4)
  const problems = await Promise.all(found.map(problemOf))
  expect(problems.filter(problem => problem !== undefined)).toEqual([])
})

it('the overview names every exit code', async () => {
  const shown = helpOf(await idleProgram())
  for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]) expect(shown).toMatch(new RegExp(`\\b${code} [a-z]`))
})
