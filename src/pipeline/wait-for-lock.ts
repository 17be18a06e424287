import pRetry from 'p-retry'

import { NimctlError } from '../system/errors.ts'

/** A command that was killed ends what it holds in this time, be it a container. */
const tries = 60
const pauseMs = 500

/** Does what another process of nimctl may be doing at this moment: one after the other. */
export async function waitForLock<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return await pRetry(work, {
    retries: tries,
    minTimeout: pauseMs,
    factor: 1,
    signal,
    shouldRetry: ({ error }) => error instanceof NimctlError && error.code === 'LOCK_HELD',
  })
}
