import { findMirrored, type MirroredImage, mirroredReference } from '../image/mirror-result.ts'
import { isPublicRegistry } from '../image/public-registries.ts'
import { parseImageReference, type RegistryReference } from '../image/reference.ts'
import { NimctlError } from '../system/errors.ts'
import type { ImagePlace } from './request.ts'

/** An image as a NIMService wants it; `repository:tag` is the reference that the operator makes of it by concatenation. */
export interface NimImage {
  /** With registry. */
  repository: string
  tag: string
  reference: string
  warnings: string[]
}

/**
 * The inventory's image under the name that the cluster pulls it by: `--image-registry` replaces the registry and keeps
 * the repository's path, as `nimctl mirror` does.
 *
 * @param name as the inventory has it.
 * @throws NimctlError `usage` / `IMAGE_UNKNOWN`, `IMAGE_NOT_MIRRORED`.
 */
export function nimImage(name: string | undefined, { imageRegistry, mirrored }: ImagePlace): NimImage {
  const image = registryImage(name)
  if (mirrored !== undefined) return byDigest(image, mirrored)
  const warnings: string[] = []
  if (imageRegistry === undefined && isPublicRegistry(image.registry))
    warnings.push(
      `${name} is pulled from ${image.registry}, which a disconnected cluster can't reach: give --image-registry, where nimctl mirror put it.`,
    )
  const registry = imageRegistry?.replace(/\/+$/, '') ?? image.registry
  return { ...named(`${registry}/${image.repository}`, image), warnings }
}

/** The destination says where it is; `--image-registry` is not needed. */
function byDigest(image: RegistryReference, mirrored: readonly MirroredImage[]): NimImage {
  const found = findMirrored(mirrored, image)
  const name = `${image.registry}/${image.repository}${image.tag === undefined ? '' : `:${image.tag}`}`
  if (found === undefined)
    throw new NimctlError('usage', 'IMAGE_NOT_MIRRORED', {
      what: `${name} is not among what was mirrored to a registry.`,
      why: `There are: ${mirrored.map(mirroredReference).join(', ') || 'none'}.`,
      next: `Mirror it: nimctl mirror ${name} --to REGISTRY --json`,
    })
  const { destination, digest } = found
  const { registry, repository } = destination
  const { tag: _, ...withoutTag } = destination
  return { ...named(`${registry}/${repository}`, { ...withoutTag, digest }), warnings: [] }
}

function registryImage(image: string | undefined): RegistryReference {
  const reference = image === undefined ? undefined : parseImageReference(image)
  if (reference?.transport === 'docker' || reference?.transport === 'docker-daemon') return reference
  throw new NimctlError('usage', 'IMAGE_UNKNOWN', {
    what:
      image === undefined ? 'The inventory names no image.' : `No cluster can pull ${image}: it names no repository.`,
    why: 'A NIMService wants an image of a registry.',
    next: 'Build the cache with: nimctl cache IMAGE DIR, where IMAGE has its registry’s name, and upload it again',
  })
}

/**
 * A NIMService has no field for a digest, but `repository@sha256` with the hex digits as tag gives one when it is put
 * together (reference/operator.md, section 4). A tag is taken before a digest: the mirror's digest may be another one.
 */
function named(repository: string, { tag, digest }: RegistryReference) {
  const [algorithm, hex] = digest?.split(':') ?? []
  const parts =
    tag === undefined && algorithm !== undefined && hex !== undefined
      ? { repository: `${repository}@${algorithm}`, tag: hex }
      : { repository, tag: tag ?? 'latest' }
  return { ...parts, reference: `${parts.repository}:${parts.tag}` }
}
