import { checkNamespace, checkReferredName } from '../operator/names.ts'
import { emitNimCache } from './nimcache.ts'
import { emitNimService } from './nimservice.ts'
import { emitted, joined, type EmitKind, type EmitRequest, type EmitResult } from './request.ts'
import { emitStack } from './stack.ts'

const emitters: Record<EmitKind, (request: EmitRequest) => EmitResult> = {
  stack: emitStack,
  nimcache: emitNimCache,
  nimservice: emitNimService,
}

/**
 * Kubernetes objects for an uploaded cache. Pure: nothing is read or asked.
 *
 * @throws NimctlError `usage` or `not-found` / `PROFILE_UNKNOWN` where the request can't be met.
 */
export function emit(request: EmitRequest): EmitResult {
  if (request.namespace !== undefined) checkNamespace(request.namespace)
  return joined(emitters[request.kind](request), emitted({ prerequisites: pullSecretPrerequisites(request) }))
}

/** Another type of Secret is not taken (reference/kubernetes.md, "The real NIM Operator"). */
function pullSecretPrerequisites({ pullSecret }: EmitRequest): string[] {
  if (pullSecret === undefined) return []
  checkReferredName('Secret', pullSecret)
  return [`Secret ${pullSecret} of type docker-registry, for the internal registry`]
}
