import { setTimeout as wait } from 'node:timers/promises'

import pRetry from 'p-retry'

import { isRetryable, NimctlError } from './errors.ts'
import type { Report } from './progress.ts'

export interface RetryPolicy {
  /** 0: every request is made once. */
  maxRetries: number
  /** Before the first retry; doubles with each, up to `longestWaitMs`, and is spread by chance. */
  firstWaitMs: number
  longestWaitMs: number
}

export const defaultRetryPolicy: RetryPolicy = { maxRetries: 8, firstWaitMs: 500, longestWaitMs: 30_000 }

export type Attempt = <T>(operation: string, signal: AbortSignal | undefined, request: () => Promise<T>) => Promise<T>

/** Credentials that were read anew and are refused too: waiting does not renew them. */
const mostRefusals = 2

/**
 * Makes single requests again while their errors can mend; with credentials that have expired once, after they were read
 * anew. A wait that the server asked for is kept.
 */
export function retrying(policy: RetryPolicy, report: Report): Attempt {
  return (operation, signal, request) => {
    let refusals = 0
    let again = false
    return pRetry(request, {
      retries: policy.maxRetries,
      minTimeout: policy.firstWaitMs,
      maxTimeout: policy.longestWaitMs,
      randomize: true,
      signal,
      shouldRetry: () => again,
      // Comes before shouldRetry, for each failure.
      onFailedAttempt: async ({ error, attemptNumber, retryDelay, retriesLeft }) => {
        if (error instanceof NimctlError && error.mend === 'new-credentials') refusals += 1
        again = isRetryable(error) && refusals < mostRefusals
        if (retriesLeft === 0 || !again || !isRetryable(error)) return
        const waitMs = Math.max(retryDelay, error.retryAfterMs ?? 0)
        report({ event: 'retrying', operation, attempt: attemptNumber, waitMs, reason: error.message })
        await wait(waitMs - retryDelay, undefined, { signal }).catch(() => signal?.throwIfAborted())
      },
    })
  }
}
