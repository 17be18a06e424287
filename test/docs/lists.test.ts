import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { platforms } from '../../.ci/release/archive.ts'
import { productionPackages } from '../../.ci/release/production-packages.ts'
import { parseConfig } from '../../src/pipeline/config/read.ts'
import { knownChecks } from '../../src/validate/catalogue.ts'
import { withCheckTables } from './check-tables.ts'
import { renderConfigSchema, withKeyTable } from './config-schema.ts'
import { codeBlocks, firstColumn, readPage, readPages, root, section } from './markdown.ts'
import { errorsIn, kindsIn, readSource, variablesIn, warningsIn } from './source.ts'

const source = readSource()
const json = readPage('docs/json.md')

it('docs/exit-codes.md has every error of the source, and no other', () => {
  const { text } = readPage('docs/exit-codes.md')
  const documented = text.split(/^### /m).flatMap(part => {
    const category = /^([a-z-]+): exit/.exec(part)?.[1]
    return category === undefined ? [] : firstColumn(part).map(code => `${category} ${code}`)
  })
  expect(documented.toSorted()).toEqual(errorsIn(source))
})

it('docs/exit-codes.md has the exit code of every category', async () => {
  const { exitCodes } = await import('../../src/system/errors.ts')
  const table = section(readPage('docs/exit-codes.md'), '## Exit codes')
  for (const [category, code] of Object.entries(exitCodes))
    expect(table).toMatch(new RegExp(`^\\| ${code} \\|.*\\| \`${category}\` \\|`, 'm'))
})

it('docs/environment.md has every variable that nimctl reads, and no other', () => {
  const documented = firstColumn(section(readPage('docs/environment.md'), '## Read by nimctl'))
  expect(documented.toSorted()).toEqual(variablesIn(source))
})

it('docs/json.md has every kind of document, and no other', () => {
  const headings = [...json.text.matchAll(/^## ([A-Z]\w+)$/gm)].map(([, kind = '']) => kind)
  const kinds = headings.filter(kind => kind !== 'Progress')
  expect(kinds.toSorted()).toEqual(kindsIn(source))
})

it('docs/json.md has every warning, and no other', () => {
  const codes = firstColumn(section(json, '## Progress')).filter(code => /^[A-Z_]+$/.test(code))
  expect(codes.toSorted()).toEqual(warningsIn(source))
})

it.each([...json.text.matchAll(/^```json\n(.*)\n```$/gm)].map(([, example = '']) => ({ example })))(
  'docs/json.md has valid JSON: $example',
  ({ example }) => {
    expect(() => JSON.parse(example)).not.toThrow()
  },
)

it.each([
  ['src/nim/symptoms.ts', '## The download of a NIM fails'],
  ['src/nim/cluster-symptoms.ts', '## In the cluster'],
])('docs/troubleshooting.md has every symptom of %s, and no other', (path, heading) => {
  const codes = errorsIn(source.filter(file => file.path === path)).map(error => error.split(' ')[1] ?? '')
  const table = section(readPage('docs/troubleshooting.md'), heading)
  expect(firstColumn(table).toSorted()).toEqual(codes.toSorted())
})

it('docs/kubernetes.md has every code of status, and no other', () => {
  const findings = source.filter(({ path }) => path.startsWith('src/status/'))
  const codes = findings.flatMap(({ text }) => [...text.matchAll(/\bcode: '([A-Z_]+)'/g)].map(([, code = '']) => code))
  const documented = firstColumn(section(readPage('docs/kubernetes.md'), '### What status says'))
  expect(documented.toSorted()).toEqual([...new Set(codes)].toSorted())
})

it('the catalogue has every check that the source makes, and no other', () => {
  const kinds = ['blob', 'link', 'file']
  const names = source
    .filter(({ path }) => path !== 'src/validate/catalogue.ts')
    .flatMap(({ text }) =>
      [...text.matchAll(/'((?:cache|store|reader|image|pod|endpoint|objects)\.(?!tar')[a-z-]+)'/g)].map(
        ([, name = '']) => name,
      ),
    )
    .concat(kinds.flatMap(kind => ['missing', 'size', 'checksum'].map(what => `store.${kind}-${what}`)))
  expect(knownChecks.map(({ name }) => name).toSorted()).toEqual([...new Set(names)].toSorted())
})

it('docs/nimctl.schema.json and the keys of docs/nimctl-yaml.md are those of the schema', () => {
  const written = readFileSync(join(root, 'docs/nimctl.schema.json'), 'utf8')
  expect(written, 'run: npm run docs:schema').toBe(renderConfigSchema())
  const { text } = readPage('docs/nimctl-yaml.md')
  expect(text, 'run: npm run docs:schema').toBe(withKeyTable(text))
  expect(text).toContain('| `models[].upload[].layout` |')
})

it('docs/nimctl-yaml.md shows a file that nimctl takes', () => {
  const [shown] = codeBlocks(readPage('docs/nimctl-yaml.md')).filter(({ language }) => language === 'yaml')
  const config = parseConfig(shown?.text ?? '', { file: 'nimctl.yaml', env: {} })
  expect(config.models.map(({ name }) => name)).toEqual(['llama', 'page-elements'])
})

it('docs/validate.md has the tables of the catalogue', () => {
  const { text } = readPage('docs/validate.md')
  expect(text, 'run: npm run docs:checks').toBe(withCheckTables(text))
  for (const { name } of knownChecks) expect(text).toContain(`| \`${name}\` |`)
})

it('docs/architecture.md has the folders in the order of the import rule', () => {
  const folders = firstColumn(section(readPage('docs/architecture.md'), '## Folders')).map(name =>
    name.replace('/', ''),
  )
  const config = readFileSync(join(root, 'oxlint.config.ts'), 'utf8')
  const flow = [...(/const flow = \[([^\]]*)\]/.exec(config)?.[1]?.matchAll(/'([\w-]+)'/g) ?? [])].map(
    ([, name]) => name,
  )
  expect(folders).toEqual(flow)
  expect(folders.toSorted()).toEqual(readdirSync(join(root, 'src')).toSorted())
})

