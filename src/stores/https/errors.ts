import { errorCode, errorMessage, NimctlError } from '../../system/errors.ts'
import { parseRetryAfter } from '../../system/http/retry-after.ts'
import { numberAt, textAt } from '../../system/json.ts'
import { sanitize } from '../../system/secret.ts'
import type { Answer } from '../http/answer.ts'
import { type Known, kinds } from '../http/error-table.ts'
import { storeError, type Words, wordsForAll } from '../http/store-error.ts'
import type { Credentials } from './credentials.ts'
import { lookUp } from './error-table.ts'

/** What was asked of whom, for the error's sentences. */
export interface Asked {
  /** `PUT` */
  method: string
  /** The whole address, without user and password. */
  target: string
  /** `https://host:port` */
  origin: string
  credentials: Pick<Credentials, 'given' | 'renewable'>
}

/** An answer that says no, as an error. */
export function failureOf({ status, headers, text }: Answer): Error {
  return Object.assign(new Error(wordsOf(text)), { status, headers })
}

/** @returns the error itself where it is not one of the server or the network: then it is a bug. */
export function translateHttpsError(error: unknown, asked: Asked): unknown {
  if (error instanceof NimctlError) return error
  const seen = readError(error)
  const known = kindOf(seen, asked)
  if (known === undefined) return seen.status === undefined ? error : notUnderstood(asked, error)
  return storeError(known, words(known, seen, asked), { retryAfterMs: seen.retryAfterMs, cause: error })
}

/** An answer that came and is not what a server of this kind says. */
export function notUnderstood({ method, target }: Pick<Asked, 'method' | 'target'>, cause?: unknown): NimctlError {
  return new NimctlError('unavailable', 'STORE_ANSWER_NOT_UNDERSTOOD', {
    what: `The answer to ${method} ${target} is not what a server of this kind says.`,
    why: cause === undefined ? undefined : sanitize(errorMessage(cause)).slice(0, 300),
    next: 'Look at the address: is it that of the files themselves, or of a log-in page before them?',
    mend: 'not',
    cause,
  })
}

interface Seen {
  status: number | undefined
  systemCode: string | undefined
  message: string
  location: string | undefined
  retryAfterMs: number | undefined
}

function kindOf(seen: Seen, { method, credentials }: Asked): Known | undefined {
  const known = lookUp(seen)
  // Artifactory refuses what differs from the checksum that was sent with it: only the words tell.
  if ((seen.status === 409 || seen.status === 400) && /checksum/i.test(seen.message)) return kinds.checksum
  // What is to be written need not be there, so it is its folder or repository that is not found.
  if (known?.code === 'OBJECT_NOT_FOUND' && (method === 'PUT' || method === 'MKCOL')) return kinds.bucketNotFound
  if (known?.code !== 'CREDENTIALS_REFUSED') return known
  if (!credentials.given) return kinds.missing
  return credentials.renewable ? kinds.expired : known
}

function words(known: Known, seen: Seen, asked: Asked): Words {
  const { origin: server, target, method } = asked
  const failed = `${server} refused ${method} ${target}.`
  return (
    sentences[known.code]?.(seen, asked) ??
    wordsForAll(known.code, { ...seen, server, target, failed, said: said(seen) })
  )
}

/** By code of ours. */
const sentences: Record<string, (seen: Seen, asked: Asked) => Words> = {
  BUCKET_NOT_FOUND: (seen, { target, origin }) => ({
    what: `${origin} has no folder or repository for ${target}.`,
    why: said(seen),
    next: 'Look at the address. nimctl makes folders where the server speaks WebDAV, and no repositories.',
  }),
  OBJECT_NOT_FOUND: (_, { target }) => ({ what: `There is no ${target}.` }),
  ACCESS_DENIED: (seen, { method, target }) => ({
    what: `These credentials may not do ${method} on ${target}.`,
    why: said(seen),
    next: `Have ${method} permitted to this user, or use other credentials.`,
  }),
  CREDENTIALS_MISSING: (seen, { origin }) => ({
    what: `${origin} does not answer without credentials.`,
    why: said(seen),
    next: 'Set NIMCTL_HTTP_USERNAME and NIMCTL_HTTP_PASSWORD, or NIMCTL_HTTP_TOKEN.',
  }),
  CREDENTIALS_REFUSED: (seen, { origin }) => ({
    what: `${origin} does not accept these credentials.`,
    why: said(seen),
    next: 'Look at NIMCTL_HTTP_USERNAME, NIMCTL_HTTP_PASSWORD and NIMCTL_HTTP_TOKEN, and at a user in the address, which comes first.',
  }),
  CREDENTIALS_EXPIRED: (seen, { origin }) => ({
    what: `${origin} does not accept these credentials, or no longer.`,
    why: said(seen),
    next: 'Renew what stands in the file, then run the same command again: what is finished is kept.',
  }),
  FILE_TOO_LARGE: (seen, { method, target }) => ({
    what: `The server takes no body of this size (${method} ${target}).`,
    why: said(seen),
    next: 'Have its limit raised: client_max_body_size in nginx, LimitRequestBody in Apache.',
  }),
  STORE_KEY_NOT_ALLOWED: (seen, { target }) => ({
    what: `${target} is too long for this server.`,
    why: said(seen),
    next: 'Choose a shorter prefix.',
  }),
  STORE_REDIRECTED: ({ status, location }, { method, target }) => ({
    what: `${method} ${target} leads to another address.`,
    why: `The server says ${status}${location === undefined ? '' : ` and ${location}`}. nimctl follows such an answer only where it reads, and on the same host: bodies and credentials go nowhere else.`,
    next: 'Use the other address, if you trust it.',
  }),
  STORE_UNSUPPORTED: (seen, { method, target }) => ({
    what: `The server has no ${method} for ${target}.`,
    why: said(seen),
    next:
      method === 'COPY'
        ? 'Upload with: --links follow'
        : `Have ${method} switched on, or use an address at which files can be put.`,
  }),
  STORE_UNREACHABLE: ({ systemCode, message }, { origin }) => ({
    what: `${origin} could not be reached, or the connection broke.`,
    why: `${systemCode}: ${message}`,
    next: 'Look at the address and the network, then run the same command again.',
  }),
}

function said({ status, message }: Seen): string {
  return `The server says ${status}${message === '' ? '.' : `: ${message}`}`
}

function readError(error: unknown): Seen {
  const location = textAt(error, 'headers', 'location')
  return {
    status: numberAt(error, 'status'),
    systemCode: errorCode(error),
    message: sanitize(errorMessage(error)).trim(),
    location: location === undefined ? undefined : sanitize(location.replace(/\?.*/, '')).slice(0, 300),
    retryAfterMs: parseRetryAfter(textAt(error, 'headers', 'retry-after')),
  }
}

/** What a page for people says is left out. Artifactory says it in JSON. */
function wordsOf(text: string): string {
  const told = /"message"\s*:\s*"([^"]{1,300})"/.exec(text)?.[1]
  if (told !== undefined) return told
  return text.trimStart().startsWith('<') ? '' : text.trim().slice(0, 300)
}
