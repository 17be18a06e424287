import { NimctlError } from '../system/errors.ts'
import { byDigest, compareImages, type Comparison, runnable } from './compare-images.ts'
import type { ImageManifest, PlatformImage } from './image-manifest.ts'
import type { ImagePlace, MirrorContext, MirrorRequest } from './mirror.ts'
import { formatImageReference } from './reference.ts'

interface PreparedBase {
  source: ImagePlace
  destination: ImagePlace
  /** Of the image or list that the source has; of one platform out of a list, that platform's. */
  sourceDigest: string
  imageManifest: ImageManifest
  /** What is to be at the destination, platform by platform. */
  images: PlatformImage[]
  /** Set where one platform is taken out of a list. */
  platform?: string
  /** Some platforms out of a list, but not all. */
  isSubset: boolean
  /** Compressed; 0 where it is not known. */
  bytes: number
}

/** What lies at a destination, proved. */
export interface ProvedImage extends Comparison {
  digest: string
  /** Why a digest is another one than the source's. */
  why?: string
}

export type PreparedImage = PreparedBase & ({ action: 'copy' } | { action: 'present'; present: ProvedImage })

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
  const chosen = await choosePlatforms(places, imageManifest, platforms, context)
  const bytes = await measure(places.source, imageManifest, chosen.images, context)
  const prepared: PreparedBase = { ...places, ...chosen, imageManifest, bytes }
  const present = await prove(prepared, context)
  return typeof present === 'string' ? { ...prepared, action: 'copy' } : { ...prepared, action: 'present', present }
}

/**
 * Asks the destination what it holds after a copy, and compares.
 *
 * @throws NimctlError `check-failed` / `COPY_DIFFERS` when it is not the same image.
 */
export async function verifyCopy(prepared: PreparedImage, context: MirrorContext): Promise<ProvedImage> {
  const proved = await prove(prepared, context)
  if (typeof proved === 'string') throw differs(prepared, proved)
  return proved.bytes === 0 ? { ...proved, bytes: prepared.bytes } : proved
}

/** Says why a copy has another digest: a warning where nobody could expect it. */
export function reportChange(
  { source, destination, isSubset }: PreparedImage,
  { why }: ProvedImage,
  { report }: MirrorContext,
): void {
  if (why === undefined) return
  const name = formatImageReference(destination.image)
  if (isSubset || isUnpacked(source.image.transport) || isUnpacked(destination.image.transport)) {
    report({ event: 'log', source: 'nimctl', line: `${name}: ${why}` })
  } else {
    report({ event: 'warning', code: 'DIGEST_CHANGED', message: `${name} has another digest than its source. ${why}` })
  }
}

/** @returns a sentence on what is there instead. */
async function prove(prepared: PreparedBase, context: MirrorContext): Promise<ProvedImage | string> {
  const found = await context.copier.inspect(prepared.destination, context)
  if (found === undefined) return 'Nothing lies there, or not all of it.'
  const comparison = await compareImages(prepared, found, context)
  if (comparison === undefined) return `What lies there has the digest ${found.digest}.`
  const why = found.digest === prepared.sourceDigest ? undefined : reasonOfChange(prepared, found, comparison)
  return { ...comparison, digest: found.digest, ...(why !== undefined && { why }) }
}

async function choosePlatforms(
  { source, destination }: Places,
  imageManifest: ImageManifest,
  wanted: readonly string[] | undefined,
  context: MirrorContext,
): Promise<Pick<PreparedBase, 'sourceDigest' | 'images' | 'platform' | 'isSubset'>> {
  const { digest } = imageManifest
  const offered = runnable(imageManifest.images)
  if (offered === undefined) {
    const { platform } = await context.copier.inspectConfig(source, context)
    const missing = wanted?.find(each => !matches(platform, each))
    if (missing !== undefined) throw platformNotFound(source, missing, [platform])
    return { sourceDigest: digest, images: [{ platform, digest }], isSubset: false }
  }
  const names = offered.map(({ platform }) => platform)
  const missing = wanted?.find(each => !names.some(name => matches(name, each)))
  if (missing !== undefined) throw platformNotFound(source, missing, names)
  const chosen = offered.filter(({ platform }) => wanted?.some(each => matches(platform, each)) ?? true)
  const [only] = chosen
  if (wanted !== undefined && chosen.length === 1 && only !== undefined) {
    return { sourceDigest: only.digest, images: chosen, platform: only.platform, isSubset: false }
  }
  if (destination.image.transport === 'docker-archive') throw onePlatform(destination, names)
  const isSubset = chosen.length < offered.length
  if (isSubset && source.image.transport === 'oci-archive') throw notFromArchive(source)
  return { sourceDigest: digest, images: chosen, isSubset }
}

