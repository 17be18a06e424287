import type { NimContainer } from '../../operator/objects.ts'
import { featureSince, hasFeature } from '../../operator/versions.ts'
import { NimctlError } from '../../system/errors.ts'
import { nimImage } from '../nim-image.ts'
import type { ImagePlace, Target, UploadedCache } from '../request.ts'
import type { EmitResult } from '../result.ts'
import { loaderContract } from './contract.ts'
import { loaderEnvironment } from './env.ts'
import { requireLoaderImage } from './image.ts'

/**
 * The loader as an init container of a NIMService, which has the volume where the NIM has it (reference/operator.md 4).
 *
 * @throws NimctlError `usage` / `OPERATOR_TOO_OLD`, and what the loader's environment throws.
 */
export function loadCacheContainer(
  request: Target & ImagePlace & { uploaded: UploadedCache; loaderImage?: string },
): EmitResult & { container: NimContainer } {
  const { operatorVersion } = request
  if (!hasFeature(operatorVersion, 'init-containers')) throw tooOld(request)
  const { env, secretEnv, secretName: _, ...surroundings } = loaderEnvironment(request)
  const { repository, tag, warnings } = nimImage(requireLoaderImage(request), {})
  const container = {
    name: 'load-cache',
    image: { repository, tag },
    command: [loaderContract.program],
    env: [{ name: loaderContract.targetVariable, value: '/model-store' }, ...env, ...secretEnv],
  }
  const text =
    'nimctl itself: it fetches the cache from the store before the NIM starts. The probes count from then on.'
  return {
    ...surroundings,
    warnings: [...surroundings.warnings, ...warnings],
    comments: [...surroundings.comments, { kind: 'NIMService', path: ['spec', 'initContainers'], text }],
    container,
  }
}

function tooOld({ kind, name, uploaded: { cacheUrl }, operatorVersion }: Target & { uploaded: UploadedCache }) {
  return new NimctlError('usage', 'OPERATOR_TOO_OLD', {
    what: `NIM Operator ${operatorVersion} knows no init containers of a NIMService: it would drop the loader silently.`,
    why: `They came with ${featureSince('init-containers')}.`,
    next: `Fill a claim by a Job instead: nimctl emit ${kind} ${name} --cache ${cacheUrl.href} --loader job`,
  })
}
