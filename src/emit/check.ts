import { type Finding, isFault } from '../operator/finding.ts'
import { NimctlError } from '../system/errors.ts'

/**
 * Nothing is emitted that the operator would refuse or drop, or that would fail later.
 *
 * @throws NimctlError `usage` / `OBJECT_INVALID` with all findings at once.
 */
export function refuseFindings(findings: readonly Finding[]): void {
  const faults = findings.filter(isFault)
  if (faults.length === 0) return
  throw new NimctlError('usage', 'OBJECT_INVALID', {
    what: 'The NIM Operator would refuse the object that this command asks for.',
    why: faults.map(({ path, message }) => `${path}: ${message}`).join('; '),
    next: 'Correct the flags that set these fields',
  })
}
