import { isDeepStrictEqual } from 'node:util'

import { NimctlError } from '../system/errors.ts'
import type { ImageManifest } from './image-manifest.ts'
import type { ImagePlace, MirrorContext, MirrorRequest } from './mirror.ts'
import { formatImageReference } from './reference.ts'

interface PreparedBase {
  source: ImagePlace
  destination: ImagePlace
  /** What the destination is to have; of one platform out of a list, that platform's. */
  sourceDigest: string
  imageManifest: ImageManifest
  platforms: string[]
  /** Set where one platform is taken out of a list. */
  platform?: string
  /** Compressed; 0 where it is not known. */
  bytes: number
}

export type PreparedImage = PreparedBase & ({ action: 'copy' } | { action: 'present'; presentDigest: string })

type Places = { source: ImagePlace; destination: ImagePlace }

/**
 * Reads both sides and decides whether a copy is due.
 *
 * @throws NimctlError `not-found` / `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND`; `usage` / `PLATFORM_SUBSET`.
 */
export async function prepareImage(
  places: Places,
  { platforms }: Pick<MirrorRequest, 'platforms'>,
  context: MirrorContext,
): Promise<PreparedImage> {
  const imageManifest = await context.copier.inspect(places.source, context)
  if (imageManifest === undefined) throw notFound(places.source)
  const chosen = await choosePlatforms(places.source, imageManifest, platforms, context)
  const bytes = await measure(places.source, imageManifest, chosen.platform, context)
  const prepared: PreparedBase = { ...places, ...chosen, imageManifest, bytes }
  const presentDigest = await findPresent(prepared, context)
  return presentDigest === undefined
    ? { ...prepared, action: 'copy' }
    : { ...prepared, action: 'present', presentDigest }
}

/**
 * Asks the destination what it holds after a copy, and compares.
 *
 * @throws NimctlError `check-failed` / `COPY_DIFFERS` when it is not the same image.
 */
export async function verifyCopy(
  prepared: PreparedImage,
  context: MirrorContext,
): Promise<{ digest: string; bytes: number }> {
  const { source, destination, sourceDigest } = prepared
  const found = await context.copier.inspect(destination, context)
  if (found === undefined) throw differs(prepared, 'Nothing lies there.')
  const bytes = await measure(destination, found, undefined, context)
  if (found.digest !== sourceDigest) {
    if (!(await isSameImage(prepared, found, context))) throw differs(prepared, `It has the digest ${found.digest}.`)
    const why = reasonOfChange(prepared, found)
    if (source.image.transport === 'docker-daemon' || source.image.transport === 'docker-archive') {
      context.report({ event: 'log', source: 'nimctl', line: `${formatImageReference(destination.image)}: ${why}` })
    } else {
      const message = `${formatImageReference(destination.image)} has another digest than its source. ${why}`
      context.report({ event: 'warning', code: 'DIGEST_CHANGED', message })
    }
  }
  return { digest: found.digest, bytes: bytes === 0 ? prepared.bytes : bytes }
}

/** Attestations that a build left in a list run nowhere. */
const noPlatform = 'unknown/unknown'

async function choosePlatforms(
  source: ImagePlace,
  imageManifest: ImageManifest,
  wanted: readonly string[] | undefined,
  context: MirrorContext,
): Promise<{ sourceDigest: string; platforms: string[]; platform?: string }> {
  const { images } = imageManifest
  if (images === undefined) {
    const { platform } = await context.copier.inspectConfig(source, context)
    const missing = wanted?.find(each => !matches(platform, each))
    if (missing !== undefined) throw platformNotFound(source, missing, [platform])
    return { sourceDigest: imageManifest.digest, platforms: [platform] }
  }
  const offered = images.filter(({ platform }) => platform !== noPlatform)
  const names = offered.map(({ platform }) => platform)
  if (wanted === undefined) return { sourceDigest: imageManifest.digest, platforms: names }
  const missing = wanted.find(each => !names.some(name => matches(name, each)))
  if (missing !== undefined) throw platformNotFound(source, missing, names)
  const chosen = offered.filter(({ platform }) => wanted.some(each => matches(platform, each)))
  const [only] = chosen
  if (chosen.length === offered.length && offered.length > 1)
    return { sourceDigest: imageManifest.digest, platforms: names }
  if (chosen.length === 1 && only !== undefined) {
    return { sourceDigest: only.digest, platforms: [only.platform], platform: only.platform }
  }
  throw new NimctlError('usage', 'PLATFORM_SUBSET', {
    what: `${formatImageReference(source.image)} can be mirrored for one platform or for all.`,
    why: `It has ${names.join(', ')}; a list of some of them would be another image with another digest.`,
    next: 'Give one --platform, or --platform all.',
  })
}

