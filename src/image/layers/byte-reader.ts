/** Bytes in order, taken as they are needed. */
export interface ByteReader {
  /** Fewer than `length` bytes at the end. */
  read(length: number): Promise<Buffer>
  /** @returns how many bytes were passed over: fewer than `length` at the end. */
  skip(length: number): Promise<number>
}

/** Reads no further than what is asked for. */
export function readBytes(source: AsyncIterable<Buffer>): ByteReader {
  const iterator = source[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)

  const take = async (length: number): Promise<Buffer | undefined> => {
    while (held.length === 0) {
      const { done, value } = await iterator.next()
      if (done === true) return undefined
      held = value
    }
    const taken = held.subarray(0, length)
    held = held.subarray(taken.length)
    return taken
  }

  return {
    async read(length) {
      const pieces: Buffer[] = []
      let missing = length
      while (missing > 0) {
        const piece = await take(missing)
        if (piece === undefined) break
        pieces.push(piece)
        missing -= piece.length
      }
      return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
    },
    async skip(length) {
      let missing = length
      while (missing > 0) {
        const piece = await take(missing)
        if (piece === undefined) break
        missing -= piece.length
      }
      return length - missing
    },
  }
}
