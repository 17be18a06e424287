import { errorCode, errorMessage, NimctlError } from '../../system/errors.ts'
import { parseRetryAfter } from '../../system/http/retry-after.ts'
import { numberAt, parseJson, read, textAt } from '../../system/json.ts'
import { sanitize } from '../../system/secret.ts'
import type { Answer } from '../http/answer.ts'
import { type Known, kinds } from '../http/error-table.ts'
import { skewWords, storeError, type Words, wordsForAll } from '../http/store-error.ts'
import { lookUp } from './error-table.ts'

/** What was asked of whom, for the error's sentences. */
export interface Asked {
  /** As a role has it: `storage.objects.get`. */
  permission: string
  bucket: string
  /** In the bucket; absent where the request is about the bucket. */
  key?: string | undefined
  /** As errors name it. */
  endpoint: string
}

/** An answer that says no, as an error. */
export function failureOf({ status, headers, text }: Answer): Error {
  const error = read(parseJson(text), 'error')
  const [first] = arrayOf(read(error, 'errors'))
  const message = textAt(error, 'message') ?? text.slice(0, 300)
  return Object.assign(new Error(message), { status, reason: textAt(first, 'reason'), headers })
}

/** @returns the error itself where it is not one of the store or the network: then it is a bug. */
export function translateGsError(error: unknown, asked: Asked): unknown {
  if (error instanceof NimctlError) return error
  const seen = readError(error)
  const known = kindOf(seen, asked)
  if (known === undefined) return seen.status === undefined ? error : notUnderstood(asked, error)
  return storeError(known, words(known, seen, asked), { retryAfterMs: seen.retryAfterMs, cause: error })
}

/** The token's side: whoever gives them speaks OAuth (RFC 6749, 5.2), not the store's language. */
export function translateTokenError(error: unknown, asked: Asked): unknown {
  if (error instanceof NimctlError) return error
  const response = read(error, 'response')
  const status = numberAt(response, 'status')
  if (status === undefined) {
    return translateGsError(systemErrorIn(error), { ...asked, endpoint: 'the service that gives access tokens' })
  }
  if (status >= 500 || status === 429)
    return translateGsError(Object.assign(new Error(errorMessage(error)), { status, headers: {} }), asked)
  const serverMs = timeOf(read(response, 'headers'))
  if (Math.abs(Date.now() - serverMs) > toleratedMs) {
    return new NimctlError('local', 'CLOCK_SKEW', { ...skewWords('Google', serverMs), cause: error })
  }
  return new NimctlError('auth', 'CREDENTIALS_EXPIRED', {
    what: 'Google gives no access token for these credentials.',
    why: tokenRefusal(read(response, 'data')) ?? sanitize(errorMessage(error)),
    next: 'Renew them (gcloud auth application-default login), then run the same command again: what is finished is kept.',
    cause: error,
  })
}

/** An answer that came and is not what a server of this kind says. */
export function notUnderstood({ permission, endpoint }: Asked, cause?: unknown): NimctlError {
  return new NimctlError('unavailable', 'STORE_ANSWER_NOT_UNDERSTOOD', {
    what: `${endpoint} did not answer as Google Cloud Storage does (${permission}).`,
    why: cause === undefined ? undefined : sanitize(errorMessage(cause)).slice(0, 300),
    next: 'Look at STORAGE_EMULATOR_HOST and --endpoint-url: is it the address of the service itself?',
    mend: 'not',
    cause,
  })
}

interface Seen {
  status: number | undefined
  reason: string | undefined
  systemCode: string | undefined
  message: string
  retryAfterMs: number | undefined
}

function kindOf(seen: Seen, asked: Asked): Known | undefined {
  const known = lookUp(seen)
  // A wrong checksum is refused as "invalid", like many other things; only the words tell.
  if (seen.status === 400 && /crc32c|md5 hash/i.test(seen.message)) return kinds.checksum
  // What is to be created need not be there, so it is the bucket that is not found.
  const bucketAlone = asked.key === undefined || asked.permission === 'storage.objects.create'
  const ofBucket = bucketAlone && known?.code === 'OBJECT_NOT_FOUND'
  return ofBucket ? { category: 'not-found', code: 'BUCKET_NOT_FOUND' } : known
}

