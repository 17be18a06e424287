import { isFrom, type OperatorVersion } from '../operator/versions.ts'
import { NimctlError } from '../system/errors.ts'

/**
 * A field that the CRD of an older version does not know is dropped silently by the API server, so it is not written.
 *
 * @param next the way that works there.
 * @throws NimctlError `usage` / `OPERATOR_TOO_OLD`.
 */
export function requireSince(
  version: OperatorVersion,
  since: OperatorVersion,
  { field, next }: { field: string; next: string },
): void {
  if (isFrom(version, since)) return
  throw new NimctlError('usage', 'OPERATOR_TOO_OLD', {
    what: `NIM Operator ${version} does not know ${field}.`,
    why: `It is there from ${since}; an older one drops it silently.`,
    next,
  })
}
