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
  /** Google's word for it in the answer's first error. */
  reason?: string | undefined
  /** Of Node.js, where no answer came. */
  systemCode?: string | undefined
}

const accessDenied: Known = { category: 'auth', code: 'ACCESS_DENIED' }
const missing: Known = { category: 'auth', code: 'CREDENTIALS_MISSING' }
const expired: Known = { category: 'auth', code: 'CREDENTIALS_EXPIRED', mend: 'new-credentials' }
const billing: Known = { category: 'auth', code: 'BILLING_PROJECT_NEEDED' }
const objectNotFound: Known = { category: 'not-found', code: 'OBJECT_NOT_FOUND' }
const outsideObject: Known = { category: 'not-found', code: 'RANGE_OUTSIDE_OBJECT' }
const keyExists: Known = { category: 'check-failed', code: 'STORE_KEY_EXISTS' }
const throttled: Known = { category: 'unavailable', code: 'STORE_THROTTLED' }
const failed: Known = { category: 'unavailable', code: 'STORE_FAILED' }
const uploadGone: Known = { category: 'unavailable', code: 'UPLOAD_GONE', mend: 'new-upload' }
const requestRefused: Known = { category: 'unavailable', code: 'STORE_REQUEST_REFUSED', mend: 'not' }
const unsupported: Known = { category: 'unavailable', code: 'STORE_UNSUPPORTED', mend: 'not' }

/** https://docs.cloud.google.com/storage/docs/json_api/v1/status-codes, where the status alone says too little. */
const byReason: Record<string, Known> = {
  '400 required': billing,
  '400 userProjectMissing': billing,
  '400 userProjectInvalid': billing,
  '400 userProjectInconsistent': billing,
  '401 required': missing,
  '403 userProjectAccessDenied': billing,
  '403 userProjectAccountProblem': billing,
  '403 rateLimitExceeded': throttled,
  '403 userRateLimitExceeded': throttled,
  '403 quotaExceeded': throttled,
  '403 dailyLimitExceeded': throttled,
}

const byStatus: Record<number, Known> = {
  401: expired,
  403: accessDenied,
  404: objectNotFound,
  408: failed,
  409: failed,
  410: uploadGone,
  412: keyExists,
  416: outsideObject,
  429: throttled,
  499: uploadGone,
  501: unsupported,
}

export function lookUp({ status, reason, systemCode }: Signs): Known | undefined {
  if (status === undefined) return systemCode === undefined ? undefined : lookUpConnection({ name: '', systemCode })
  const known = byReason[`${status} ${reason}`] ?? byStatus[status]
  if (known !== undefined) return known
  if (status >= 500) return failed
  return status >= 400 ? requestRefused : undefined
}
