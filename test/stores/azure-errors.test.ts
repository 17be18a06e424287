import { describe, expect, it } from 'vitest'

import { type Asked, translateAzureError } from '../../src/stores/azure/errors.ts'
import { NimctlError } from '../../src/system/errors.ts'

const asked: Asked = {
  action: 'Put Blob',
  azureContainer: 'models',
  key: 'llama/blob',
  endpoint: 'https://acme.blob.core.windows.net',
  credential: 'key',
}

function answered(name: string, status: number, extra: object = {}): Error {
  return Object.assign(new Error('said the service'), { name, status, ...extra })
}

function translate(error: unknown, more: Partial<Asked> = {}): NimctlError {
  const translated = translateAzureError(error, { ...asked, ...more })
  if (!(translated instanceof NimctlError)) throw new TypeError('not translated', { cause: error })
  return translated
}

describe('what the service answers', () => {
  it.each([
    ['ContainerNotFound', 404, 'not-found', 'BUCKET_NOT_FOUND', 'not'],
    ['BlobNotFound', 404, 'not-found', 'OBJECT_NOT_FOUND', 'not'],
    ['', 404, 'not-found', 'OBJECT_NOT_FOUND', 'not'],
    ['AuthenticationFailed', 403, 'auth', 'CREDENTIALS_REFUSED', 'not'],
    ['InvalidAuthenticationInfo', 401, 'auth', 'CREDENTIALS_REFUSED', 'not'],
    ['NoAuthenticationInformation', 401, 'auth', 'CREDENTIALS_MISSING', 'not'],
    ['AuthorizationPermissionMismatch', 403, 'auth', 'ACCESS_DENIED', 'not'],
    ['AuthorizationFailure', 403, 'auth', 'ACCESS_DENIED', 'not'],
    ['PublicAccessNotPermitted', 409, 'auth', 'ACCESS_DENIED', 'not'],
    ['', 403, 'auth', 'ACCESS_DENIED', 'not'],
    ['ServerBusy', 503, 'unavailable', 'STORE_THROTTLED', 'same'],
    ['', 429, 'unavailable', 'STORE_THROTTLED', 'same'],
    ['InternalError', 500, 'unavailable', 'STORE_FAILED', 'same'],
    ['OperationTimedOut', 500, 'unavailable', 'STORE_FAILED', 'same'],
    ['', 502, 'unavailable', 'STORE_FAILED', 'same'],
    ['PendingCopyOperation', 409, 'unavailable', 'STORE_FAILED', 'same'],
    ['Md5Mismatch', 400, 'unavailable', 'CHECKSUM_MISMATCH', 'same'],
    ['BlobAlreadyExists', 409, 'check-failed', 'STORE_KEY_EXISTS', 'not'],
    ['ConditionNotMet', 412, 'check-failed', 'STORE_KEY_EXISTS', 'not'],
    ['InvalidBlockList', 400, 'unavailable', 'UPLOAD_GONE', 'new-upload'],
    ['InvalidBlobOrBlock', 400, 'unavailable', 'BLOCKS_OF_ANOTHER_TOOL', 'not'],
    ['BlockCountExceedsLimit', 409, 'unavailable', 'TOO_MANY_BLOCKS', 'not'],
    ['InvalidRange', 416, 'not-found', 'RANGE_OUTSIDE_OBJECT', 'not'],
    ['BlobArchived', 409, 'check-failed', 'OBJECT_ARCHIVED', 'not'],
    ['OutOfRangeInput', 400, 'usage', 'STORE_KEY_NOT_ALLOWED', 'not'],
    ['UnsupportedHeader', 400, 'unavailable', 'STORE_UNSUPPORTED', 'not'],
    ['InvalidHeaderValue', 400, 'unavailable', 'STORE_REQUEST_REFUSED', 'not'],
    ['', 304, 'unavailable', 'STORE_ANSWER_NOT_UNDERSTOOD', 'not'],
  ])('%s (%i) is %s / %s, mended by: %s', (name, status, category, code, mend) => {
    expect(translate(answered(name, status))).toMatchObject({ category, code, mend })
  })

  it('calls a container missing where nothing but it was asked for', () => {
    const error = translate(answered('ResourceNotFound', 404), { key: undefined })
    expect(error).toMatchObject({ code: 'BUCKET_NOT_FOUND', message: expect.stringContaining('"models"') })
  })

  it('waits as long as the service asks for', () => {
    expect(translate(answered('ServerBusy', 503, { retryAfter: '7' })).retryAfterMs).toBe(7000)
    expect(translate(answered('ServerBusy', 503)).retryAfterMs).toBeUndefined()
  })

  it.each([
    ['AuthorizationPermissionMismatch', 'sas', 'racwdl'],
    ['AuthorizationPermissionMismatch', 'token', 'Storage Blob Data Reader'],
    ['AuthorizationFailure', 'key', 'firewall'],
    ['LeaseIdMissing', 'key', 'lease'],
  ] as const)('says of %s with a %s what permits it', (name, credential, says) => {
    expect(translate(answered(name, 403), { credential }).next).toContain(says)
  })
})