/** `linux/arm64` also means `linux/arm64/v8`. */
function matches(platform: string, wanted: string): boolean {
  return platform === wanted || platform.startsWith(`${wanted}/`)
}

/** The destination's digest if it has the image already. */
async function findPresent(prepared: PreparedBase, context: MirrorContext): Promise<string | undefined> {
  const found = await context.copier.inspect(prepared.destination, context)
  if (found === undefined) return undefined
  if (found.digest === prepared.sourceDigest) return found.digest
  return (await isSameImage(prepared, found, context)) ? found.digest : undefined
}

/**
 * Whether two images are the same in spite of other digests: the config names the unpacked layers, and keeps its digest
 * when layers are compressed. A conversion between Docker's and OCI's format rewrites the config too, then its content
 * counts. Of lists, only the platforms can be compared.
 */
async function isSameImage(prepared: PreparedBase, found: ImageManifest, context: MirrorContext): Promise<boolean> {
  const { source, destination, imageManifest, platform, sourceDigest } = prepared
  if (imageManifest.images !== undefined && platform === undefined) return isConvertedList(imageManifest, found)
  if (found.images !== undefined) return false
  if (found.configDigest === imageManifest.configDigest) return true
  const single = platform === undefined ? source : byDigest(source, sourceDigest)
  if (single === undefined) return false
  const [before, after] = await Promise.all([
    context.copier.inspectConfig(single, context),
    context.copier.inspectConfig(destination, context),
  ])
  return isDeepStrictEqual(before, after)
}

/** skopeo converts a list only as a whole, and then its media type changes. */
function isConvertedList(source: ImageManifest, found: ImageManifest): boolean {
  if (found.images === undefined || found.mediaType === source.mediaType) return false
  const platforms = (list: ImageManifest) => list.images?.map(({ platform }) => platform).toSorted()
  return isDeepStrictEqual(platforms(source), platforms(found))
}

function reasonOfChange({ source, imageManifest }: PreparedBase, found: ImageManifest): string {
  const { transport } = source.image
  if (transport === 'docker-daemon' || transport === 'docker-archive') {
    return 'The copy made its digest, because the source keeps layers unpacked; config and layers are the same.'
  }
  return `It was converted from ${imageManifest.mediaType} to ${found.mediaType}; its content is the same.`
}

/** Bytes of all layers and configs, each once. */
async function measure(
  place: ImagePlace,
  imageManifest: ImageManifest,
  platform: string | undefined,
  context: MirrorContext,
): Promise<number> {
  const digests = (imageManifest.images ?? [])
    .filter(each => platform === undefined || each.platform === platform)
    .map(({ digest }) => digest)
  const inside = await Promise.all(
    digests.map(async digest => {
      const one = byDigest(place, digest)
      return one === undefined ? undefined : context.copier.inspect(one, context)
    }),
  )
  const blobs = [imageManifest, ...inside].flatMap(each => each?.blobs ?? [])
  const sizes = new Map(blobs.map(({ digest, size }) => [digest, size]))
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}

/** One image of a list; only registries can be asked for it. */
function byDigest(place: ImagePlace, digest: string): ImagePlace | undefined {
  return place.image.transport === 'docker' ? { ...place, image: { ...place.image, digest } } : undefined
}

function notFound({ image }: ImagePlace): NimctlError {
  return new NimctlError('not-found', 'IMAGE_NOT_FOUND', {
    what: `There is no image ${formatImageReference(image)}.`,
    next:
      image.transport === 'docker'
        ? 'Check name and tag; registries also hide what they do not permit: log in with skopeo login. An image of the engine: docker-daemon:NAME:TAG.'
        : 'Check path, name and tag.',
  })
}

function platformNotFound({ image }: ImagePlace, wanted: string, offered: readonly string[]): NimctlError {
  return new NimctlError('not-found', 'PLATFORM_NOT_FOUND', {
    what: `${formatImageReference(image)} does not come for ${wanted}.`,
    why: `It has ${offered.join(', ')}.`,
  })
}

function differs({ source, destination, sourceDigest }: PreparedBase, why: string): NimctlError {
  return new NimctlError('check-failed', 'COPY_DIFFERS', {
    what: `${formatImageReference(destination.image)} is not what was copied there.`,
    why: `${formatImageReference(source.image)} has the digest ${sourceDigest}. ${why}`,
    next: 'See whether somebody else writes to that name, then run the same command again.',
  })
}
