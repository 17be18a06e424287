import type { Digests, RunningDigests } from '../system/digest-threads.ts'

/** Digests of a file whose parts are read beside each other. */
export interface WholeDigests {
  /** Waits for the parts before it. The bytes stay as they are until the promise settles. */
  add(number: number, bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** Once every part was added. */
  end(): Promise<Digests>
  drop(): void
}

/** Parts count from 1. None may begin to be read before those before it have, or it would wait for ever. */
export function openWholeDigests(running: RunningDigests): WholeDigests {
  const turns = new Map<number, PromiseWithResolvers<void>>()
  const turnOf = (number: number): PromiseWithResolvers<void> => {
    const turn = turns.get(number) ?? Promise.withResolvers<void>()
    turns.set(number, turn)
    return turn
  }
  turnOf(1).resolve()
  return {
    async add(number, bytes, signal) {
      signal.throwIfAborted()
      const turn = turnOf(number)
      // A part before it failed.
      const stop = () => turn.reject(signal.reason)
      signal.addEventListener('abort', stop)
      try {
        await turn.promise
      } finally {
        signal.removeEventListener('abort', stop)
      }
      turns.delete(number)
      await running.add(bytes)
      turnOf(number + 1).resolve()
    },
    end: () => running.end(),
    drop: () => running.drop(),
  }
}