describe('credentials that were good', () => {
  const end = Date.parse('2026-11-21T12:00:00Z')

  it('have expired when a SAS is past its end by the clock of the service', () => {
    const refused = answered('AuthenticationFailed', 403, { serverMs: end + 1000 })
    expect(translate(refused, { credential: 'sas', sasEndMs: end })).toMatchObject({
      code: 'CREDENTIALS_EXPIRED',
      mend: 'not',
      why: 'It was good until 2026-11-21T12:00:00.000Z.',
    })
  })

  it('are refused for another reason before that', () => {
    const refused = answered('AuthenticationFailed', 403, { serverMs: end - 1000 })
    expect(translate(refused, { credential: 'sas', sasEndMs: end }).code).toBe('CREDENTIALS_REFUSED')
  })

  it('have expired when a token is refused that was taken before, and are read anew', () => {
    const refused = answered('InvalidAuthenticationInfo', 401)
    const token = { credential: 'token', tokenWasGood: true } as const
    expect(translate(refused, token)).toMatchObject({ code: 'CREDENTIALS_EXPIRED', mend: 'new-credentials' })
  })
})

it('tells a clock that differs from a wrong key, and by how much', () => {
  const refused = answered('AuthenticationFailed', 403, { serverMs: Date.now() - 3600_000 })
  expect(translate(refused)).toMatchObject({ category: 'local', code: 'CLOCK_SKEW', mend: 'same' })
  expect(translate(refused).why).toMatch(/^This machine is (3599|3600|3601) seconds ahead\.$/)
})

it.each([
  ['ECONNREFUSED', 'STORE_UNREACHABLE', 'same'],
  ['ENOTFOUND', 'STORE_UNREACHABLE', 'not'],
  ['CERT_HAS_EXPIRED', 'TLS_CERTIFICATE_REFUSED', 'not'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS_CERTIFICATE_REFUSED', 'not'],
  ['EPROTO', 'TLS_NOT_SPOKEN', 'not'],
])('translates what Node.js calls %s', (code, ours, mend) => {
  expect(translate(Object.assign(new Error(code), { code }))).toMatchObject({ code: ours, mend })
})

it('says that there are no credentials when no source of a token has one', () => {
  const sources = [
    'EnvironmentCredential is unavailable. To troubleshoot, visit …',
    'Azure CLI could not be found\nat …',
  ]
  const errors = sources.map(text => new Error(text))
  const error = Object.assign(new AggregateError(errors, 'All failed.'), { name: 'AggregateAuthenticationError' })
  expect(translate(error, { credential: 'token' })).toMatchObject({
    category: 'auth',
    code: 'CREDENTIALS_MISSING',
    why: 'EnvironmentCredential is unavailable; Azure CLI could not be found',
  })
})

it('shows no signature that the service repeats', () => {
  const error = Object.assign(new Error('at https://x/?sv=1&sig=abc%2Bdef&se=2'), {
    name: 'InternalError',
    status: 500,
  })
  expect(JSON.stringify([translate(error).message, translate(error).why])).not.toContain('abc')
})

it('leaves a bug what it is', () => {
  const bug = new TypeError('undefined is not a function')
  expect(translateAzureError(bug, asked)).toBe(bug)
})
