import type { NamedObject } from '../transfer/compare.ts'

/** How many objects are read back: a share of them, or a number. */
export type Sample = { percent: number } | { objects: number }

/**
 * Marks as many as were asked for, each with the same chance, and holds none (selection sampling: Knuth, The Art of
 * Computer Programming, volume 2, 3.4.2, algorithm S).
 *
 * @param total how many of `named` have a content that is known.
 * @param random as `Math.random`.
 */
export async function* markSample(
  named: AsyncIterable<NamedObject>,
  { sample, total, random }: { sample: Sample; total: number; random: () => number },
): AsyncGenerator<NamedObject> {
  let due = 'percent' in sample ? Math.ceil((total * sample.percent) / 100) : Math.min(sample.objects, total)
  let left = total
  for await (const object of named) {
    if (object.expected === undefined) {
      yield object
      continue
    }
    const isChosen = random() * left < due
    left -= 1
    if (isChosen) due -= 1
    yield isChosen ? { ...object, read: true } : object
  }
}
