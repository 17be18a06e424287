import { expect, it } from 'vitest'

import { mergeByKey } from '../../src/inventory/merge.ts'
import { compareUtf8 } from '../../src/system/utf8-order.ts'
import { newSeed, seeded } from '../seeded.ts'

async function* given<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

const first = Number(process.env.NIMCTL_TEST_SEED ?? newSeed())
const seeds = Array.from({ length: 50 }, (_, index) => first + index)
const keys = ['a', 'a-b', 'a/b', 'a0', 'b\nc', 'ü', '\uFFFD', '\uD800', '😀', '\uE000', 'z']

it.each(seeds)('puts together what has the same key (seed %i)', async seed => {
  const random = seeded(seed)
  const some = () => keys.filter(() => random.below(2) === 0).toSorted(compareUtf8)
  const left = some().flatMap(key => Array.from({ length: 1 + random.below(3) }, (_, copy) => ({ key, copy })))
  const right = some().map(key => ({ key, size: random.below(9) }))

  const merged = await Array.fromAsync(mergeByKey(given(left), given(right)))
  const sizes = new Map(right.map(one => [one.key, one]))
  const named = new Set(left.map(({ key }) => key))
  expect(merged.filter(pair => pair.left !== undefined)).toEqual(
    left.map(one => ({ left: one, ...(sizes.has(one.key) && { right: sizes.get(one.key) }) })),
  )
  expect(merged.filter(pair => pair.left === undefined)).toEqual(
    right.filter(({ key }) => !named.has(key)).map(one => ({ right: one })),
  )
})

it('ends both sequences when nobody reads on', async () => {
  const ended: string[] = []
  async function* watched(name: string) {
    try {
      yield* [{ key: 'a' }, { key: 'b' }]
    } finally {
      ended.push(name)
    }
  }
  for await (const _pair of mergeByKey(watched('left'), watched('right'))) break
  expect(ended.toSorted()).toEqual(['left', 'right'])
})
