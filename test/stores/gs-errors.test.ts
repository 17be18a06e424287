import { inspect } from 'node:util'

import { describe, expect, it } from 'vitest'

import { failureOf, translateGsError, translateTokenError } from '../../src/stores/gs/errors.ts'
import { NimctlError } from '../../src/system/errors.ts'

const asked = {
  permission: 'storage.objects.get',
  bucket: 'models',
  key: 'llama/blob',
  endpoint: 'https://storage.googleapis.com',
}

function answered(status: number, reason?: string, message = 'said Google', headers = {}): Error {
  const error = { code: status, message, errors: [{ message, domain: 'global', reason }] }
  return failureOf({ status, headers, text: JSON.stringify({ error }) })
}

function ours(translated: unknown): NimctlError {
  if (!(translated instanceof NimctlError)) throw new TypeError('not translated', { cause: translated })
  return translated
}

const translate = (error: unknown, more = {}) => ours(translateGsError(error, { ...asked, ...more }))

describe('what Google answers', () => {
  it.each([
    [400, 'invalid', 'unavailable', 'STORE_REQUEST_REFUSED', 'not'],
    [400, 'required', 'auth', 'BILLING_PROJECT_NEEDED', 'not'],
    [401, 'authError', 'auth', 'CREDENTIALS_EXPIRED', 'new-credentials'],
    [401, 'required', 'auth', 'CREDENTIALS_MISSING', 'not'],
    [403, 'forbidden', 'auth', 'ACCESS_DENIED', 'not'],
    [403, 'userProjectAccountProblem', 'auth', 'BILLING_PROJECT_NEEDED', 'not'],
    [403, 'rateLimitExceeded', 'unavailable', 'STORE_THROTTLED', 'same'],
    [403, 'quotaExceeded', 'unavailable', 'STORE_THROTTLED', 'same'],
    [404, 'notFound', 'not-found', 'OBJECT_NOT_FOUND', 'not'],
    [408, 'uploadBrokenConnection', 'unavailable', 'STORE_FAILED', 'same'],
    [410, 'uploadGone', 'unavailable', 'UPLOAD_GONE', 'new-upload'],
    [412, 'conditionNotMet', 'check-failed', 'STORE_KEY_EXISTS', 'not'],
    [416, 'requestedRangeNotSatisfiable', 'not-found', 'RANGE_OUTSIDE_OBJECT', 'not'],
    [429, 'rateLimitExceeded', 'unavailable', 'STORE_THROTTLED', 'same'],
    [499, undefined, 'unavailable', 'UPLOAD_GONE', 'new-upload'],
    [500, 'backendError', 'unavailable', 'STORE_FAILED', 'same'],
    [501, undefined, 'unavailable', 'STORE_UNSUPPORTED', 'not'],
    [503, 'backendError', 'unavailable', 'STORE_FAILED', 'same'],
    [302, undefined, 'unavailable', 'STORE_ANSWER_NOT_UNDERSTOOD', 'not'],
  ])('%i %s is %s / %s, mended by: %s', (status, reason, category, code, mend) => {
    expect(translate(answered(status, reason))).toMatchObject({ category, code, mend })
  })

  it('says a wrong checksum in words alone', () => {
    const words = 'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "yZRlqg==".'
    expect(translate(answered(400, 'invalid', words))).toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      mend: 'same',
      why: expect.stringContaining(words),
    })
  })

  it.each([[{ key: undefined }], [{ permission: 'storage.objects.create' }]])(
    'means the bucket with a 404 to %j: what is created need not be there',
    more => {
      const { code, message } = translate(answered(404, 'notFound'), more)
      expect({ code, message }).toEqual({
        code: 'BUCKET_NOT_FOUND',
        message: 'There is no bucket "models" at https://storage.googleapis.com.',
      })
    },
  )

  it('names the permission that is missing', () => {
    const { message, next } = translate(answered(403, 'forbidden'))
    expect(message).toBe('These credentials may not do storage.objects.get on gs://models/llama/blob.')
    expect(next).toContain('a role with storage.objects.get')
  })

  it.each([
    ['7', 7000],
    [new Date(Date.now() - 5000).toUTCString(), 0],
    ['soon', undefined],
  ])('keeps the wait of Retry-After: %s', (value, retryAfterMs) => {
    expect(translate(answered(503, 'backendError', '', { 'retry-after': value })).retryAfterMs).toBe(retryAfterMs)
  })

  it('is understood as far as it goes when it is no JSON', () => {
    const page = '<html>Error 413 (Request Entity Too Large)</html>'
    const { code, why } = translate(failureOf({ status: 413, headers: {}, text: page }))
    expect({ code, why }).toEqual({ code: 'STORE_REQUEST_REFUSED', why: expect.stringContaining('Too Large') })
  })

  it('shows no address of an upload that it echoes', () => {
    const page =
      'The requested URL /upload/storage/v1/b/models/o?uploadType=resumable&upload_id=ABPtcPq-secret was not found'
    const { message, why, next } = translate(failureOf({ status: 410, headers: {}, text: page }))
    expect(
      inspect([message, why, next, translate(failureOf({ status: 400, headers: {}, text: page })).why]),
    ).not.toContain('ABPtcPq-secret')
  })
})

it.each([
  ['ECONNREFUSED', 'STORE_UNREACHABLE', 'same'],
  ['ENOTFOUND', 'STORE_UNREACHABLE', 'not'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'TLS_CERTIFICATE_REFUSED', 'not'],
  ['EPROTO', 'TLS_NOT_SPOKEN', 'not'],
])('%s of the network is %s, mended by: %s', (systemCode, code, mend) => {
  const error = translate(Object.assign(new Error('happened'), { code: systemCode }))
  expect(error).toMatchObject({ category: 'unavailable', code, mend })
  expect(error.message).toContain('https://storage.googleapis.com')
})

it('leaves what is a bug as it is', () => {
  const bug = new TypeError('x is not a function')
  expect(translateGsError(bug, asked)).toBe(bug)
  expect(translateTokenError(bug, asked)).toBe(bug)
})

describe('who gives access tokens', () => {
  const refused = (status: number, data: unknown, date = new Date()) =>
    Object.assign(new Error(`Request failed with status code ${status}`), {
      response: { status, data, headers: new Headers({ date: date.toUTCString() }) },
    })

  it('may not give one any more', () => {
    const data = { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' }
    const error = ours(translateTokenError(refused(400, data), asked))
    expect(error).toMatchObject({
      category: 'auth',
      code: 'CREDENTIALS_EXPIRED',
      mend: 'not',
      why: 'The answer is invalid_grant: Token has been expired or revoked.',
      next: expect.stringContaining('gcloud auth application-default login'),
    })
  })

  it('refuses what a wrong clock has signed', () => {
    const anHourAhead = new Date(Date.now() + 3_600_000)
    const error = ours(translateTokenError(refused(400, { error: 'invalid_grant' }, anHourAhead), asked))
    expect(error).toMatchObject({ category: 'local', code: 'CLOCK_SKEW' })
    expect(error.why).toMatch(/^This machine is (3600|3599|3601) seconds behind\.$/)
  })

  it('may be away', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    expect(ours(translateTokenError(new Error('wrapped', { cause }), asked))).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('the service that gives access tokens'),
    })
    expect(ours(translateTokenError(refused(503, ''), asked))).toMatchObject({ code: 'STORE_FAILED', mend: 'same' })
  })
})
