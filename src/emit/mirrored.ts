import { parseImageReference, type RegistryReference } from '../image/reference.ts'
import { NimctlError } from '../system/errors.ts'

/** Where `nimctl mirror` put an image, and as what. */
export interface MirroredImage {
  source: RegistryReference
  destination: RegistryReference
  /** `sha256:…` in the destination. */
  digest: string
}

/**
 * The images of `nimctl mirror --json` that are now in a registry.
 *
 * @throws NimctlError `usage` / `MIRROR_RESULT_INVALID`.
 */
export function parseMirrorResult(text: string, file: string): MirroredImage[] {
  const document = parseJson(text)
  const images: unknown = isRecord(document) && document['kind'] === 'MirrorResult' ? document['images'] : undefined
  if (!Array.isArray(images)) throw invalid(file)
  return images.flatMap(image => parseImage(image, file))
}

function parseImage(image: unknown, file: string): MirroredImage[] {
  if (!isRecord(image)) throw invalid(file)
  const { source, destination, digest, status } = image
  if (typeof source !== 'string' || typeof destination !== 'string' || typeof digest !== 'string') throw invalid(file)
  const [from, to] = [parseImageReference(source), parseImageReference(destination)]
  const pullable = status !== 'failed' && to.transport === 'docker'
  return pullable && 'registry' in from ? [{ source: from, destination: to, digest }] : []
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function invalid(file: string): NimctlError {
  return new NimctlError('usage', 'MIRROR_RESULT_INVALID', {
    what: `${file} is no result of nimctl mirror.`,
    next: 'Make it with: nimctl mirror IMAGE --to REGISTRY --json > FILE',
  })
}
