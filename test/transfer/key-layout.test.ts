import { expect, it } from 'vitest'

import type { Layout } from '../../src/inventory/inventory.ts'
import { isOfOtherLayout, parseModelKey } from '../../src/transfer/key-layout.ts'

const ngc = encodeURIComponent('nim/meta/llama:hf-1?file=deep/config.json')
const snapshot = 'ngc/hub/models--nim--meta--llama/snapshots/hf-1/deep/config.json'

it.each([
  [ngc, 'ngc'],
  ['nim/meta/llama:hf-1?file=deep/config.json', 'ngc'],
  [snapshot, 'cache'],
] as const)('%s is a file of a model in layout %s', (key, layout) => {
  const model = { repository: 'nim/meta/llama', version: 'hf-1', file: 'deep/config.json' }
  expect(parseModelKey(key)).toEqual({ layout, ...model })
})

it.each(['ngc/hub/models--a/blobs/0', 'ngc/hub/models--a/refs/1', '100%', 'a:b', 'x?file=y', ''])(
  '%j is no file of a model',
  key => expect(parseModelKey(key)).toBeUndefined(),
)

it.each<[string, Layout, boolean]>([
  [ngc, 'cache', true],
  [ngc, 'ngc', false],
  [snapshot, 'ngc', true],
  [snapshot, 'cache', false],
  [snapshot, 'tar', true],
  ['cache.tar', 'cache', true],
  ['cache.tar', 'tar', false],
  ['README.md', 'cache', false],
  [ngc, 'plain', false],
])('%s beside keys of layout %s is of another one: %s', (key, layout, isOther) => {
  expect(isOfOtherLayout(key, layout)).toBe(isOther)
})
