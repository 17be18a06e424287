import type { Store } from '../stores/store.ts'
import { errorMessage, isRetryable, NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import { describeKey } from './marker.ts'

interface RangeRequest {
  key: string
  /** Filled with what stands in the object from `position` on. */
  bytes: Uint8Array
  position: number
  signal: AbortSignal
  report: Report
}

/** Answers in a row that brought nothing. */
const mostEmptyAnswers = 5

/** Fills a buffer with a range of an object, as `readThrough` reads it. */
export async function readRange(store: Store, { bytes, position, ...request }: RangeRequest): Promise<void> {
  let filled = 0
  const take = (chunk: Uint8Array) => {
    bytes.set(chunk, filled)
    filled += chunk.length
  }
  await readThrough(store, { ...request, position, length: bytes.length, take })
}

interface ThroughRequest extends Pick<RangeRequest, 'key' | 'signal' | 'report'> {
  /** Where to begin and how much to read, in bytes. */
  position: number
  length: number
  /** Gets every byte once, in order. */
  take: (chunk: Uint8Array) => void
}

/**
 * Reads a range of an object and keeps nothing. An answer that is cut is gone on with from where it stopped; opening a
 * request again is the store's own business (`withRetry`).
 *
 * @throws NimctlError `unavailable` / `STORE_READ_CUT` when answer after answer brings nothing.
 */
export async function readThrough(store: Store, request: ThroughRequest): Promise<void> {
  const { key, position, length, take, signal, report } = request
  let taken = 0
  let empty = 0
  while (taken < length) {
    const before = taken
    let reason = 'The answer ended early.'
    try {
      const range = { start: position + taken, end: position + length - 1 }
      for await (const chunk of await store.read(key, range, { signal })) {
        const fitting = chunk.subarray(0, length - taken)
        take(fitting)
        taken += fitting.length
      }
    } catch (error) {
      signal.throwIfAborted()
      // What a request ended with was translated; what a body ended with is the connection's end.
      if (error instanceof NimctlError && !isRetryable(error)) throw error
      reason = errorMessage(error)
    }
    if (taken >= length) return
    empty = taken > before ? 0 : empty + 1
    if (empty > mostEmptyAnswers) throw cut(store, key, reason)
    report({ event: 'retrying', operation: `read ${key}`, attempt: empty + 1, waitMs: 0, reason })
  }
}

function cut(store: Store, key: string, reason: string): NimctlError {
  return new NimctlError('unavailable', 'STORE_READ_CUT', {
    what: `The store keeps ending ${describeKey(store, key)} before its time.`,
    why: reason,
    next: 'Run the same command again: it goes on where it stopped.',
  })
}
