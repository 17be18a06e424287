import { kinds, type Known, lookUpStatus, lookUpSystemCode } from '../http/error-table.ts'

const { bucketNotFound: containerNotFound, objectNotFound, outsideObject, accessDenied, refused, missing } = kinds
const { keyExists, checksum, uploadGone, throttled, failed, unsupported, nameNotAllowed } = kinds
const foreignBlocks: Known = { category: 'unavailable', code: 'BLOCKS_OF_ANOTHER_TOOL', mend: 'not' }
const tooManyBlocks: Known = { category: 'unavailable', code: 'TOO_MANY_BLOCKS', mend: 'not' }
const archived: Known = { category: 'check-failed', code: 'OBJECT_ARCHIVED' }

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
  InvalidResourceName: nameNotAllowed,
  InvalidUri: nameNotAllowed,
  OutOfRangeInput: nameNotAllowed,
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
export function lookUpAzure({
  name,
  status,
  systemCode,
}: {
  name: string
  status?: number
  systemCode?: string
}): Known | undefined {
  return byName[name] ?? lookUpSystemCode(systemCode) ?? lookUpStatus(status)
}
