import { expect, it } from 'vitest'

import { translateAzureError } from '../../src/stores/azure/errors.ts'
import { translateFileError } from '../../src/stores/file/errors.ts'
import { failureOf as gsFailure, translateGsError, translateTokenError } from '../../src/stores/gs/errors.ts'
import { failureOf as httpsFailure, translateHttpsError } from '../../src/stores/https/errors.ts'
import { translateS3Error } from '../../src/stores/s3/errors.ts'
import { failureOf as hdfsFailure, translateHdfsError } from '../../src/stores/webhdfs/errors.ts'
import { NimctlError } from '../../src/system/errors.ts'

const hour = 3_600_000
const ahead = /^This machine is 3(599|600|601) seconds ahead\.$/

const s3 = (name: string, status: number, extra: object = {}, key: string | undefined = 'key') =>
  translateS3Error(answered(name, { $metadata: { httpStatusCode: status }, ...extra }), {
    action: 'PutObject',
    bucket: 'models',
    key,
    endpoint: 'https://s3.internal',
    region: 'us-east-1',
  })

const gs = (status: number, reason: string, permission = 'storage.objects.get') =>
  translateGsError(
    gsFailure({ status, headers: {}, text: JSON.stringify({ error: { errors: [{ reason }] } }) }),
    gsAsked(permission),
  )
const gsAsked = (permission = 'storage.objects.get') => ({
  permission,
  bucket: 'models',
  key: 'key',
  endpoint: 'https://gs',
})
const gsToken = (status: number, date: Date) =>
  translateTokenError(
    answered('', { response: { status, headers: new Headers({ date: date.toUTCString() }) } }),
    gsAsked(),
  )

const azure = (name: string, status: number, more: object = {}, failure: object = {}) =>
  translateAzureError(answered(name, { status, ...failure }), {
    action: 'Put Blob',
    azureContainer: 'models',
    key: 'key',
    endpoint: 'https://a.blob',
    credential: 'key',
    ...more,
  })

const hdfs = (exception: string) => {
  const text = JSON.stringify({ RemoteException: { exception, message: 'said the namenode' } })
  return translateHdfsError(hdfsFailure({ status: 403, headers: {}, text }), hdfsAsked)
}
const hdfsAsked = { op: 'CREATE', target: 'webhdfs://nn/key', endpoint: 'http://nn:9870' }

const https = (status: number, method: string, renewable = false) =>
  translateHttpsError(httpsFailure({ status, headers: {}, text: '' }), httpsAsked(method, renewable))
const httpsAsked = (method = 'PUT', renewable = false) => ({
  method,
  target: 'https://host/key',
  origin: 'https://host',
  credentials: { given: true, renewable },
})

const file = (code: string, syscall = 'open') =>
  translateFileError(answered('', { code, syscall }), 'write', '/data/key')

function answered(name: string, extra: object): Error {
  return Object.assign(new Error('said the server'), { name, ...extra })
}

/** Node.js's own words, in each store's. */
const system = (code: string): Record<string, unknown> => {
  const error = answered('', { code })
  return {
    s3: translateS3Error(error, {
      action: 'PutObject',
      bucket: 'models',
      endpoint: 'https://s3.internal',
      region: 'x',
    }),
    gs: translateGsError(error, gsAsked()),
    azure: translateAzureError(error, {
      action: 'Put Blob',
      azureContainer: 'models',
      endpoint: 'https://a.blob',
      credential: 'key',
    }),
    webhdfs: translateHdfsError(error, hdfsAsked),
    https: translateHttpsError(error, httpsAsked()),
  }
}

/** A file system has no such failure, or the service keeps no such thing: then the row says why. */
type Row = [kind: string, code: string, errors: Record<string, unknown>]

