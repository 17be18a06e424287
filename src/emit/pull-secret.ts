import { checkReferredName } from '../operator/names.ts'
import type { ImagePlace } from './request.ts'

/**
 * Another type of Secret is not taken (reference/kubernetes.md, "The real NIM Operator").
 *
 * @throws NimctlError `usage` / `NAME_INVALID`.
 */
export function pullSecretPrerequisites({ pullSecret }: ImagePlace): string[] {
  if (pullSecret === undefined) return []
  checkReferredName('Secret', pullSecret)
  return [`Secret ${pullSecret} of type docker-registry, for the internal registry`]
}
