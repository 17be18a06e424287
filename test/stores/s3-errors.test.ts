import { inspect } from 'node:util'

import { describe, expect, it, vi } from 'vitest'

import { translateS3Error } from '../../src/stores/s3/errors.ts'
import { NimctlError } from '../../src/system/errors.ts'

const asked = {
  action: 'PutObject',
  bucket: 'models',
  key: 'llama/blob',
  endpoint: 'https://s3.internal:9000',
  region: 'us-east-1',
}

function answered(name: string, status: number, extra: object = {}, message = 'said the server'): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status }, ...extra })
}

function withHeaders(headers: Record<string, string>): object {
  return { $response: { headers } }
}

function system(code: string): Error {
  return Object.assign(new Error(`${code} happened`), { code })
}

function translate(error: unknown): NimctlError {
  const translated = translateS3Error(error, asked)
  if (!(translated instanceof NimctlError)) throw new TypeError('not translated', { cause: error })
  return translated
}

describe('what a server answers', () => {
  it.each([
    ['NoSuchBucket', 404, 'not-found', 'BUCKET_NOT_FOUND', 'not'],
    ['NoSuchKey', 404, 'not-found', 'OBJECT_NOT_FOUND', 'not'],
    ['NotFound', 404, 'not-found', 'OBJECT_NOT_FOUND', 'not'],
    ['NoSuchUpload', 404, 'unavailable', 'UPLOAD_GONE', 'new-upload'],
    ['AccessDenied', 403, 'auth', 'ACCESS_DENIED', 'not'],
    ['UnknownError', 403, 'auth', 'ACCESS_DENIED', 'not'],
    ['InvalidAccessKeyId', 403, 'auth', 'CREDENTIALS_REFUSED', 'not'],
    ['SignatureDoesNotMatch', 403, 'auth', 'CREDENTIALS_REFUSED', 'not'],
    ['ExpiredToken', 400, 'auth', 'CREDENTIALS_EXPIRED', 'new-credentials'],
    ['PermanentRedirect', 301, 'not-found', 'WRONG_REGION', 'not'],
    ['AuthorizationHeaderMalformed', 400, 'not-found', 'WRONG_REGION', 'not'],
    ['RequestTimeTooSkewed', 403, 'local', 'CLOCK_SKEW', 'same'],
    ['SlowDown', 503, 'unavailable', 'STORE_THROTTLED', 'same'],
    ['UnknownError', 503, 'unavailable', 'STORE_THROTTLED', 'same'],
    ['UnknownError', 429, 'unavailable', 'STORE_THROTTLED', 'same'],
    ['InternalError', 200, 'unavailable', 'STORE_FAILED', 'same'],
    ['UnknownError', 502, 'unavailable', 'STORE_FAILED', 'same'],
    ['BadDigest', 400, 'unavailable', 'CHECKSUM_MISMATCH', 'same'],
    ['PreconditionFailed', 412, 'check-failed', 'STORE_KEY_EXISTS', 'not'],
    ['InvalidPart', 400, 'unavailable', 'UPLOAD_INCOMPLETE', 'new-upload'],
    ['UnknownError', 507, 'unavailable', 'STORE_FULL', 'not'],
    ['QuotaExceeded', 403, 'unavailable', 'STORE_FULL', 'not'],
    ['XMinioStorageFull', 507, 'unavailable', 'STORE_FULL', 'not'],
    ['XMinioAdminBucketQuotaExceeded', 400, 'unavailable', 'STORE_FULL', 'not'],
    ['InvalidObjectState', 403, 'check-failed', 'OBJECT_ARCHIVED', 'not'],
    ['KMS.NotFoundException', 400, 'unavailable', 'STORE_REQUEST_REFUSED', 'not'],
    ['TooManyRequestsException', 429, 'unavailable', 'STORE_THROTTLED', 'same'],
    ['TemporaryRedirect', 307, 'not-found', 'WRONG_REGION', 'not'],
    ['ConditionalRequestConflict', 409, 'unavailable', 'STORE_FAILED', 'same'],
    ['InvalidRequest', 400, 'unavailable', 'STORE_REQUEST_REFUSED', 'not'],
    ['NotImplemented', 501, 'unavailable', 'STORE_UNSUPPORTED', 'not'],
    ['InvalidBucketName', 400, 'usage', 'STORE_URL_INVALID', 'not'],
    ['SyntaxError', 200, 'unavailable', 'STORE_ANSWER_NOT_UNDERSTOOD', 'not'],
  ])('%s with %i is %s / %s, mended by: %s', (name, status, category, code, mend) => {
    expect(translate(answered(name, status))).toMatchObject({ category, code, mend })
  })

  it('names bucket and endpoint of a missing bucket', () => {
    const { message } = translate(answered('NoSuchBucket', 404))
    expect(message).toBe('There is no bucket "models" at https://s3.internal:9000.')
  })

  it('takes any 404 to a question about the bucket for a missing bucket', () => {
    const { key: _, ...ofBucket } = asked
    expect(translateS3Error(answered('UnknownError', 404), ofBucket)).toMatchObject({ code: 'BUCKET_NOT_FOUND' })
  })

  it('names the permission that is missing', () => {
    const { message } = translateS3Error(answered('Forbidden', 403), { ...asked, action: 'HeadObject' }) as NimctlError
    expect(message).toBe('These credentials may not do s3:GetObject on s3://models/llama/blob.')
  })

  it.each([[withHeaders({ 'x-amz-bucket-region': 'eu-west-1' })], [{ Region: 'eu-west-1' }]])(
    'says which region is right, from %j',
    extra => {
      const error = translate(answered('AuthorizationHeaderMalformed', 400, extra))
      expect(error).toMatchObject({ why: 'It is in eu-west-1.', next: 'Name its region: --region eu-west-1' })
    },
  )

  it('says by how much the clock differs', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 })
    const { why } = translate(answered('RequestTimeTooSkewed', 403, { ServerTime: '1970-01-01T01:00:00Z' }))
    vi.useRealTimers()
    expect(why).toBe('This machine is 3600 seconds behind.')
  })

  it.each([
    ['7', 7000],
    [new Date(Date.now() - 5000).toUTCString(), 0],
    ['soon', undefined],
  ])('keeps the wait of Retry-After: %s', (value, retryAfterMs) => {
    const error = translate(answered('SlowDown', 503, withHeaders({ 'retry-after': value })))
    expect(error.retryAfterMs).toBe(retryAfterMs)
  })
})