const rows: Row[] = [
  [
    'not found',
    'OBJECT_NOT_FOUND',
    {
      s3: s3('NoSuchKey', 404),
      gs: gs(404, 'notFound'),
      azure: azure('BlobNotFound', 404),
      webhdfs: hdfs('FileNotFoundException'),
      https: https(404, 'GET'),
      file: file('ENOENT'),
    },
  ],
  // webhdfs and file: directories are made.
  [
    'no such bucket',
    'BUCKET_NOT_FOUND',
    {
      s3: s3('NoSuchBucket', 404),
      gs: gs(404, 'notFound', 'storage.objects.create'),
      azure: azure('ContainerNotFound', 404),
      https: https(404, 'PUT'),
    },
  ],
  [
    'not permitted',
    'ACCESS_DENIED',
    {
      s3: s3('AccessDenied', 403),
      gs: gs(403, 'forbidden'),
      azure: azure('AuthorizationPermissionMismatch', 403),
      webhdfs: hdfs('AccessControlException'),
      https: https(403, 'PUT'),
    },
  ],
  ['not permitted', 'NOT_WRITABLE', { file: file('EACCES') }],
  // file: the kernel knows none.
  [
    'expired credentials',
    'CREDENTIALS_EXPIRED',
    {
      s3: s3('ExpiredToken', 400),
      gs: gs(401, 'authError'),
      azure: azure('AuthenticationFailed', 403, { credential: 'sas', sasEndMs: Date.now() - hour }),
      webhdfs: hdfs('InvalidToken'),
      https: https(401, 'PUT', true),
    },
  ],
  [
    'throttled',
    'STORE_THROTTLED',
    {
      s3: s3('SlowDown', 503),
      gs: gs(429, 'rateLimitExceeded'),
      azure: azure('ServerBusy', 503),
      webhdfs: translateHdfsError(hdfsFailure({ status: 503, headers: {}, text: '' }), hdfsAsked),
      https: https(429, 'PUT'),
    },
  ],
  // Elsewhere the address leads to the right one.
  ['wrong region', 'WRONG_REGION', { s3: s3('PermanentRedirect', 301, { Region: 'eu-west-1' }) }],
  // webhdfs and https: nothing is signed with the time.
  [
    'clock skew',
    'CLOCK_SKEW',
    {
      s3: s3('RequestTimeTooSkewed', 403, { ServerTime: new Date(Date.now() - hour).toISOString() }),
      gs: gsToken(400, new Date(Date.now() - hour)),
      azure: azure('AuthenticationFailed', 403, {}, { serverMs: Date.now() - hour }),
    },
  ],
  ['TLS', 'TLS_CERTIFICATE_REFUSED', system('SELF_SIGNED_CERT_IN_CHAIN')],
  ['no TLS there', 'TLS_NOT_SPOKEN', system('EPROTO')],
  // gs and azure: they have no end, but by rate, which is throttled.
  [
    'quota',
    'STORE_FULL',
    {
      s3: s3('QuotaExceeded', 403),
      webhdfs: hdfs('DSQuotaExceededException'),
      https: https(507, 'PUT'),
    },
  ],
  ['quota', 'DISK_FULL', { file: file('EDQUOT') }],
  // gs: what its rules forbid is not sent (gs-wire.test.ts).
  [
    'name not allowed',
    'STORE_KEY_NOT_ALLOWED',
    {
      s3: s3('KeyTooLongError', 400),
      azure: azure('OutOfRangeInput', 400),
      webhdfs: hdfs('InvalidPathException'),
      https: https(414, 'PUT'),
      file: file('EINVAL'),
    },
  ],
]

const cases = rows.flatMap(([kind, code, errors]) =>
  Object.entries(errors).map(([store, error]) => ({ kind, code, store, error })),
)

it.each(cases)('$store: $kind is $code, with a cause in words', ({ code, error }) => {
  if (!(error instanceof NimctlError)) throw new TypeError('not translated', { cause: error })
  expect(error.code).toBe(code)
  expect(error.message).toMatch(/\.$/)
})

it.each(cases.filter(({ code }) => code === 'CLOCK_SKEW'))('$store says how much the clock differs', ({ error }) => {
  expect(error).toMatchObject({ category: 'local', why: expect.stringMatching(ahead) })
})

it.each(cases.filter(({ code }) => code === 'TLS_CERTIFICATE_REFUSED'))(
  '$store says how a CA is trusted',
  ({ error }) => {
    expect(error).toMatchObject({ mend: 'not', next: expect.stringContaining('--ca-file') })
  },
)

it('a file system may refuse a name in its own way', () => {
  expect(file('EILSEQ')).toMatchObject({ category: 'usage', code: 'STORE_KEY_NOT_ALLOWED' })
  expect(file('EINVAL', 'read')).not.toBeInstanceOf(NimctlError)
})