it('docs/security.md names a test for each threat, and only tests that there are', () => {
  const page = readPage('docs/security.md')
  const threats = section(page, '## Who could do what')
    .split('\n')
    .filter(line => /^\| [^-]/.test(line))
    .slice(1)
  expect(threats.length).toBeGreaterThan(8)
  expect(threats.filter(line => !/\| test\/\S+\.test\.ts/.test(line))).toEqual([])
  const named = [...page.text.matchAll(/test\/[\w/.-]+\.ts/g)].map(([path]) => path)
  expect(named.filter(path => !listed('test').includes(path))).toEqual([])
})

it('the README leads to every page of docs/', () => {
  const { text } = readPage('README.md')
  const pages = readPages().map(({ path }) => path)
  const first = pages.filter(path => path.startsWith('docs/') && !path.startsWith('docs/decisions/'))
  expect(first.filter(path => !text.includes(`(${path})`) && !text.includes(`(${path}#`))).toEqual([])
})

it('docs/architecture.md names files that there are', () => {
  const { text } = readPage('docs/architecture.md')
  const files = [...text.matchAll(/`((?:[\w-]+\/)+[\w-]+\.(?:ts|js|md))`/g)].map(([, path = '']) => path)
  const there = new Set([
    ...source.map(({ path }) => path.replace(/^src\//, '')),
    ...listed('test'),
    ...listed('fixtures'),
  ])
  expect(files.length).toBeGreaterThan(40)
  expect(files.filter(path => !there.has(path) && !path.startsWith('docs/'))).toEqual([])
})

it('docs/dependencies.md has every dependency in its version, and how many there are', () => {
  const page = readPage('docs/dependencies.md')
  const table = section(page, '## Direct dependencies')
  const documented = [...table.matchAll(/^\| `([^`]+)` \| (\S+) \| \d{4}-\d\d-\d\d \|/gm)]
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(Object.fromEntries(documented.map(([, name, version]) => [name, version]))).toEqual(dependencies)
  const onX64 = productionPackages(platforms['linux-x64']).length
  expect(page.text).toContain(`| direct dependencies | ${documented.length} |`)
  expect(page.text).toContain(`| production packages on Linux, x64, by the lock file | ${onX64} |`)
})

it('nothing of ours runs when the package is installed', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const atInstall = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']
  expect(atInstall.filter(name => name in scripts)).toEqual([])
})

function listed(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(path => join(folder, path))
}
