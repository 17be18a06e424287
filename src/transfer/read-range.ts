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

/**
 * Reads a range of an object. An answer that is cut is gone on with from where it stopped; opening a request again is
 * the store's own business (`withRetry`).
 *
 * @throws NimctlError `unavailable` / `STORE_READ_CUT` when answer after answer brings nothing.
 */
export async function readRange(store: Store, request: RangeRequest): Promise<void> {
  const { key, bytes, position, signal, report } = request
  let filled = 0
  let empty = 0
  while (filled < bytes.length) {
    const before = filled
    let reason = 'The answer ended early.'
    try {
      const range = { start: position + filled, end: position + bytes.length - 1 }
      for await (const chunk of await store.read(key, range, { signal })) {
        const fitting = chunk.subarray(0, bytes.length - filled)
        bytes.set(fitting, filled)
        filled += fitting.length
      }
    } catch (error) {
      signal.throwIfAborted()
      // What a request ended with was translated; what a body ended with is the connection's end.
      if (error instanceof NimctlError && !isRetryable(error)) throw error
      reason = errorMessage(error)
    }
    if (filled >= bytes.length) return
    empty = filled > before ? 0 : empty + 1
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
