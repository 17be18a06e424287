import { emitNimCache } from './nimcache.ts'
import { emitNimService } from './nimservice.ts'
import { joined, type EmitRequest, type EmitResult } from './request.ts'

/** Everything that a cluster needs for what was uploaded, in the order in which to apply it. */
export function emitStack(request: EmitRequest): EmitResult {
  return joined(emitNimCache(request), emitNimService(request))
}