/** `linux/arm64` also means `linux/arm64/v8`. */
function matches(platform: string, wanted: string): boolean {
  return platform === wanted || platform.startsWith(`${wanted}/`)
}

/** These keep layers unpacked, and so have no digest of the compressed ones. */
function isUnpacked(transport: string): boolean {
  return transport === 'docker-daemon' || transport === 'docker-archive'
}

function reasonOfChange(
  { source, destination, imageManifest, images, isSubset }: PreparedBase,
  found: ImageManifest,
  { platforms }: Comparison,
): string {
  if (isUnpacked(source.image.transport)) {
    return 'The copy made its digest, because the source keeps layers unpacked; config and layers are the same.'
  }
  if (isUnpacked(destination.image.transport)) return 'The destination keeps layers unpacked; its content is the same.'
  const isConverted = platforms.some(({ sourceDigest, digest }) => sourceDigest !== digest)
  const [was, is] = [formatOf(imageManifest), formatOf(found)]
  const converted = `It was converted${was === is ? '' : ` from ${was}'s format to ${is}'s`}; its content is the same.`
  if (!isSubset) return converted
  const some = `It is a list of ${images.length} of the source's ${runnable(imageManifest.images)?.length} platforms.`
  return isConverted ? `${some} ${converted}` : `${some} Each of these has its source's digest.`
}

function formatOf({ mediaType }: ImageManifest): string {
  return mediaType.includes('.docker.') ? 'Docker' : 'OCI'
}

/** Bytes of all layers and configs, each once. */
async function measure(
  place: ImagePlace,
  imageManifest: ImageManifest,
  images: readonly PlatformImage[],
  context: MirrorContext,
): Promise<number> {
  const inside = await Promise.all(
    (imageManifest.images === undefined ? [] : images).map(async ({ digest }) => {
      const one = byDigest(place, digest)
      return one === undefined ? undefined : context.copier.inspect(one, context)
    }),
  )
  const blobs = [imageManifest, ...inside].flatMap(each => each?.blobs ?? [])
  const sizes = new Map(blobs.map(({ digest, size }) => [digest, size]))
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
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

function onePlatform({ image }: ImagePlace, offered: readonly string[]): NimctlError {
  return new NimctlError('usage', 'PLATFORM_SUBSET', {
    what: `${formatImageReference(image)} can hold one platform only.`,
    why: `The image comes for ${offered.join(', ')}.`,
    next: "Choose one: --platform linux/amd64, or an archive in OCI's layout: --to oci-archive:FILE",
  })
}

function notFromArchive({ image }: ImagePlace): NimctlError {
  return new NimctlError('usage', 'PLATFORM_SUBSET', {
    what: `Out of ${formatImageReference(image)}, one platform can be taken or all.`,
    next: 'Unpack it first (mkdir images && tar -xf FILE -C images), then take oci:images.',
  })
}

function differs({ source, destination, sourceDigest }: PreparedBase, why: string): NimctlError {
  return new NimctlError('check-failed', 'COPY_DIFFERS', {
    what: `${formatImageReference(destination.image)} is not what was copied there.`,
    why: `${formatImageReference(source.image)} has the digest ${sourceDigest}. ${why}`,
    next: 'See whether somebody else writes to that name, then run the same command again.',
  })
}
