import type { Finding } from '../finding.ts'
import { at, textAt } from '../plain.ts'
import { quantityValue } from '../quantity.ts'
import { type Report, when } from './rule.ts'

/** A claim that the operator is to make: without size or access mode it passes CRD and webhook, and then fails. */
export function checkCreatedClaim(claim: unknown, fails: Report): Finding[] {
  if (at(claim, 'create') !== true) return []
  const size = textAt(claim, 'size')
  const bytes = quantityValue(size)
  return [
    ...when(size === '', () =>
      fails('claim-needs-size', 'storage.pvc.size', 'must be given, such as 50Gi, where the claim is to be created'),
    ),
    ...when(size !== '' && (bytes === undefined || bytes <= 0), () =>
      fails('claim-size', 'storage.pvc.size', `"${size}" must be a size such as 50Gi`),
    ),
    ...when(textAt(claim, 'volumeAccessMode') === '', () =>
      fails(
        'claim-needs-access-mode',
        'storage.pvc.volumeAccessMode',
        'must be given, such as ReadWriteMany, where the claim is to be created',
      ),
    ),
  ]
}
