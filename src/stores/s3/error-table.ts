import { kinds, type Known, lookUpStatus, lookUpSystemCode } from '../http/error-table.ts'

const { bucketNotFound, objectNotFound, outsideObject, accessDenied, refused, expired, missing } = kinds
const { keyExists, checksum, uploadGone, throttled, failed, storeFull, unsupported, unreachable, nameNotAllowed } =
  kinds
const wrongRegion: Known = { category: 'not-found', code: 'WRONG_REGION' }
// The SDK learns the difference from the answer and signs the next request with the server's time.
const clockSkew: Known = { category: 'local', code: 'CLOCK_SKEW', mend: 'same' }
const uploadIncomplete: Known = { category: 'unavailable', code: 'UPLOAD_INCOMPLETE', mend: 'new-upload' }
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html */
const archived: Known = { category: 'check-failed', code: 'OBJECT_ARCHIVED' }
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
  'KMS.AccessDeniedException': accessDenied,
  InvalidAccessKeyId: refused,
  SignatureDoesNotMatch: refused,
  InvalidToken: refused,
  InvalidClientTokenId: refused,
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
  KeyTooLongError: nameNotAllowed,
  InvalidURI: nameNotAllowed,
  XMinioInvalidObjectName: nameNotAllowed,
  InvalidRange: outsideObject,
  InvalidObjectState: archived,
  NotImplemented: unsupported,
  MethodNotAllowed: unsupported,
  InvalidBucketName: invalidBucket,
  TimeoutError: unreachable,
}

/** Redirects to another region, which HEAD answers without a code. */
const byStatus: Record<number, Known> = { 301: wrongRegion, 307: wrongRegion }

export function lookUp({
  name,
  status,
  systemCode,
}: {
  name: string
  status?: number
  systemCode?: string
}): Known | undefined {
  return lookUpSystemCode(systemCode) ?? byName[name] ?? byStatus[status ?? 0] ?? lookUpStatus(status)
}
