import type { Finding } from '../finding.ts'
import { at, isPlain, textAt } from '../plain.ts'
import { type Report, when } from './rule.ts'

const accessModes = ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod']

/** `validatePVCConfiguration`, which both webhooks call. @param root as the operator writes it, such as `nimcache.spec`. */
export function checkClaim(claim: unknown, root: string, report: Report): Finding[] {
  const mode = textAt(claim, 'volumeAccessMode')
  return [
    ...when(at(claim, 'create') !== true && textAt(claim, 'name') === '', () =>
      report(
        'claim-needs-name',
        'storage.pvc.name',
        `Required value: must be provided when ${root}.storage.pvc.create is false`,
      ),
    ),
    ...when(mode !== '' && !accessModes.includes(mode), () =>
      report(
        'claim-access-mode',
        'storage.pvc.volumeAccessMode',
        `Invalid value: "${mode}": unrecognized volumeAccessMode; one of ${accessModes.join(', ')}`,
      ),
    ),
  ]
}

/** Whether Go's structure of the claim is not its zero value: `create: false` counts, an empty text doesn't. */
export function isClaimDefined(claim: unknown): boolean {
  if (!isPlain(claim)) return false
  const texts = ['name', 'storageClass', 'size', 'volumeAccessMode', 'subPath']
  if (claim['create'] !== undefined || texts.some(name => textAt(claim, name) !== '')) return true
  const { annotations } = claim
  return isPlain(annotations) && Object.keys(annotations).length > 0
}
