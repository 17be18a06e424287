import { errorCode, errorMessage, NimctlError } from '../../system/errors.ts'
import { parseRetryAfter } from '../../system/http/retry-after.ts'
import { sanitize } from '../../system/secret.ts'
import type { Answer } from '../http/answer.ts'
import type { Known } from '../http/error-table.ts'
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
  const error = read(parsed(text), 'error')
  const [first] = arrayOf(read(error, 'errors'))
  const message = textOf(read(error, 'message')) ?? text.slice(0, 300)
  return Object.assign(new Error(message), { status, reason: textOf(read(first, 'reason')), headers })
}

/** @returns the error itself where it is not one of the store or the network: then it is a bug. */
export function translateGsError(error: unknown, asked: Asked): unknown {
  if (error instanceof NimctlError) return error
  const seen = readError(error)
  const known = kindOf(seen, asked)
  if (known === undefined) return seen.status === undefined ? error : notUnderstood(asked, error)
  return new NimctlError(known.category, known.code, {
    ...words(known, seen, asked),
    ...(known.mend === undefined ? {} : { mend: known.mend }),
    retryAfterMs: seen.retryAfterMs,
    cause: error,
  })
}

/** The token's side: whoever gives them speaks OAuth (RFC 6749, 5.2), not the store's language. */
export function translateTokenError(error: unknown, asked: Asked): unknown {
  if (error instanceof NimctlError) return error
  const response = read(error, 'response')
  const status = read(response, 'status')
  if (typeof status !== 'number') {
    return translateGsError(systemErrorIn(error), { ...asked, endpoint: 'the service that gives access tokens' })
  }
  if (status >= 500 || status === 429)
    return translateGsError(Object.assign(new Error(errorMessage(error)), { status, headers: {} }), asked)
  const skewed = skewOf(read(response, 'headers'))
  if (skewed !== undefined) {
    return new NimctlError('local', 'CLOCK_SKEW', {
      what: 'The clock of this machine differs too much from that of Google.',
      why: skewed,
      next: 'Set the clock, or let it be set (NTP).',
      cause: error,
    })
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
  if (seen.status === 400 && /crc32c|md5 hash/i.test(seen.message))
    return { category: 'unavailable', code: 'CHECKSUM_MISMATCH' }
  // What is to be created need not be there, so it is the bucket that is not found.
  const bucketAlone = asked.key === undefined || asked.permission === 'storage.objects.create'
  const ofBucket = bucketAlone && known?.code === 'OBJECT_NOT_FOUND'
  return ofBucket ? { category: 'not-found', code: 'BUCKET_NOT_FOUND' } : known
}

type Words = Record<'what', string> & Partial<Record<'why' | 'next', string>>

function words(known: Known, seen: Seen, asked: Asked): Words {
  const target = `gs://${asked.bucket}${asked.key === undefined ? '' : `/${asked.key}`}`
  const otherwise = { what: `${asked.endpoint} refused ${asked.permission} on ${target}.`, why: said(seen) }
  return sentences[known.code]?.(seen, asked, target) ?? otherwise
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
  STORE_THROTTLED: (seen, { endpoint }) => ({ what: `${endpoint} asks for fewer requests.`, why: said(seen) }),
  CHECKSUM_MISMATCH: (seen, _, target) => ({ what: `${target} did not arrive as it was sent.`, why: said(seen) }),
  STORE_KEY_EXISTS: (_, __, target) => ({
    what: `${target} exists already.`,
    why: 'It was to be created only if it is absent.',
  }),
  TLS_CERTIFICATE_REFUSED: (seen, { endpoint }) => ({
    what: `The certificate of ${endpoint} is not trusted.`,
    why: `${seen.systemCode}: ${seen.message}`,
    next: 'Name the CA that signed it: --ca-file FILE (or NODE_EXTRA_CA_CERTS).',
  }),
  TLS_NOT_SPOKEN: (seen, { endpoint }) => ({
    what: `${endpoint} does not answer with TLS.`,
    why: `${seen.systemCode}`,
    next: 'Look at the address: is it http:// there?',
  }),
}

function said({ status, reason, message }: Seen): string {
  const kind = [status, reason].filter(each => each !== undefined).join(' ')
  return `The server says ${kind}${message === '' ? '' : `: ${message}`}`
}

function readError(error: unknown): Seen {
  const status = read(error, 'status')
  const headers = read(error, 'headers')
  return {
    status: typeof status === 'number' ? status : undefined,
    reason: textOf(read(error, 'reason')),
    systemCode: errorCode(error),
    message: sanitize(errorMessage(error)).trim(),
    retryAfterMs: parseRetryAfter(textOf(read(headers, 'retry-after'))),
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

function skewOf(headers: unknown): string | undefined {
  const date = headers instanceof Headers ? headers.get('date') : textOf(read(headers, 'date'))
  const differenceMs = Date.now() - Date.parse(date ?? '')
  if (Number.isNaN(differenceMs) || Math.abs(differenceMs) < toleratedMs) return undefined
  const seconds = Math.round(differenceMs / 1000)
  return `This machine is ${Math.abs(seconds)} seconds ${seconds < 0 ? 'behind' : 'ahead'}.`
}

function tokenRefusal(data: unknown): string | undefined {
  const answer = typeof data === 'string' ? parsed(data) : data
  const code = textOf(read(answer, 'error')) ?? textOf(read(read(answer, 'error'), 'status'))
  const description = textOf(read(answer, 'error_description')) ?? textOf(read(read(answer, 'error'), 'message'))
  const parts = [code, description].filter(each => each !== undefined)
  return parts.length === 0 ? undefined : sanitize(`The answer is ${parts.join(': ')}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function read(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function arrayOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
