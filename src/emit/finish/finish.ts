import { checkObject } from '../../operator/check-object.ts'
import { type Finding, isFault } from '../../operator/finding.ts'
import type { KubernetesObject } from '../../operator/objects.ts'
import type { OperatorVersion } from '../../operator/versions.ts'
import { NimctlError } from '../../system/errors.ts'
import type { EmitResult } from '../result.ts'
import { type Assignment, assign } from './assignment.ts'
import { nameOf } from './choose-object.ts'
import { applyPatch, type Patch } from './patch.ts'

/** What the user changes in what was emitted. */
export interface Changes {
  patches: readonly Patch[]
  /** Done after the patches. */
  assignments: readonly Assignment[]
}

/**
 * What every kind ends with: the user's changes, and then the check of the objects as they are now.
 *
 * @throws NimctlError `usage` / `OBJECT_INVALID` with everything that the operator of this version would refuse, drop, or
 * fail at; what a change throws that can't be done.
 */
export function finish(result: EmitResult, changes: Changes, version: OperatorVersion): EmitResult {
  const patched = changes.patches.reduce<KubernetesObject[]>(applyPatch, result.objects)
  const objects = changes.assignments.reduce<KubernetesObject[]>(assign, patched)
  const findings = objects.flatMap(object =>
    checkObject(object, version).map(finding => ({ ...finding, object: nameOf(object) })),
  )
  const faults = findings.filter(isFault)
  if (faults.length > 0) throw invalid(faults, version)
  return { ...result, objects }
}

function invalid(faults: readonly (Finding & { object: string })[], version: OperatorVersion): NimctlError {
  return new NimctlError('usage', 'OBJECT_INVALID', {
    what: `NIM Operator ${version} would not do what these objects ask for.`,
    why: faults.map(({ object, path, message }) => `${object} ${path}: ${message}`).join('; '),
    next: 'Correct the flags, --set or --patch that set these fields',
  })
}
