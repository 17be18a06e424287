export interface BufferPool {
  /** Waits until the budget allows it. The buffer's content is whatever was there before. */
  acquire(size: number): Promise<Buffer>
  release(buffer: Buffer): void
}

/** However large the parts are, two are in flight, or reading and sending would take turns. */
const leastInFlight = 2

/**
 * Reused buffers within a budget, so that memory does not grow with files.
 *
 * @param budget bytes that may be out at once.
 */
export function openBufferPool(budget: number): BufferPool {
  const free: Buffer[] = []
  const waiting: { size: number; resolve: (buffer: Buffer) => void }[] = []
  let usedBytes = 0
  let inFlight = 0

  const fits = (size: number) => usedBytes + size <= budget || inFlight < leastInFlight
  const take = (size: number): Buffer => {
    const index = free.findIndex(buffer => buffer.length === size)
    const buffer = index === -1 ? Buffer.allocUnsafeSlow(size) : free.splice(index, 1)[0]
    usedBytes += size
    inFlight += 1
    return buffer ?? Buffer.allocUnsafeSlow(size)
  }

  return {
    acquire: size =>
      waiting.length === 0 && fits(size)
        ? Promise.resolve(take(size))
        : new Promise(resolve => waiting.push({ size, resolve })),
    release(buffer) {
      usedBytes -= buffer.length
      inFlight -= 1
      // Sizes change from file to file only where huge files force larger parts; what no longer fits is let go.
      if (free.length < leastInFlight || free[0]?.length === buffer.length) free.push(buffer)
      while (waiting[0] !== undefined && fits(waiting[0].size)) {
        const next = waiting.shift()
        next?.resolve(take(next.size))
      }
    },
  }
}
