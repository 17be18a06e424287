/** Numbers that look like chance and come again with the same seed. */
export interface Seeded {
  /** From 0 to below 1. */
  fraction(): number
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  pick<T>(choices: readonly T[]): T
  /** So many bytes that do not compress and differ from others. */
  bytes(size: number): Buffer
  shuffle<T>(items: readonly T[]): T[]
}

/** mulberry32, by Tommy Ettinger: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const fraction = () => next() / 2 ** 32
  const below = (limit: number) => Math.floor(fraction() * limit)
  return {
    fraction,
    below,
    pick(choices) {
      const chosen = choices[below(choices.length)]
      if (chosen === undefined) throw new Error('There is nothing to choose from.')
      return chosen
    },
    bytes(size) {
      const words = Uint32Array.from({ length: Math.ceil(size / 4) }, next)
      return Buffer.from(words.buffer, 0, size)
    },
    shuffle: items =>
      items
        .map(item => ({ item, order: fraction() }))
        .toSorted((a, b) => a.order - b.order)
        .map(({ item }) => item),
  }
}

export function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31)
}
