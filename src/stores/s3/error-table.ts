import type { ErrorCategory, Mend } from '../../system/errors.ts'

/** One kind of failure, whatever the server calls it. */
export interface Known {
  category: ErrorCategory
  code: string
  mend?: Mend
}

const bucketNotFound: Known = { category: 'not-found', code: 'BUCKET_NOT_FOUND' }
const objectNotFound: Known = { category: 'not-found', code: 'OBJECT_NOT_FOUND' }
const accessDenied: Known = { category: 'auth', code: 'ACCESS_DENIED' }
const refused: Known = { category: 'auth', code: 'CREDENTIALS_REFUSED' }
const expired: Known = { category: 'auth', code: 'CREDENTIALS_EXPIRED', mend: 'new-credentials' }
const missing: Known = { category: 'auth', code: 'CREDENTIALS_MISSING' }
const wrongRegion: Known = { category: 'not-found', code: 'WRONG_REGION' }
// The SDK learns the difference from the answer and signs the next request with the server's time.
const clockSkew: Known = { category: 'local', code: 'CLOCK_SKEW', mend: 'same' }
const throttled: Known = { category: 'unavailable', code: 'STORE_THROTTLED' }
const failed: Known = { category: 'unavailable', code: 'STORE_FAILED' }
const storeFull: Known = { category: 'unavailable', code: 'STORE_FULL', mend: 'not' }
const checksum: Known = { category: 'unavailable', code: 'CHECKSUM_MISMATCH' }
const keyExists: Known = { category: 'check-failed', code: 'STORE_KEY_EXISTS' }
const uploadGone: Known = { category: 'unavailable', code: 'UPLOAD_GONE', mend: 'new-upload' }
const uploadIncomplete: Known = { category: 'unavailable', code: 'UPLOAD_INCOMPLETE', mend: 'new-upload' }
const outsideObject: Known = { category: 'not-found', code: 'RANGE_OUTSIDE_OBJECT' }
const unsupported: Known = { category: 'unavailable', code: 'STORE_UNSUPPORTED', mend: 'not' }
const requestRefused: Known = { category: 'unavailable', code: 'STORE_REQUEST_REFUSED', mend: 'not' }
const unreachable: Known = { category: 'unavailable', code: 'STORE_UNREACHABLE' }
/** A name that does not resolve is mistyped; a resolver that is away says EAI_AGAIN. */
const unknownHost: Known = { ...unreachable, mend: 'not' }
const tls: Known = { category: 'unavailable', code: 'TLS_CERTIFICATE_REFUSED', mend: 'not' }
const tlsNotSpoken: Known = { category: 'unavailable', code: 'TLS_NOT_SPOKEN', mend: 'not' }
const invalidBucket: Known = { category: 'usage', code: 'STORE_URL_INVALID' }

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and what other servers call the same. */
const byName: Record<string, Known> = {
  NoSuchBucket: bucketNotFound,
  NoSuchKey: objectNotFound,
  NotFound: objectNotFound,
  NoSuchUpload: uploadGone,
  AccessDenied: accessDenied,
  Forbidden: accessDenied,
  AllAccessDisabled: accessDenied,
  AccountProblem: accessDenied,
  InvalidAccessKeyId: refused,
  SignatureDoesNotMatch: refused,
  InvalidToken: refused,
  InvalidSecurity: refused,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  TokenRefreshRequired: expired,
  CredentialsProviderError: missing,
  PermanentRedirect: wrongRegion,
  TemporaryRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  RequestTimeTooSkewed: clockSkew,
  RequestExpired: clockSkew,
  SlowDown: throttled,
  SlowDownRead: throttled,
  SlowDownWrite: throttled,
  ServiceUnavailable: throttled,
  TooManyRequests: throttled,
  TooManyRequestsException: throttled,
  RequestLimitExceeded: throttled,
  Throttling: throttled,
  ThrottlingException: throttled,
  InternalError: failed,
  RequestTimeout: failed,
  IncompleteBody: failed,
  OperationAborted: failed,
  ConditionalRequestConflict: failed,
  QuotaExceeded: storeFull,
  InsufficientStorage: storeFull,
  XMinioStorageFull: storeFull,
  XMinioAdminBucketQuotaExceeded: storeFull,
  BadDigest: checksum,
  XAmzContentChecksumMismatch: checksum,
  PreconditionFailed: keyExists,
  InvalidPart: uploadIncomplete,
  InvalidPartOrder: uploadIncomplete,
  EntityTooSmall: uploadIncomplete,
  InvalidRange: outsideObject,
  NotImplemented: unsupported,
  MethodNotAllowed: unsupported,
  InvalidBucketName: invalidBucket,
  TimeoutError: unreachable,
}

/** For answers without a code, such as those to HEAD. */
const byStatus: Record<number, Known> = {
  301: wrongRegion,
  307: wrongRegion,
  401: refused,
  403: accessDenied,
  404: objectNotFound,
  412: keyExists,
  416: outsideObject,
  429: throttled,
  501: unsupported,
  503: throttled,
  507: storeFull,
}

/** Codes of Node.js: no answer came. */
const bySystemCode: Record<string, Known> = {
  ECONNREFUSED: unreachable,
  ECONNRESET: unreachable,
  ECONNABORTED: unreachable,
  EPIPE: unreachable,
  ETIMEDOUT: unreachable,
  ENOTFOUND: unknownHost,
  EAI_AGAIN: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EADDRNOTAVAIL: unreachable,
  ERR_STREAM_PREMATURE_CLOSE: unreachable,
  EPROTO: tlsNotSpoken,
  ERR_SSL_WRONG_VERSION_NUMBER: tlsNotSpoken,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: tlsNotSpoken,
}

/** OpenSSL's reasons why a certificate isn't trusted: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const certificateCode = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_CERT_|INVALID_CA|HOSTNAME_MISMATCH)/

export function lookUp({
  name,
  status,
  systemCode,
}: {
  name: string
  status?: number
  systemCode?: string
}): Known | undefined {
  if (systemCode !== undefined) {
    const known = bySystemCode[systemCode] ?? (certificateCode.test(systemCode) ? tls : undefined)
    if (known !== undefined) return known
  }
  const known = byName[name] ?? (status === undefined ? undefined : byStatus[status])
  if (known !== undefined || status === undefined) return known
  if (status >= 500) return failed
  return status >= 400 ? requestRefused : undefined
}
