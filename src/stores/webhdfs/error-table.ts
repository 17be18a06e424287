import type { ErrorCategory, Mend } from '../../system/errors.ts'
import { lookUp as lookUpConnection } from '../s3/error-table.ts'

/** One kind of failure, whatever the server calls it. */
export interface Known {
  category: ErrorCategory
  code: string
  mend?: Mend
}

/** What a failure is told by. */
export interface Signs {
  status?: number | undefined
  /** Hadoop's own name of it (`exception` in a RemoteException). */
  exception?: string | undefined
  /** Of Node.js, where no answer came. */
  systemCode?: string | undefined
}

const objectNotFound: Known = { category: 'not-found', code: 'OBJECT_NOT_FOUND' }
const accessDenied: Known = { category: 'auth', code: 'ACCESS_DENIED' }
const refused: Known = { category: 'auth', code: 'CREDENTIALS_REFUSED' }
const kerberos: Known = { category: 'auth', code: 'KERBEROS_ASKED_FOR' }
const expired: Known = { category: 'auth', code: 'CREDENTIALS_EXPIRED', mend: 'new-credentials' }
const keyExists: Known = { category: 'check-failed', code: 'STORE_KEY_EXISTS' }
const conflict: Known = { category: 'local', code: 'STORE_KEY_CONFLICT' }
const notAllowed: Known = { category: 'usage', code: 'STORE_KEY_NOT_ALLOWED' }
const tooLong: Known = { category: 'local', code: 'NAME_TOO_LONG' }
const standby: Known = { category: 'unavailable', code: 'NAMENODE_STANDBY' }
const safeMode: Known = { category: 'unavailable', code: 'NAMENODE_IN_SAFE_MODE' }
const stillOpen: Known = { category: 'unavailable', code: 'FILE_STILL_OPEN' }
const throttled: Known = { category: 'unavailable', code: 'STORE_THROTTLED' }
const failed: Known = { category: 'unavailable', code: 'STORE_FAILED' }
const storeFull: Known = { category: 'unavailable', code: 'STORE_FULL', mend: 'not' }
const requestRefused: Known = { category: 'unavailable', code: 'STORE_REQUEST_REFUSED', mend: 'not' }
const unsupported: Known = { category: 'unavailable', code: 'STORE_UNSUPPORTED', mend: 'not' }

/** Simple names of Java's classes: WebHDFS gives hardly more than 403 as status for any of them. */
const byException: Record<string, Known> = {
  FileNotFoundException: objectNotFound,
  AccessControlException: accessDenied,
  AuthorizationException: accessDenied,
  AuthenticationException: refused,
  SecurityException: refused,
  InvalidToken: expired,
  ExpiredTokenException: expired,
  FileAlreadyExistsException: keyExists,
  ParentNotDirectoryException: conflict,
  PathIsNotDirectoryException: conflict,
  PathIsNotEmptyDirectoryException: conflict,
  InvalidPathException: notAllowed,
  PathComponentTooLongException: tooLong,
  StandbyException: standby,
  ObserverRetryOnActiveException: standby,
  SafeModeException: safeMode,
  RetriableException: failed,
  AlreadyBeingCreatedException: stillOpen,
  RecoveryInProgressException: stillOpen,
  LeaseExpiredException: stillOpen,
  QuotaExceededException: storeFull,
  DSQuotaExceededException: storeFull,
  NSQuotaExceededException: storeFull,
  QuotaByStorageTypeExceededException: storeFull,
  MaxDirectoryItemsExceededException: storeFull,
  UnsupportedOperationException: unsupported,
  IllegalArgumentException: requestRefused,
  HadoopIllegalArgumentException: requestRefused,
  // Everything else that went wrong at a datanode, which the next one may do better.
  IOException: failed,
}

const byStatus: Record<number, Known> = {
  401: refused,
  403: accessDenied,
  429: throttled,
  501: unsupported,
  503: throttled,
  507: storeFull,
}

export function lookUp({ status, exception, systemCode }: Signs): Known | undefined {
  if (status === undefined) return systemCode === undefined ? undefined : lookUpConnection({ name: '', systemCode })
  const known = exception === undefined ? byStatus[status] : byException[exception]
  if (known !== undefined) return known
  if (status >= 500) return failed
  return status >= 400 && exception !== undefined ? requestRefused : undefined
}

/** Simple authentication was not enough: a challenge of SPNEGO (RFC 4559). */
export function asksForKerberos(status: number | undefined, challenge: string | undefined): Known | undefined {
  return status === 401 && /^negotiate\b/i.test(challenge ?? '') ? kerberos : undefined
}
