import { expect, it } from 'vitest'

import { parseModelList } from '../../src/hybrid-manager/model-list.ts'

const one = { id: 'a', name: 'nvclip', imageUrl: 'nvcr.io/nim/nvidia/nvclip:latest' }
const parsed = { id: 'a', name: 'nvclip', image: 'nvcr.io/nim/nvidia/nvclip:latest' }

it.each<[string, unknown]>([
  ['the list itself', [one]],
  ['in data', { data: [one], errors: [] }],
  ['in a field of another name', { aiModels: [one], total: 1 }],
  ['one inside the other', { status: 'ok', data: { models: [one] } }],
])('reads models: %s', (_, json) => {
  expect(parseModelList(json)).toEqual({ models: [parsed], complete: true })
})

it.each<[string, unknown]>([
  ['no JSON', undefined],
  ['no list', { message: 'hello' }],
  ['two lists, and nothing says which', { a: [one], b: [one] }],
  ['objects without ids', [{ name: 'nvclip' }]],
  ['no objects', ['a']],
])('takes nothing else for a list: %s', (_, json) => {
  expect(parseModelList(json)).toBeUndefined()
})

it.each([{ nextPageToken: 'x' }, { pagination: { hasMore: true } }, { meta: { total: 2 } }, { page: { next: 2 } }])(
  'sees that there are more: %j',
  more => {
    expect(parseModelList({ data: [one], ...more })?.complete).toBe(false)
  },
)

it.each([{ nextPageToken: '' }, { next: null }, { total: 1 }, { hasMore: false }])('sees that it is all: %j', more => {
  expect(parseModelList({ data: [one], ...more })?.complete).toBe(true)
})

it('shows what comes from outside on one line, without escapes and secrets', () => {
  const json = [{ id: 'a', name: '\u001B[31mred\u001B[0m\nnvapi-0123456789', imageUrl: 'x/y:1\nevil/z:1' }]
  expect(parseModelList(json)?.models).toEqual([{ id: 'a', name: 'red **redacted**', image: 'x/y:1 evil/z:1' }])
})

it('sorts by name, then by id', () => {
  const json = [
    { id: 'c', name: 'b' },
    { id: 2, name: 'b' },
    { id: 'z', name: 'a' },
  ]
  expect(parseModelList(json)?.models.map(({ id }) => id)).toEqual(['z', '2', 'c'])
})
