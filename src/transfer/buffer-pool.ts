export interface Lease {
  /** As many as were asked for; their content is whatever was there before. */
  bytes: Buffer
  release: () => void
}

export interface BufferPool {
  /** Waits until there is room. Whoever asked first is served first. */
  lease(size: number): Promise<Lease>
}

/** However large the parts are, two are in flight, or reading and sending would take turns. */
const leastInFlight = 2

/** Allocating less than this costs less than keeping it. */
const smallestKept = 256 * 1024

/**
 * Reused buffers within a budget, so that memory does not grow with files.
 *
 * @param budget bytes that may be out at once.
 * @param slabSize bytes of a buffer that is kept; what is larger is allocated anew each time.
 * @param shared whether other threads get to see the buffers.
 * @param maxLeases how many may be out at once, asked each time: with a request each, the requests in flight.
 */
export function openBufferPool({
  budget,
  slabSize,
  maxLeases,
  shared = false,
}: {
  budget: number
  slabSize: number
  shared?: boolean
  maxLeases: () => number
}): BufferPool {
  const slabs: Buffer[] = []
  const waiting: { size: number; resolve: (lease: Lease) => void }[] = []
  let usedBytes = 0
  let inFlight = 0

  const allocate = (size: number) => (shared ? Buffer.from(new SharedArrayBuffer(size)) : Buffer.allocUnsafeSlow(size))
  const fits = (size: number) => inFlight < maxLeases() && (usedBytes + size <= budget || inFlight < leastInFlight)

  const grant = (size: number): Lease => {
    const kept = size > smallestKept && size <= slabSize
    const buffer = kept
      ? (slabs.pop() ?? allocate(slabSize))
      : size > smallestKept
        ? allocate(size)
        : Buffer.allocUnsafe(size)
    const cost = buffer.length
    usedBytes += cost
    inFlight += 1
    return {
      bytes: buffer.subarray(0, size),
      release() {
        usedBytes -= cost
        inFlight -= 1
        if (kept) slabs.push(buffer)
        serve()
      },
    }
  }

  const serve = (): void => {
    while (waiting[0] !== undefined && fits(waiting[0].size)) {
      const next = waiting.shift()
      next?.resolve(grant(next.size))
    }
  }

  return {
    lease: size =>
      waiting.length === 0 && fits(size)
        ? Promise.resolve(grant(size))
        : new Promise(resolve => waiting.push({ size, resolve })),
  }
}
