/** How many requests are in flight: as many as asked for, or as many as bring more throughput. */
export interface Concurrency {
  limit: () => number
  /** A request is done. @param bytes that it carried. */
  done(bytes: number): void
}

export function fixedConcurrency(limit: number): Concurrency {
  return { limit: () => limit, done: () => {} }
}

const first = 8
const most = 48
const windowMs = 1000

/** A request costs about as much as so many bytes: for small files, requests are what counts. */
const requestCost = 128 * 1024

/** Less than this is noise. */
const worthwhile = 1.04

/**
 * Climbs as long as it pays: each second's throughput is compared with the best so far; one step that does not pay is
 * taken back, and tried again after a while, since networks change.
 */
export function findConcurrency(now: () => number = () => performance.now()): Concurrency {
  let limit = first
  let before = first
  let bestRate = 0
  let carried = 0
  let windowStartMs = now()
  let restWindows = 0

  const judge = (rate: number): void => {
    if (restWindows > 0) {
      restWindows -= 1
      bestRate = Math.max(bestRate * 0.98, rate)
      return
    }
    if (limit === before || rate > bestRate * worthwhile) {
      before = limit
      limit = Math.min(most, Math.ceil(limit * 1.5))
    } else {
      limit = before
      restWindows = 10
    }
    bestRate = Math.max(bestRate, rate)
  }
  return {
    limit: () => limit,
    done(bytes) {
      carried += bytes + requestCost
      const elapsedMs = now() - windowStartMs
      if (elapsedMs < windowMs) return
      judge(carried / elapsedMs)
      carried = 0
      windowStartMs = now()
    },
  }
}
