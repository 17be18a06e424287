import { NimctlError } from '../system/errors.ts'
import type { Target } from './request.ts'

/** @throws NimctlError `usage` / `LOADER_IMAGE_REQUIRED`. */
export function requireLoaderImage({ kind, name, loaderImage }: Target & { loaderImage?: string }): string {
  if (loaderImage !== undefined) return loaderImage
  throw new NimctlError('usage', 'LOADER_IMAGE_REQUIRED', {
    what: 'A volume is filled by nimctl’s own image, and it was not named.',
    why: 'The cluster pulls it from the internal registry, whose address nimctl can’t know.',
    next: `Add it to the same command: nimctl emit ${kind} ${name} … --loader-image REGISTRY/nimctl:VERSION`,
  })
}
