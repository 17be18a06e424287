import { kinds, type Known, lookUpStatus, lookUpSystemCode } from '../http/error-table.ts'

/** What a failure is told by. */
export interface Signs {
  /** What was asked. */
  op: string
  status?: number | undefined
  /** Hadoop's own name of it (`exception` in a RemoteException). */
  exception?: string | undefined
  /** Of Node.js, where no answer came. */
  systemCode?: string | undefined
}

const { accessDenied, expired, failed, keyExists, nameNotAllowed, objectNotFound } = kinds
const { refused, requestRefused, storeFull, unsupported } = kinds
const kerberos: Known = { category: 'auth', code: 'KERBEROS_ASKED_FOR' }
const conflict: Known = { category: 'local', code: 'STORE_KEY_CONFLICT' }
const tooLong: Known = { category: 'local', code: 'NAME_TOO_LONG' }
const standby: Known = { category: 'unavailable', code: 'NAMENODE_STANDBY' }
const safeMode: Known = { category: 'unavailable', code: 'NAMENODE_IN_SAFE_MODE' }
const stillOpen: Known = { category: 'unavailable', code: 'FILE_STILL_OPEN' }

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
  InvalidPathException: nameNotAllowed,
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

export function lookUp({ op, status, exception, systemCode }: Signs): Known | undefined {
  if (status === undefined) return lookUpSystemCode(systemCode)
  // A directory that exists is no error: a file stands there.
  if (op === 'MKDIRS' && exception === 'FileAlreadyExistsException') return conflict
  if (exception !== undefined) return byException[exception] ?? (status >= 500 ? failed : requestRefused)
  // Hadoop says by name what it has not found: this is another server.
  return status === 404 ? undefined : lookUpStatus(status)
}

/** Simple authentication was not enough: a challenge of SPNEGO (RFC 4559). */
export function asksForKerberos(status: number | undefined, challenge: string | undefined): Known | undefined {
  return status === 401 && /^negotiate\b/i.test(challenge ?? '') ? kerberos : undefined
}
