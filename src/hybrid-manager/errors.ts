import { NimctlError } from '../system/errors.ts'
import type { JsonAnswer, Unanswered } from '../system/http/json-client.ts'

/** An answer that no second look makes better. */
export function refuse({ status, words, retryAfterMs }: JsonAnswer, url: URL): NimctlError | undefined {
  const why = [`It answers ${status}.`, words].join(' ').trim()
  switch (status) {
    case 401:
    case 403:
      return new NimctlError('auth', 'HM_AUTH', {
        what: `Hybrid Manager at ${url.origin} does not take the access key for ${url.pathname}.`,
        why,
        next: 'Make a new access key in its portal and export it: export HM_ACCESS_KEY=…',
      })
    case 404:
      return new NimctlError('not-found', 'HM_NOT_FOUND', {
        what: `There is no ${url.pathname} at ${url.origin}.`,
        why,
        next: "Give --url the portal's address as a browser has it, without a path of a page: https://HOST",
      })
    case 429:
      return new NimctlError('unavailable', 'HM_THROTTLED', {
        what: `Hybrid Manager at ${url.origin} asks for fewer requests.`,
        why,
        next: 'Wait a little and run the same command again.',
        retryAfterMs,
      })
    default:
      if (status < 500 && status !== 408) return undefined
      return new NimctlError('unavailable', 'HM_FAILED', {
        what: `Hybrid Manager at ${url.origin} failed.`,
        why,
        next: 'Run the same command again.',
        retryAfterMs,
      })
  }
}

/** What came is no list of models: a page of the portal, or the API of another version. */
export function invalidAnswer({ origin }: URL, status: number, words: string): NimctlError {
  return new NimctlError('unavailable', 'HM_ANSWER_INVALID', {
    what: `The answer of ${origin} is not understood.`,
    why: [`It answers ${status}, with no list of models in JSON.`, words].join(' ').trim(),
    next: "Give --url the portal's address: https://HOST. nimctl knows the API of Hybrid Manager 1.3.",
    mend: 'not',
  })
}

export function refusedChange(id: string, status: number, words: string): NimctlError {
  return new NimctlError('usage', 'HM_CHANGE_REFUSED', {
    what: `Hybrid Manager does not take the new image of model ${id}.`,
    why: [`It answers ${status}.`, words].join(' ').trim(),
    next: 'Look at the image, and whether this model may be changed.',
  })
}

export function unanswered({ failure, origin, why, cause }: Unanswered): NimctlError {
  switch (failure) {
    case 'unreachable':
    case 'unknown-host':
    case 'not-http':
      return new NimctlError('unavailable', 'HM_UNREACHABLE', {
        what: `Hybrid Manager could not be reached at ${origin}.`,
        why,
        next: 'Look at --url, the network and HTTPS_PROXY.',
        mend: failure === 'unreachable' ? 'same' : 'not',
        cause,
      })
    case 'tls-not-spoken':
      return new NimctlError('unavailable', 'HM_TLS', {
        what: `${origin} does not answer with TLS.`,
        why,
        next: 'Look at --url: scheme, host and port.',
        mend: 'not',
        cause,
      })
    case 'certificate':
      return new NimctlError('unavailable', 'HM_TLS', {
        what: `The certificate of ${origin} is not trusted.`,
        why,
        next: 'Name the CA that signed it: --ca-file FILE (NIMCTL_CA_FILE)',
        mend: 'not',
        cause,
      })
  }
}
