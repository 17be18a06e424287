import { kinds, type Known, lookUpStatus, lookUpSystemCode } from '../http/error-table.ts'

/** What a failure is told by. */
export interface Signs {
  status?: number | undefined
  /** Google's word for it in the answer's first error. */
  reason?: string | undefined
  /** Of Node.js, where no answer came. */
  systemCode?: string | undefined
}

const { expired, missing, throttled, failed, uploadGone } = kinds
const billing: Known = { category: 'auth', code: 'BILLING_PROJECT_NEEDED' }

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

/** Where Google means more by it than others. */
const byStatus: Record<number, Known> = {
  401: expired,
  408: failed,
  409: failed,
  410: uploadGone,
  499: uploadGone,
  503: failed,
}

export function lookUp({ status, reason, systemCode }: Signs): Known | undefined {
  if (status === undefined) return lookUpSystemCode(systemCode)
  return byReason[`${status} ${reason}`] ?? byStatus[status] ?? lookUpStatus(status)
}