describe('what the network says', () => {
  it.each([
    ['ECONNREFUSED', 'STORE_UNREACHABLE', 'same'],
    ['ENOTFOUND', 'STORE_UNREACHABLE', 'not'],
    ['EAI_AGAIN', 'STORE_UNREACHABLE', 'same'],
    ['ECONNRESET', 'STORE_UNREACHABLE', 'same'],
    ['EPIPE', 'STORE_UNREACHABLE', 'same'],
    ['ETIMEDOUT', 'STORE_UNREACHABLE', 'same'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'TLS_CERTIFICATE_REFUSED', 'not'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS_CERTIFICATE_REFUSED', 'not'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLS_CERTIFICATE_REFUSED', 'not'],
    ['CERT_HAS_EXPIRED', 'TLS_CERTIFICATE_REFUSED', 'not'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS_CERTIFICATE_REFUSED', 'not'],
    ['EPROTO', 'TLS_NOT_SPOKEN', 'not'],
  ])('%s is unavailable / %s, mended by: %s', (systemCode, code, mend) => {
    const error = translate(system(systemCode))
    expect(error).toMatchObject({ category: 'unavailable', code, mend })
    expect(error.message).toContain('https://s3.internal:9000')
  })

  it('names the option for a CA that is not known', () => {
    expect(translate(system('SELF_SIGNED_CERT_IN_CHAIN')).next).toContain('--ca-file')
  })
})

it('leaves what is a bug as it is', () => {
  const bug = new TypeError('x is not a function')
  expect(translateS3Error(bug, asked)).toBe(bug)
})

it('shows no secret that a server echoes', () => {
  const echo = 'GET https://me:hunter2@host/?X-Amz-Signature=abcdef0123456789 refused'
  const { message, why, next } = translate(answered('AccessDenied', 403, {}, echo))
  expect(inspect([message, why, next])).not.toMatch(/hunter2|abcdef0123456789/)
})
