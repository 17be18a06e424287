import { checkReferredName } from '../operator/names.ts'
import type { Target, UploadedCache } from './request.ts'
import type { StoreSecret } from './stores/store-access.ts'

/**
 * The Secret is referred to, never written: its values would lie in files and shells.
 *
 * @throws NimctlError `usage` / `NAME_INVALID`.
 */
export function storeCredentials(
  request: Target & { uploaded: Pick<UploadedCache, 'storeSecret'> },
  { howToMake }: Pick<StoreSecret, 'howToMake'>,
): { secretName: string; prerequisites: string[] } {
  const secretName = request.uploaded.storeSecret ?? `${request.name}-store`
  checkReferredName('Secret', secretName)
  const namespace = request.namespace === undefined ? '' : ` -n ${request.namespace}`
  return {
    secretName,
    prerequisites: [`Secret ${secretName}: kubectl create secret generic ${secretName}${namespace} ${howToMake}`],
  }
}
