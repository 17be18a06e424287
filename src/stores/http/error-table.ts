import type { ErrorCategory, Mend } from '../../system/errors.ts'
import { networkFailure, type NetworkFailure } from '../../system/http/network-failure.ts'

/** One kind of failure, whatever the server calls it. */
export interface Known {
  category: ErrorCategory
  code: string
  mend?: Mend
}

/** What every store that is reached over HTTP can fail with. Each has more of its own in its table. */
export const kinds = {
  bucketNotFound: { category: 'not-found', code: 'BUCKET_NOT_FOUND' },
  objectNotFound: { category: 'not-found', code: 'OBJECT_NOT_FOUND' },
  outsideObject: { category: 'not-found', code: 'RANGE_OUTSIDE_OBJECT' },
  accessDenied: { category: 'auth', code: 'ACCESS_DENIED' },
  refused: { category: 'auth', code: 'CREDENTIALS_REFUSED' },
  expired: { category: 'auth', code: 'CREDENTIALS_EXPIRED', mend: 'new-credentials' },
  missing: { category: 'auth', code: 'CREDENTIALS_MISSING' },
  keyExists: { category: 'check-failed', code: 'STORE_KEY_EXISTS' },
  nameNotAllowed: { category: 'usage', code: 'STORE_KEY_NOT_ALLOWED' },
  checksum: { category: 'unavailable', code: 'CHECKSUM_MISMATCH' },
  uploadGone: { category: 'unavailable', code: 'UPLOAD_GONE', mend: 'new-upload' },
  throttled: { category: 'unavailable', code: 'STORE_THROTTLED' },
  failed: { category: 'unavailable', code: 'STORE_FAILED' },
  storeFull: { category: 'unavailable', code: 'STORE_FULL', mend: 'not' },
  unsupported: { category: 'unavailable', code: 'STORE_UNSUPPORTED', mend: 'not' },
  requestRefused: { category: 'unavailable', code: 'STORE_REQUEST_REFUSED', mend: 'not' },
  unreachable: { category: 'unavailable', code: 'STORE_UNREACHABLE' },
} as const satisfies Record<string, Known>

const byNetworkFailure: Record<NetworkFailure, Known> = {
  unreachable: kinds.unreachable,
  'unknown-host': { ...kinds.unreachable, mend: 'not' },
  certificate: { category: 'unavailable', code: 'TLS_CERTIFICATE_REFUSED', mend: 'not' },
  'tls-not-spoken': { category: 'unavailable', code: 'TLS_NOT_SPOKEN', mend: 'not' },
}

/** What a code of Node.js means where no answer came. */
export function lookUpSystemCode(code: string | undefined): Known | undefined {
  const failure = networkFailure(code)
  return failure && byNetworkFailure[failure]
}

const byStatus: Record<number, Known> = {
  401: kinds.refused,
  403: kinds.accessDenied,
  404: kinds.objectNotFound,
  412: kinds.keyExists,
  416: kinds.outsideObject,
  429: kinds.throttled,
  501: kinds.unsupported,
  503: kinds.throttled,
  507: kinds.storeFull,
}

/** What an answer's status alone says (RFC 9110, 15), for answers without a code, such as those to HEAD. */
export function lookUpStatus(status: number | undefined): Known | undefined {
  if (status === undefined || status < 400) return undefined
  return byStatus[status] ?? (status >= 500 ? kinds.failed : kinds.requestRefused)
}
