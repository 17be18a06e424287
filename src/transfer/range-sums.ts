import { combineCrc32c } from '../system/hash.ts'

interface SummedRange {
  /** Bytes. */
  size: number
  crc32c: number
}

/**
 * The CRC32C of a file whose ranges were summed one by one, in any order.
 *
 * @param ranges by where they begin; they may overlap.
 * @param readGap sums what no range covers, from `start` to before `end`.
 */
export async function joinRangeSums(
  ranges: ReadonlyMap<number, SummedRange>,
  size: number,
  readGap: (start: number, end: number) => Promise<number>,
): Promise<number> {
  const starts = [...ranges.keys()].toSorted((a, b) => a - b)
  let sum = 0
  for (let position = 0; position < size;) {
    const start = position
    const known = ranges.get(start)
    const end = known === undefined ? (starts.find(other => other > start) ?? size) : start + known.size
    sum = combineCrc32c(sum, known?.crc32c ?? (await readGap(start, end)), end - start)
    position = end
  }
  return sum
}
