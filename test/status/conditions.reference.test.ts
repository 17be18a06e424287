import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { expect, it } from 'vitest'

import { operatorStates } from '../../src/status/condition-rule.ts'
import { conditionRules } from '../../src/status/conditions.ts'

const repository = join(import.meta.dirname, '../..')
const shared = resolve(repository, process.env['NIMCTL_REFERENCE_DIR'] ?? '../shared')

const pages = ['reference', 'seeds']
  .flatMap(folder => readdirSync(join(shared, folder)).map(name => join(shared, folder, name)))
  .map(file => readFileSync(file, 'utf8'))
  .join('\n')

it('knows every condition that the documents name', () => {
  const named = new Set(pages.match(/\bNIM_(?:CACHE|SERVICE|BUILD)_[A-Z_]*(?:JOB|PVC|RECONCILE|PROFILE|POD)[A-Z_]*\b/g))
  expect(named.size).toBeGreaterThan(4)
  const known = new Set(conditionRules.map(({ type }) => type))
  expect([...named].filter(type => !known.has(type))).toEqual([])
})

it('knows every state that the documents name', () => {
  const [, states = ''] = /status: `state` \(([^)]*)\)/.exec(pages) ?? []
  expect(states.split(', ').toSorted()).toEqual(Object.keys(operatorStates).toSorted())
})
