import { findMirrored, mirroredReference } from '../../image/mirror-result.ts'
import { parseImageReference } from '../../image/reference.ts'
import { NimctlError } from '../../system/errors.ts'
import type { ImagePlace, Target } from '../request.ts'

/**
 * nimctl's own image, by its digest where it was mirrored.
 *
 * @throws NimctlError `usage` / `LOADER_IMAGE_REQUIRED`.
 */
export function requireLoaderImage(request: Target & ImagePlace & { loaderImage?: string }): string {
  const { kind, name, loaderImage, mirrored = [] } = request
  if (loaderImage !== undefined) {
    const image = parseImageReference(loaderImage)
    const found = 'registry' in image ? findMirrored(mirrored, image) : undefined
    return found === undefined ? loaderImage : mirroredReference(found)
  }
  throw new NimctlError('usage', 'LOADER_IMAGE_REQUIRED', {
    what: 'A volume is filled by nimctl’s own image, and it was not named.',
    why: 'The cluster pulls it from the internal registry, whose address nimctl can’t know.',
    next: `Add it to the same command: nimctl emit ${kind} ${name} … --loader-image REGISTRY/nimctl:VERSION`,
  })
}
