import type { ErrorCategory, Mend } from '../../system/errors.ts'

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
  checksum: { category: 'unavailable', code: 'CHECKSUM_MISMATCH' },
  uploadGone: { category: 'unavailable', code: 'UPLOAD_GONE', mend: 'new-upload' },
  throttled: { category: 'unavailable', code: 'STORE_THROTTLED' },
  failed: { category: 'unavailable', code: 'STORE_FAILED' },
  storeFull: { category: 'unavailable', code: 'STORE_FULL', mend: 'not' },
  unsupported: { category: 'unavailable', code: 'STORE_UNSUPPORTED', mend: 'not' },
  requestRefused: { category: 'unavailable', code: 'STORE_REQUEST_REFUSED', mend: 'not' },
  unreachable: { category: 'unavailable', code: 'STORE_UNREACHABLE' },
} as const satisfies Record<string, Known>

/** A name that does not resolve is mistyped; a resolver that is away says EAI_AGAIN. */
const unknownHost: Known = { ...kinds.unreachable, mend: 'not' }
const tls: Known = { category: 'unavailable', code: 'TLS_CERTIFICATE_REFUSED', mend: 'not' }
const tlsNotSpoken: Known = { category: 'unavailable', code: 'TLS_NOT_SPOKEN', mend: 'not' }

/** Codes of Node.js: no answer came. */
const bySystemCode: Record<string, Known> = {
  ECONNREFUSED: kinds.unreachable,
  ECONNRESET: kinds.unreachable,
  ECONNABORTED: kinds.unreachable,
  EPIPE: kinds.unreachable,
  ETIMEDOUT: kinds.unreachable,
  ENOTFOUND: unknownHost,
  EAI_AGAIN: kinds.unreachable,
  EHOSTUNREACH: kinds.unreachable,
  ENETUNREACH: kinds.unreachable,
  EADDRNOTAVAIL: kinds.unreachable,
  ERR_STREAM_PREMATURE_CLOSE: kinds.unreachable,
  EPROTO: tlsNotSpoken,
  ERR_SSL_WRONG_VERSION_NUMBER: tlsNotSpoken,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: tlsNotSpoken,
}

/** OpenSSL's reasons why a certificate isn't trusted: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const certificateCode = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_CERT_|INVALID_CA|HOSTNAME_MISMATCH)/

/** What Node.js said where no answer came. */
export function lookUpSystemCode(code: string | undefined): Known | undefined {
  if (code === undefined) return undefined
  return bySystemCode[code] ?? (certificateCode.test(code) ? tls : undefined)
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
