import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { execa } from 'execa'
import { beforeAll, expect, it } from 'vitest'

import { commandNames } from '../../../src/cli/program.ts'
import { bashCompletion } from '../../../src/cli/reference/bash.ts'
import { describeCommand } from '../../../src/cli/reference/command-shape.ts'
import { allCommands, idleProgram } from '../../docs/parsed.ts'
import { temporaryDirectory } from '../../hub-cache.ts'

let directory: string
let script: string

beforeAll(async () => {
  directory = await temporaryDirectory()
  script = bashCompletion(describeCommand(await idleProgram()))
  await mkdir(join(directory, 'my caches/llama'), { recursive: true })
  await writeFile(join(directory, 'images list.txt'), '')
})

/** @param words as bash splits them: at `=` and `:` too. The last one is being typed. */
async function complete(...words: string[]): Promise<string[]> {
  const ask = `eval "$script"; COMP_WORDS=(nimctl "$@"); COMP_CWORD=$#; _nimctl; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = await execa('bash', ['--norc', '-u', '-c', ask, 'bash', ...words], {
    cwd: directory,
    env: { script },
    stdin: 'ignore',
  })
  expect(stderr).toBe('')
  return stdout.split('\n').filter(word => word !== '')
}

it('completes every command', async () => {
  expect(await complete('')).toEqual(commandNames)
  expect(await complete('validate', '')).toEqual(['cache', 'store', 'image', 'objects', 'pod', 'endpoint'])
})

it('completes every flag of every command', async () => {
  for (const command of allCommands(await idleProgram())) {
    const path = []
    for (let at = command; at.parent !== null; at = at.parent) path.unshift(at.name())
    const flags = command.options.filter(({ hidden }) => !hidden).flatMap(({ short, long }) => [short, long])
    const expected = [...flags, '-h', '--help'].filter(flag => flag !== undefined)
    expect((await complete(...path, '-')).toSorted()).toEqual(expected.toSorted())
  }
})

it.each<[string, string[], string[]]>([
  ['a beginning', ['upl'], ['upload']],
  ['choices', ['upload', '--layout', ''], ['cache', 'ngc', 'tar', 'plain']],
  ['choices behind =', ['upload', '--layout', '=', 't'], ['tar']],
  ['the = itself', ['upload', '--layout', '='], ['cache', 'ngc', 'tar', 'plain']],
  ['choices of an argument', ['completion', ''], ['bash', 'zsh', 'fish']],
  ['a flag behind a URL', ['upload', './cache', 's3', ':', '//models/llama', '--lay'], ['--layout']],
  ['an argument behind a URL', ['download', 's3', ':', '//models/llama', 'my'], ['my caches']],
  ['a flag behind the value of another', ['validate', 'store', '--reader', 'hm', '--rep'], ['--report']],
  ['a flag behind one that has no value', ['mirror', '--keep-going', '--dry'], ['--dry-run']],
  ['a command named as a value of the one before', ['upload', '--layout', 'cache', ''], ['my caches']],
  ['a file', ['mirror', '--from-file', 'im'], ['images list.txt']],
  ['a directory, not a file', ['validate', 'cache', ''], ['my caches']],
  ['a directory in one', ['validate', 'cache', 'my caches/'], ['my caches/llama']],
  ['nothing for a URL', ['list', ''], []],
  ['nothing for a name', ['mirror', '--to', ''], []],
  ['nothing within a URL', ['list', 's3', ':', '//m'], []],
  ['nothing past the last argument', ['download', 'a', 'b', ''], []],
  ['no flags behind --', ['upload', '--', '--lay'], []],
  ['an unknown command', ['carry', '--layout', ''], []],
])('completes %s', async (_, words, expected) => {
  expect((await complete(...words)).toSorted()).toEqual(expected.toSorted())
})
