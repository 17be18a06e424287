import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'

import { emitted } from '../../src/emit/result.ts'
import { emitStack } from '../../src/emit/stack.ts'
import { renderPlain, renderYaml } from '../../src/emit/yaml.ts'
import { anNgcRequest, aRequest } from './request.ts'

describe('any reader gets the string back', () => {
  const texts = [
    ['1.10', '1e3', '12345', '0x1f', '0o17', '017', '1_000', '12:30:00', '2026-11-21', '+1', '-1', '.5', '.inf'],
    ['yes', 'No', 'on', 'OFF', 'y', 'n', 'true', 'False', 'null', '~', '', ' a', 'a: b', 'a #b', '@a', '*a', '<<', '='],
    ['a\nb', 'a\n\n', 'ünïcode', '"quoted"', "it's", '{a}', '- a', '? a', '%YAML'],
  ]

  it.each(texts.flat())('%j', text => {
    const rendered = renderPlain({ key: text, [text]: [text] })
    for (const version of ['1.1', '1.2'] as const)
      expect(parse(rendered, { version })).toEqual({ key: text, [text]: [text] })
  })
})

it.each([
  ['stack on layout cache', aRequest()],
  ['stack on layout ngc', anNgcRequest({ operatorVersion: 'main' })],
])('a %s is read back as it was', (_, request) => {
  const result = emitStack(request)
  const documents = parseAllDocuments(renderYaml(result, 'Made by a test.'))
  expect(documents.flatMap(document => document.errors)).toEqual([])
  expect(documents.map(document => document.toJS())).toEqual(result.objects)
})

it('begins with its origin, what it needs and what to heed; comments stand at their fields', () => {
  const result = emitted({
    objects: [{ apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a' } }],
    comments: [
      { kind: 'Thing', path: ['metadata', 'name'], text: 'Adapt\nme.' },
      { kind: 'Other', path: ['metadata'], text: 'Not here.' },
      { kind: 'Thing', path: ['spec'], text: 'Nor here.' },
    ],
    prerequisites: ['a Secret'],
    warnings: ['mind\nthe: gap'],
  })
  expect(renderYaml(result, 'Made by a test.')).toBe(`# Made by a test.
#
# Needed first, in the same namespace:
# - a Secret
#
# Warnings:
# - mind the: gap
---
apiVersion: v1
kind: Thing
metadata:
  # Adapt me.
  name: a
`)
})

it('says why the key is empty, at the key', () => {
  const lines = renderYaml(emitStack(aRequest({ kind: 'nimservice' })), 'Made by a test.').split('\n')
  const key = lines.indexOf('    - name: NGC_API_KEY')
  expect(lines[key - 1]).toContain('# Empty on purpose')
})
