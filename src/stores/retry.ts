import { setTimeout as wait } from 'node:timers/promises'

import pRetry from 'p-retry'

import { isRetryable, NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import type { Store, Upload } from './store.ts'

export interface RetryPolicy {
  /** 0: every request is made once. */
  maxRetries: number
  /** Before the first retry; doubles with each, up to `longestWaitMs`, and is spread by chance. */
  firstWaitMs: number
  longestWaitMs: number
}

export const defaultRetryPolicy: RetryPolicy = { maxRetries: 8, firstWaitMs: 500, longestWaitMs: 30_000 }

type Attempt = <T>(operation: string, signal: AbortSignal | undefined, request: () => Promise<T>) => Promise<T>

/**
 * The same store, in which single requests are made again while their errors can mend; with credentials that have
 * expired once, after they were read anew. A wait that the server asked for is kept. What needs a new upload, or can't
 * mend, leaves at once.
 */
export function withRetry(store: Store, policy: RetryPolicy, report: Report): Store {
  const attempt = retrying(policy, report)
  const { listUploads, abortUpload, copyFrom } = store
  return {
    ...store,
    ...(listUploads && {
      // What was listed before an error would come twice, so nothing is given on before the end.
      async *listUploads(prefix, options) {
        const list = () => Array.fromAsync(listUploads(prefix, options))
        yield* await attempt(`list uploads ${prefix}`, options.signal, list)
      },
    }),
    ...(abortUpload && {
      abortUpload: (saved, options) => attempt(`abort ${saved.key}`, options.signal, () => abortUpload(saved, options)),
    }),
    ...(copyFrom && {
      copyFrom: (from, to, options) => attempt(`copy ${to}`, options.signal, () => copyFrom(from, to, options)),
    }),
    list: (prefix, cursor, options) =>
      attempt(`list ${prefix}`, options.signal, () => store.list(prefix, cursor, options)),
    stat: (key, options) => attempt(`stat ${key}`, options.signal, () => store.stat(key, options)),
    put: (key, bytes, sums, options) =>
      attempt(`put ${key}`, options.signal, () => store.put(key, bytes, sums, options)),
    openUpload: async (key, options) =>
      withRetriedParts(
        await attempt(`open upload ${key}`, options.signal, () => store.openUpload(key, options)),
        attempt,
      ),
    copy: (from, to, options) => attempt(`copy ${to}`, options.signal, () => store.copy(from, to, options)),
    read: (key, range, options) => attempt(`read ${key}`, options.signal, () => store.read(key, range, options)),
    remove: (key, options) => attempt(`remove ${key}`, options.signal, () => store.remove(key, options)),
  }
}

function withRetriedParts(upload: Upload, attempt: Attempt): Upload {
  const { key } = upload.saved
  return {
    ...upload,
    putPart: (number, bytes, sums, options) =>
      attempt(`put part ${number} of ${key}`, options.signal, () => upload.putPart(number, bytes, sums, options)),
    complete: (sums, parts, options) =>
      attempt(`complete ${key}`, options.signal, () => upload.complete(sums, parts, options)),
    abort: () => attempt(`abort ${key}`, undefined, () => upload.abort()),
  }
}

/** Credentials that were read anew and are refused too: waiting does not renew them. */
const mostRefusals = 2

/** Makes single requests again, as `withRetry` does. */
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
