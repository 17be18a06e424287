import { describe, expect, it } from 'vitest'

import { applyPatch, parsePatches } from '../../../src/emit/finish/patch.ts'
import type { KubernetesObject } from '../../../src/operator/objects.ts'
import { failureOf } from '../failure.ts'

const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'llama' },
  spec: {
    backoffLimit: 5,
    template: {
      spec: {
        tolerations: [{ key: 'a' }],
        containers: [
          {
            name: 'loader',
            image: 'a',
            env: [
              { name: 'A', value: '1' },
              { name: 'B', value: '2' },
            ],
          },
        ],
      },
    },
  },
}

function patched(text: string): KubernetesObject[] {
  return parsePatches(text, 'p.yaml').reduce<KubernetesObject[]>(applyPatch, [job])
}

const podSpec = (text: string) => `kind: Job\nmetadata: {name: llama}\nspec: {template: {spec: ${text}}}\n`

describe('a patch', () => {
  it('merges maps, and lists of named things by their names', () => {
    const container = '{name: loader, image: b, env: [{name: B, value: "3"}, {name: C, value: "4"}]}'
    const [object] = patched(podSpec(`{containers: [${container}, {name: sidecar, image: s}]}`))
    expect(object).toEqual({
      ...job,
      spec: {
        backoffLimit: 5,
        template: {
          spec: {
            tolerations: [{ key: 'a' }],
            containers: [
              {
                name: 'loader',
                image: 'b',
                env: [
                  { name: 'A', value: '1' },
                  { name: 'B', value: '3' },
                  { name: 'C', value: '4' },
                ],
              },
              { name: 'sidecar', image: 's' },
            ],
          },
        },
      },
    })
  })

  it.each([
    [
      'other lists are replaced',
      '{tolerations: [{key: b}]}',
      { tolerations: [{ key: 'b' }], containers: expect.any(Array) },
    ],
    ['null removes', '{tolerations: null}', { containers: expect.any(Array) }],
    ['$patch: delete removes', '{tolerations: {$patch: delete}}', { containers: expect.any(Array) }],
    [
      '$patch: delete removes a named thing',
      '{containers: [{name: loader, env: [{name: A, $patch: delete}]}]}',
      { tolerations: [{ key: 'a' }], containers: [{ name: 'loader', image: 'a', env: [{ name: 'B', value: '2' }] }] },
    ],
    [
      '$patch: replace keeps nothing',
      '{$patch: replace, containers: [{name: x, image: x}]}',
      { containers: [{ name: 'x', image: 'x' }] },
    ],
  ])('%s', (_case, text, spec) => {
    expect(patched(podSpec(text))[0]).toMatchObject({ spec: { backoffLimit: 5, template: {} } })
    expect(JSON.parse(JSON.stringify(patched(podSpec(text))[0]?.spec))).toEqual({ backoffLimit: 5, template: { spec } })
  })

  it('is one of several in a file', () => {
    const text = 'kind: Job\nmetadata: {name: llama}\nspec: {backoffLimit: 1}\n'
    expect(patched(`${text}---\n${text.replace('1', '2')}`)[0]).toMatchObject({ spec: { backoffLimit: 2 } })
  })
})

it.each([
  ['', 'PATCH_INVALID', 'empty'],
  ['a: [', 'PATCH_INVALID', 'no YAML'],
  ['spec: {}', 'PATCH_INVALID', 'kind and metadata.name'],
  ['- a', 'PATCH_INVALID', 'kind and metadata.name'],
  ['kind: Job\nmetadata: {name: other}\n', 'OBJECT_NOT_EMITTED', 'Job/llama'],
  ['apiVersion: batch/v2\nkind: Job\nmetadata: {name: llama}\n', 'OBJECT_NOT_EMITTED', 'Job/llama'],
])('%j is refused', (text, code, why) => {
  const failure = failureOf(() => patched(text))
  expect(failure).toMatchObject({ category: 'usage', code })
  expect(failure.why).toContain(why)
})
