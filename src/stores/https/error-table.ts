import { kinds, type Known, lookUpStatus, lookUpSystemCode } from '../http/error-table.ts'

const { failed, nameNotAllowed, objectNotFound, unsupported } = kinds
const tooLarge: Known = { category: 'usage', code: 'FILE_TOO_LARGE' }
const redirected: Known = { category: 'usage', code: 'STORE_REDIRECTED' }

/** RFC 9110, 15 and RFC 4918, 11: what the status says of a file of a web server. */
const byStatus: Record<number, Known> = {
  405: unsupported,
  408: failed,
  410: objectNotFound,
  413: tooLarge,
  414: nameNotAllowed,
  423: failed,
  425: failed,
}

export function lookUp({
  status,
  systemCode,
}: {
  status?: number | undefined
  /** Of Node.js, where no answer came. */
  systemCode?: string | undefined
}): Known | undefined {
  if (status === undefined) return lookUpSystemCode(systemCode)
  const known = byStatus[status] ?? lookUpStatus(status)
  return known === undefined && status >= 300 ? redirected : known
}
