import { execFileSync } from 'node:child_process'

import { expect, it } from 'vitest'

import { readCiFiles, scriptsOf } from './ci-files.ts'
import { commandsIn } from './command-lines.ts'
import { readPage } from './markdown.ts'
import { problemOf } from './parsed.ts'
import { readSource, variablesIn } from './source.ts'

const files = readCiFiles()
const page = readPage('docs/ci.md')

it('docs/ci.md names every example', () => {
  expect(files.map(({ name }) => name)).toEqual(['github-actions.yaml', 'gitlab-ci.yml', 'tekton.yaml'])
  for (const { name } of files) expect(page.text).toContain(`(ci/${name})`)
})

it.each(files)('$name has shell that a shell reads', ({ scripts }) => {
  expect(scripts.length).toBeGreaterThan(2)
  for (const input of scripts) execFileSync('bash', ['-n'], { input, stdio: ['pipe', 'pipe', 'pipe'] })
})

it.each(files)('$name runs only command lines that nimctl takes, with nobody there to ask', async ({ scripts }) => {
  const commands = scripts.flatMap(commandsIn)
  const problems = await Promise.all(commands.map(problemOf))
  expect(problems.filter(problem => problem !== undefined)).toEqual([])
  const runs = commands.filter(([name]) => name === 'run').map(args => args.join(' '))
  expect(runs).toEqual(['run --dry-run --json --progress plain', 'run --keep-going --json --progress plain'])
})

it.each(files)('$name keeps what a run said, also of one that failed', ({ text }) => {
  for (const file of ['plan.json', 'run.json', 'validate.xml']) {
    expect(text).toContain(file)
    expect(page.text).toContain(`| \`${file}\` |`)
  }
})

it.each(files)('$name has no secret in it, and names variables that nimctl reads', ({ text }) => {
  const ofSdk = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']
  const secret = /\b(NGC_API_KEY|NIMCTL_\w*(?:PASSWORD|USERNAME)|AWS_\w*KEY\w*)\b(?::[ ]*(\S.*))?/g
  const found = [...text.matchAll(secret)]
  const known = [...variablesIn(readSource()), ...ofSdk]
  expect(found.map(([, name]) => name).filter(name => !known.includes(String(name)))).toEqual([])
  const values = found.flatMap(([, , value]) => value ?? [])
  expect(values.filter(value => !/^\$\{\{ secrets\.\w+ \}\}$/.test(value))).toEqual([])
  expect(found.length).toBeGreaterThan(4)
})

it.each(['3', '6', '4', '0'])('docs/ci.md says what a pipeline does at exit %s', code => {
  expect(page.text).toMatch(new RegExp(`^\\| ${code} \\| \\S`, 'm'))
})

it.each([
  { name: 'gitlab-ci.yml', documents: [{ stages: [], default: {}, variables: {} }], says: /Expected "image"/ },
  {
    name: 'github-actions.yaml',
    documents: [{ name: 'x', on: {}, permissions: {}, jobs: { a: {} } }],
    says: /Expected "runs-on"/,
  },
  {
    name: 'tekton.yaml',
    documents: [{ apiVersion: 'tekton.dev/v1beta1', kind: 'Task' }],
    says: /Expected "tekton.dev\/v1"/,
  },
  { name: 'travis.yml', documents: [], says: /no test knows this system/ },
])('sees that $name is wrong', ({ name, documents, says }) => {
  expect(() => scriptsOf(name, documents)).toThrow(says)
})
