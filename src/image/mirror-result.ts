import { NimctlError } from '../system/errors.ts'
import { parseJson, read, textAt } from '../system/json.ts'
import { parseImageReference, type RegistryReference } from './reference.ts'

/** Where `nimctl mirror` put an image, and as what. */
export interface MirroredImage {
  source: RegistryReference
  destination: RegistryReference
  /** `sha256:…` in the destination. */
  digest: string
}

/**
 * What `nimctl mirror --json` printed: the images that are now in a registry.
 *
 * @param from the file, as the user named it.
 * @throws NimctlError `usage` / `MIRROR_RESULT_INVALID`.
 */
export function parseMirrorResult(text: string, from: string): MirroredImage[] {
  const document = parseJson(text)
  const images = read(document, 'images')
  if (textAt(document, 'kind') !== 'MirrorResult' || !Array.isArray(images)) throw invalid(from)
  return images.flatMap((image: unknown) => parseImage(image, from))
}

function parseImage(image: unknown, from: string): MirroredImage[] {
  // It may have no digest.
  if (textAt(image, 'status') === 'failed') return []
  const [source, destination, digest] = [textAt(image, 'source'), textAt(image, 'destination'), textAt(image, 'digest')]
  if (source === undefined || destination === undefined || digest === undefined) throw invalid(from)
  const [copied, to] = [parseImageReference(source), parseImageReference(destination)]
  return to.transport === 'docker' && 'registry' in copied ? [{ source: copied, destination: to, digest }] : []
}

/** `undefined` where it was not mirrored. */
export function findMirrored(images: readonly MirroredImage[], wanted: RegistryReference): MirroredImage | undefined {
  return images.find(({ source }) => isSame(source, wanted)) ?? images.find(image => isSame(image.destination, wanted))
}

/** `registry/repository@sha256:…` of the destination. */
export function mirroredReference({ destination, digest }: MirroredImage): string {
  return `${destination.registry}/${destination.repository}@${digest}`
}

function isSame(one: RegistryReference, other: RegistryReference): boolean {
  if (one.registry !== other.registry || one.repository !== other.repository) return false
  if (one.digest !== undefined && other.digest !== undefined) return one.digest === other.digest
  return one.tag === other.tag
}

function invalid(from: string): NimctlError {
  return new NimctlError('usage', 'MIRROR_RESULT_INVALID', {
    what: `${from} is not what nimctl mirror --json prints.`,
    next: 'Make it with: nimctl mirror IMAGE --to REGISTRY --json > FILE',
  })
}
