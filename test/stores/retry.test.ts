import { describe, expect, it } from 'vitest'

import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { type ErrorDetails, NimctlError } from '../../src/system/errors.ts'
import { type ProgressEvent, silent } from '../../src/system/progress.ts'
import { never } from './contract-tools.ts'

const policy = { maxRetries: 2, firstWaitMs: 1, longestWaitMs: 2 }

describe('withRetry', () => {
  it('makes a request again while its error can mend, and tells', async () => {
    const events: ProgressEvent[] = []
    const { store, attempts } = failing(2, unavailable())
    expect(await withRetry(store, policy, event => events.push(event)).stat('key', never)).toEqual({
      key: 'key',
      size: 1,
    })
    expect(attempts()).toBe(3)
    expect(events).toMatchObject([
      { event: 'retrying', operation: 'stat key', attempt: 1, reason: 'failed' },
      { event: 'retrying', operation: 'stat key', attempt: 2, reason: 'failed' },
    ])
  })

  it('ends with the error itself, and does not promise a try that does not follow', async () => {
    const events: ProgressEvent[] = []
    const error = unavailable()
    const { store, attempts } = failing(9, error)
    await expect(withRetry(store, policy, event => events.push(event)).stat('key', never)).rejects.toBe(error)
    expect(attempts()).toBe(3)
    expect(events).toHaveLength(2)
  })

  it.each([
    ['what can not mend', unavailable({ mend: 'not' })],
    ['what needs a new upload', unavailable({ mend: 'new-upload' })],
    ['a permission', new NimctlError('auth', 'ACCESS_DENIED', { what: 'failed' })],
    ['a bug', new TypeError('failed')],
  ])('does not try %s again', async (_, error) => {
    const { store, attempts } = failing(1, error)
    await expect(withRetry(store, policy, silent).stat('key', never)).rejects.toBe(error)
    expect(attempts()).toBe(1)
  })

  it('tries again with credentials that were read anew', async () => {
    const { store } = failing(1, unavailable({ mend: 'new-credentials' }))
    expect(await withRetry(store, policy, silent).stat('key', never)).toBeDefined()
  })

  it('does not wait for credentials that were read anew and have expired too', async () => {
    const expired = unavailable({ mend: 'new-credentials' })
    const { store, attempts } = failing(9, expired)
    await expect(withRetry(store, { ...policy, maxRetries: 8 }, silent).stat('key', never)).rejects.toBe(expired)
    expect(attempts()).toBe(2)
  })

  it('waits as long as the server asked', async () => {
    const { store } = failing(1, unavailable({ retryAfterMs: 120 }))
    const begun = performance.now()
    await withRetry(store, policy, silent).stat('key', never)
    expect(performance.now() - begun).toBeGreaterThan(115)
  })

  it('stops waiting when it is told to', async () => {
    const { store, attempts } = failing(1, unavailable({ retryAfterMs: 60_000 }))
    const stop = new AbortController()
    const reason = new Error('told to stop')
    const waiting = withRetry(store, policy, () => stop.abort(reason)).stat('key', { signal: stop.signal })
    await expect(waiting).rejects.toBe(reason)
    expect(attempts()).toBe(1)
  })
})

function unavailable(details: Partial<ErrorDetails> = {}): NimctlError {
  return new NimctlError('unavailable', 'STORE_FAILED', { what: 'failed', ...details })
}

/** A store whose `stat` fails this many times. */
function failing(times: number, error: Error): { store: Store; attempts: () => number } {
  let attempts = 0
  const refuse = async (): Promise<never> => {
    throw new Error('not asked for here')
  }
  const store: Store = {
    url: new URL('file:///nowhere'),
    capabilities: {
      serverCopy: false,
      parallelParts: false,
      minPart: 1,
      maxPart: 1,
      maxParts: 1,
      maxPut: 1,
      listingProof: 'size',
      statProof: 'size',
      conditionalPut: false,
      sortedListing: true,
    },
    list: refuse,
    stat: async key => {
      attempts += 1
      if (attempts <= times) throw error
      return { key, size: 1 }
    },
    put: refuse,
    openUpload: refuse,
    copy: refuse,
    read: refuse,
    remove: refuse,
    close: () => {},
  }
  return { store, attempts: () => attempts }
}
