import type { Finding } from '../operator/rules.ts'
import { NimctlError } from '../system/errors.ts'

/**
 * Nothing is emitted that the operator would refuse.
 *
 * @throws NimctlError `usage` / `OBJECT_INVALID` with all findings at once.
 */
export function refuseFindings(findings: readonly Finding[]): void {
  if (findings.length === 0) return
  throw new NimctlError('usage', 'OBJECT_INVALID', {
    what: 'The NIM Operator would refuse the object that this command asks for.',
    why: findings.map(({ path, message }) => `${path}: ${message}`).join('; '),
    next: 'Correct the flags that set these fields',
  })
}
