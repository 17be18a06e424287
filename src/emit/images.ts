import { mirroredReference } from '../image/mirror-result.ts'
import type { RegistryReference } from '../image/reference.ts'
import type { KubernetesObject } from '../operator/objects.ts'
import { isPlain } from '../operator/plain.ts'
import { nimImage } from './nim-image.ts'
import type { ImagePlace } from './request.ts'

/**
 * Every image that a node would pull for these objects, each once, in their order: of containers of any kind, of the
 * operator's `repository` and `tag`, and of a NIMCache's `modelPuller`.
 */
export function imagesOf(objects: readonly KubernetesObject[]): string[] {
  return [...new Set(objects.flatMap(({ spec }) => imagesIn(spec)))]
}

function imagesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(imagesIn)
  if (!isPlain(value)) return []
  return Object.entries(value).flatMap(([key, field]) => {
    if ((key === 'image' || key === 'modelPuller') && typeof field === 'string') return [field]
    if (key === 'image' && isPlain(field)) return operatorImage(field)
    return imagesIn(field)
  })
}

/** `repository@sha256` and hex digits as tag are a digest, when they are put together. */
function operatorImage({ repository, tag }: Record<string, unknown>): string[] {
  return typeof repository === 'string' && typeof tag === 'string' ? [`${repository}:${tag}`] : []
}

interface Mirroring {
  place?: ImagePlace
  sourceImage?: string | undefined
}

/** The same images under the names that they had before they were mirrored, as far as the request says it. */
export function sourcesOf(images: readonly string[], { place = {}, sourceImage }: Mirroring): string[] {
  const sources = new Map((place.mirrored ?? []).map(image => [mirroredReference(image), nameOf(image.source)]))
  if (sourceImage !== undefined) sources.set(nimImage(sourceImage, place).reference, sourceImage)
  return images.map(image => sources.get(image) ?? image)
}

function nameOf({ registry, repository, tag, digest }: RegistryReference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}
