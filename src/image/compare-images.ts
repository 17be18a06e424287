import { isDeepStrictEqual } from 'node:util'

import type { ImageManifest, PlatformImage } from './image-manifest.ts'
import type { ImagePlace, MirrorContext } from './mirror.ts'

/** One platform on both sides. The digests are the same unless `MirroredImage.why` says why not. */
export interface PlatformDigests {
  platform: string
  sourceDigest: string
  digest: string
}

export interface Comparison {
  platforms: PlatformDigests[]
  /** Of all layers and configs at the destination, each once; 0 where it could not be asked. */
  bytes: number
}

export interface Compared {
  source: ImagePlace
  destination: ImagePlace
  imageManifest: ImageManifest
  /** What the destination is to have. */
  images: readonly PlatformImage[]
}

/**
 * Compares platform by platform what lies at the destination with what was to come there: by digest, else by content. A
 * config names the unpacked layers, and keeps its digest when layers are compressed. A conversion between Docker's and
 * OCI's format rewrites the config too, then what it says counts.
 *
 * @returns `undefined` where it is another image, or something is missing.
 */
export async function compareImages(
  compared: Compared,
  found: ImageManifest,
  context: MirrorContext,
): Promise<Comparison | undefined> {
  const { destination, images } = compared
  const there = runnable(found.images) ?? [{ digest: found.digest, platform: images[0]?.platform ?? '' }]
  if (there.length !== images.length) return undefined
  const platforms: PlatformDigests[] = []
  const blobs = new Map<string, number>()
  for (const { platform, digest: sourceDigest } of images) {
    const copy = there.find(each => each.platform === platform)
    if (copy === undefined) return undefined
    const place = found.images === undefined ? destination : byDigest(destination, copy.digest)
    const manifest = found.images === undefined ? found : place && (await context.copier.inspect(place, context))
    if (place === undefined || manifest === undefined) return undefined
    for (const { digest, size } of manifest.blobs) blobs.set(digest, size)
    if (copy.digest !== sourceDigest && !(await isSameContent(compared, { sourceDigest, place, manifest }, context))) {
      return undefined
    }
    platforms.push({ platform, sourceDigest, digest: copy.digest })
  }
  return { platforms, bytes: [...blobs.values()].reduce((sum, size) => sum + size, 0) }
}

async function isSameContent(
  { source, imageManifest }: Compared,
  { sourceDigest, place, manifest }: { sourceDigest: string; place: ImagePlace; manifest: ImageManifest },
  context: MirrorContext,
): Promise<boolean> {
  if (imageManifest.configDigest !== undefined && imageManifest.configDigest === manifest.configDigest) return true
  const origin = imageManifest.images === undefined ? source : byDigest(source, sourceDigest)
  if (origin === undefined) return false
  const [before, after] = await Promise.all([
    context.copier.inspectConfig(origin, context),
    context.copier.inspectConfig(place, context),
  ])
  return isDeepStrictEqual(before, after)
}

/** Attestations that a build left in a list run nowhere. */
export function runnable(images: readonly PlatformImage[] | undefined): PlatformImage[] | undefined {
  return images?.filter(({ platform }) => platform !== 'unknown/unknown')
}

/** One image of a list; of the engine and of Docker's archives, which hold no lists, there is none. */
export function byDigest(place: ImagePlace, digest: string): ImagePlace | undefined {
  const { image } = place
  if (image.transport === 'docker-daemon' || image.transport === 'docker-archive') return undefined
  return { ...place, image: { ...image, digest } }
}
