import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

const here = import.meta.dirname
const rules = join(here, '..', '..', 'src', 'operator')

/** Names of findings: `rule: 'name'`, CEL rules' `name: 'name'`, and the first argument of a report. */
const inSource = /(?:rule: |name: |\()\s*'([a-z][a-z0-9]*(?:-[a-z0-9]+)+)'/g

it('every rule has a test that names it', () => {
  const tests = textOf(here, '.test.ts')
  const folders = ['check', 'rules', 'schema', '.']
  const names = folders.flatMap(folder =>
    [...textOf(join(rules, folder), '.ts').matchAll(inSource)].map(([, name]) => name),
  )
  const notRules = ['replicas-zero', 'native-download', 'optional-auth-secret', 'model-puller']
  const untested = new Set(
    names.filter(name => name !== undefined && !notRules.includes(name) && !tests.includes(name)),
  )
  expect(new Set(names).size).toBeGreaterThan(100)
  expect([...untested]).toEqual([])
})

function textOf(folder: string, ending: string): string {
  return readdirSync(folder)
    .filter(name => name.endsWith(ending))
    .map(name => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
}
