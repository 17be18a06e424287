import { lookUp, type Known } from '../s3/error-table.ts'

const containerNotFound: Known = { category: 'not-found', code: 'BUCKET_NOT_FOUND' }
const objectNotFound: Known = { category: 'not-found', code: 'OBJECT_NOT_FOUND' }
const accessDenied: Known = { category: 'auth', code: 'ACCESS_DENIED' }
const refused: Known = { category: 'auth', code: 'CREDENTIALS_REFUSED' }
const missing: Known = { category: 'auth', code: 'CREDENTIALS_MISSING' }
const throttled: Known = { category: 'unavailable', code: 'STORE_THROTTLED' }
const failed: Known = { category: 'unavailable', code: 'STORE_FAILED' }
const checksum: Known = { category: 'unavailable', code: 'CHECKSUM_MISMATCH' }
const keyExists: Known = { category: 'check-failed', code: 'STORE_KEY_EXISTS' }
const uploadGone: Known = { category: 'unavailable', code: 'UPLOAD_GONE', mend: 'new-upload' }
const foreignBlocks: Known = { category: 'unavailable', code: 'BLOCKS_OF_ANOTHER_TOOL', mend: 'not' }
const tooManyBlocks: Known = { category: 'unavailable', code: 'TOO_MANY_BLOCKS', mend: 'not' }
const outsideObject: Known = { category: 'not-found', code: 'RANGE_OUTSIDE_OBJECT' }
const archived: Known = { category: 'check-failed', code: 'OBJECT_ARCHIVED' }
const nameRefused: Known = { category: 'usage', code: 'STORE_NAME_REFUSED' }
const unsupported: Known = { category: 'unavailable', code: 'STORE_UNSUPPORTED', mend: 'not' }

/**
 * https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes and common-rest-api-error-codes. An
 * expired SAS, and a clock that differs, have no code of their own (errors.ts).
 */
const byName: Record<string, Known> = {
  ContainerNotFound: containerNotFound,
  ContainerBeingDeleted: containerNotFound,
  ContainerDisabled: containerNotFound,
  BlobNotFound: objectNotFound,
  ResourceNotFound: objectNotFound,
  CannotVerifyCopySource: objectNotFound,
  AuthenticationFailed: refused,
  InvalidAuthenticationInfo: refused,
  NoAuthenticationInformation: missing,
  AuthorizationFailure: accessDenied,
  AuthorizationPermissionMismatch: accessDenied,
  AuthorizationProtocolMismatch: accessDenied,
  AuthorizationResourceTypeMismatch: accessDenied,
  AuthorizationServiceMismatch: accessDenied,
  AuthorizationSourceIPMismatch: accessDenied,
  InsufficientAccountPermissions: accessDenied,
  AccountIsDisabled: accessDenied,
  KeyBasedAuthenticationNotPermitted: accessDenied,
  PublicAccessNotPermitted: accessDenied,
  BlobImmutableDueToPolicy: accessDenied,
  LeaseIdMissing: accessDenied,
  ServerBusy: throttled,
  InternalError: failed,
  OperationTimedOut: failed,
  PendingCopyOperation: failed,
  IncompleteBody: failed,
  Md5Mismatch: checksum,
  Crc64Mismatch: checksum,
  ConditionNotMet: keyExists,
  TargetConditionNotMet: keyExists,
  BlobAlreadyExists: keyExists,
  InvalidBlockList: uploadGone,
  InvalidBlobOrBlock: foreignBlocks,
  BlockCountExceedsLimit: tooManyBlocks,
  RequestEntityTooLargeBlockCountExceedsLimit: tooManyBlocks,
  InvalidRange: outsideObject,
  BlobArchived: archived,
  BlobBeingRehydrated: archived,
  InvalidResourceName: nameRefused,
  InvalidUri: nameRefused,
  OutOfRangeInput: nameRefused,
  FeatureVersionMismatch: unsupported,
  UnsupportedHeader: unsupported,
  UnsupportedHttpVerb: unsupported,
  CredentialUnavailableError: missing,
  AggregateAuthenticationError: missing,
  ChainedTokenCredentialError: missing,
  AuthenticationRequiredError: missing,
  AuthenticationError: refused,
}

/** What no code of Azure's says is told by the status, or by Node.js where no answer came. */
export function lookUpAzure(seen: { name: string; status?: number; systemCode?: string }): Known | undefined {
  return byName[seen.name] ?? lookUp(seen)
}
