import { setTimeout as wait } from 'node:timers/promises'

/** Resolves when so many bytes may leave. */
export type RateLimit = (bytes: number, signal: AbortSignal) => Promise<void>

export const unlimited: RateLimit = async () => {}

/** @param bytesPerSecond over all requests together. A part goes out whole; the next one waits for its share. */
export function limitRate(bytesPerSecond: number): RateLimit {
  let freeAtMs = 0
  return async (bytes, signal) => {
    const nowMs = performance.now()
    const startMs = Math.max(nowMs, freeAtMs)
    freeAtMs = startMs + (bytes / bytesPerSecond) * 1000
    if (startMs > nowMs) await wait(startMs - nowMs, undefined, { signal })
  }
}
