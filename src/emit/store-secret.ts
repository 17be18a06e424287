import { checkReferredName } from '../operator/names.ts'
import type { Target, UploadedCache } from './request.ts'

/**
 * The Secret is referred to, never written: its values would lie in files and shells. The Job takes all of it by
 * `envFrom`, and doesn't start while there is none (reference/operator.md, section 3).
 *
 * @param keys that it must have; none: any key will do, but the CRD wants a name and the Job the Secret.
 * @throws NimctlError `usage` / `NAME_INVALID`.
 */
export function storeCredentials(
  request: Target & { uploaded: UploadedCache },
  keys: readonly string[],
): { secretName: string; prerequisites: string[] } {
  const secretName = request.uploaded.storeSecret ?? `${request.name}-store`
  checkReferredName('Secret', secretName)
  const namespace = request.namespace === undefined ? '' : ` -n ${request.namespace}`
  const lines =
    keys.length > 0 ? `the lines ${keys.map(key => `${key}=…`).join(' and ')}` : 'any line, such as STORE=none'
  return {
    secretName,
    prerequisites: [
      `Secret ${secretName}: kubectl create secret generic ${secretName}${namespace} --from-env-file=FILE, where FILE has ${lines}`,
    ],
  }
}