function words(known: Known, seen: Seen, asked: Asked): Words {
  const target = `gs://${asked.bucket}${asked.key === undefined ? '' : `/${asked.key}`}`
  const failed = `${asked.endpoint} refused ${asked.permission} on ${target}.`
  return (
    sentences[known.code]?.(seen, asked, target) ??
    wordsForAll(known.code, { ...seen, server: asked.endpoint, target, failed, said: said(seen) })
  )
}

const look = 'Look at the name, at STORAGE_EMULATOR_HOST and at --endpoint-url.'

/** By code of ours. */
const sentences: Record<string, (seen: Seen, asked: Asked, target: string) => Words> = {
  BUCKET_NOT_FOUND: (_, { bucket, endpoint }) => ({
    what: `There is no bucket "${bucket}" at ${endpoint}.`,
    next: `${look} nimctl makes no buckets.`,
  }),
  OBJECT_NOT_FOUND: (seen, { endpoint }, target) => ({
    what: `There is no ${target} at ${endpoint}.`,
    why: said(seen),
  }),
  UPLOAD_GONE: (_, __, target) => ({
    what: `The begun upload of ${target} is no longer there.`,
    why: 'It was completed, aborted, or is older than a week.',
    next: 'Run the same command again: it begins a new one.',
  }),
  ACCESS_DENIED: (seen, { permission }, target) => ({
    what: `These credentials may not do ${permission} on ${target}.`,
    why: said(seen),
    next: `Have a role with ${permission} granted on the bucket, or use other credentials.`,
  }),
  CREDENTIALS_MISSING: (seen, { endpoint }) => ({
    what: `${endpoint} does not answer without credentials.`,
    why: said(seen),
    next: 'Leave --no-sign-request away: this bucket is not public.',
  }),
  CREDENTIALS_EXPIRED: (seen, { endpoint }) => ({
    what: `${endpoint} does not accept these credentials, or no longer.`,
    why: said(seen),
    next: 'Renew them (gcloud auth application-default login), then run the same command again: what is finished is kept.',
  }),
  BILLING_PROJECT_NEEDED: (seen, { bucket }) => ({
    what: `Whoever asks the bucket "${bucket}" pays for it, and no project was named that may.`,
    why: said(seen),
    next: 'Name a project that pays, in which you have serviceusage.services.use: --billing-project PROJECT',
  }),
  STORE_UNREACHABLE: (seen, { endpoint }) => ({
    what: `${endpoint} could not be reached, or the connection broke.`,
    why: `${seen.systemCode}: ${seen.message}`,
    next: 'Look at the address and the network, then run the same command again.',
  }),
}

function said({ status, reason, message }: Seen): string {
  const kind = [status, reason].filter(each => each !== undefined).join(' ')
  return `The server says ${kind}${message === '' ? '' : `: ${message}`}`
}

function readError(error: unknown): Seen {
  return {
    status: numberAt(error, 'status'),
    reason: textAt(error, 'reason'),
    systemCode: errorCode(error),
    message: sanitize(errorMessage(error)).trim(),
    retryAfterMs: parseRetryAfter(textAt(error, 'headers', 'retry-after')),
  }
}

/** The library wraps what Node.js said, sometimes twice. */
function systemErrorIn(error: unknown): unknown {
  for (let inner = error, depth = 0; inner !== undefined && depth < 5; inner = read(inner, 'cause'), depth++) {
    if (lookUp({ systemCode: errorCode(inner) }) !== undefined) return inner
  }
  return error
}

/** Tokens are refused beyond some minutes: https://datatracker.ietf.org/doc/html/rfc7523#section-3 leaves it open. */
const toleratedMs = 5 * 60_000

/** NaN where it does not say. */
function timeOf(headers: unknown): number {
  return Date.parse((headers instanceof Headers ? headers.get('date') : textAt(headers, 'date')) ?? '')
}

function tokenRefusal(data: unknown): string | undefined {
  const answer = typeof data === 'string' ? parseJson(data) : data
  const code = textAt(answer, 'error') ?? textAt(answer, 'error', 'status')
  const description = textAt(answer, 'error_description') ?? textAt(answer, 'error', 'message')
  const parts = [code, description].filter(each => each !== undefined)
  return parts.length === 0 ? undefined : sanitize(`The answer is ${parts.join(': ')}`)
}

function arrayOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
