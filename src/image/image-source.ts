import { createHash } from 'node:crypto'

import pMap from 'p-map'

import { NimctlError } from '../system/errors.ts'
import { type ContainerConfig, parseContainerConfig } from './container-config.ts'
import { type ImageManifest, parseImageManifest } from './image-manifest.ts'
import type { Layer } from './layers/layer.ts'

/** An image that can be looked into without an engine: in a registry, a directory or an archive. */
export interface ImageSource {
  /** As results and errors name it. */
  reference: string
  /** `sha256:…` of the manifest, or the list of several platforms, that the name leads to; in archives of Docker of the config. */
  digest: string
  /** Those of a list, without attestations, or the only one, whose platform its config knows. */
  images: readonly { digest: string; platform?: string }[]
  /**
   * One of them.
   *
   * @throws NimctlError `usage` / `NOT_AN_IMAGE`; `check-failed` / `IMAGE_DAMAGED`; what reading throws.
   */
  readImage: (digest: string, signal: AbortSignal) => Promise<PlatformImage>
}

/** What an image is for one platform. */
export interface PlatformImage {
  /** Of its manifest; in archives of Docker of its config. */
  digest: string
  /** Such as `linux/amd64`. */
  platform: string
  configDigest: string
  /** Bytes. */
  configSize: number
  config: ContainerConfig
  /** The lowest first. */
  layers: Layer[]
}

interface OciContents {
  reference: string
  /** The digest that was asked for; absent where a tag was. */
  digest?: string
  /** The manifest or list that the name leads to. */
  top: Buffer
  /** By digest, whole. */
  readManifest(digest: string): Promise<Buffer>
  openBlob(blob: { digest: string; size: number }, signal: AbortSignal): AsyncIterable<Buffer>
}

/** Attestations that a build left in a list run nowhere. */
const noPlatform = 'unknown/unknown'
const parallel = 4
/** Larger configs than this nobody makes: a history of a thousand steps has some 300 KiB. */
const largestConfig = 16 * 1024 * 1024

/**
 * An image of Docker's or OCI's format. All that is read whole is held against its digest.
 *
 * @throws NimctlError `usage` / `NOT_AN_IMAGE`, `check-failed` / `IMAGE_DAMAGED`.
 */
export function ociImage(contents: OciContents): ImageSource {
  const { reference, top } = contents
  if (contents.digest !== undefined) checkDigest(reference, contents.digest, top)
  const imageManifest = parse(reference, top)
  const digest = contents.digest ?? imageManifest.digest
  const listed = imageManifest.images?.filter(({ platform }) => platform !== noPlatform)
  if (listed?.length === 0) throw notAnImage(reference)
  return {
    reference,
    digest,
    images: listed ?? [{ digest }],
    async readImage(which, signal) {
      if (listed === undefined) return await readPlatform(contents, { ...imageManifest, digest }, signal)
      const bytes = await contents.readManifest(which)
      checkDigest(reference, which, bytes)
      return await readPlatform(contents, { ...parse(reference, bytes), digest: which }, signal)
    },
  }
}

/** All of an image's platforms, in their order. @throws NimctlError as `ImageSource.readImage`. */
export async function readPlatforms({ images, readImage }: ImageSource, signal: AbortSignal): Promise<PlatformImage[]> {
  return await pMap(images, ({ digest }) => readImage(digest, signal), { concurrency: parallel })
}

async function readPlatform(
  contents: OciContents,
  { digest, blobs }: ImageManifest,
  signal: AbortSignal,
): Promise<PlatformImage> {
  const { reference } = contents
  const [configBlob, ...layers] = blobs
  if (configBlob === undefined || configBlob.size > largestConfig) throw notAnImage(reference)
  const chunks = await Array.fromAsync(contents.openBlob(configBlob, signal))
  const bytes = Buffer.concat(chunks)
  checkDigest(reference, configBlob.digest, bytes)
  const config = parseContainerConfig(bytes)
  if (config === undefined) throw notAnImage(reference)
  const steps = config.layerSteps.length === layers.length ? config.layerSteps : []
  return {
    digest,
    platform: config.platform,
    configDigest: configBlob.digest,
    configSize: configBlob.size,
    config,
    layers: layers.map((blob, index) => ({
      ...blob,
      digestOf: 'stored',
      createdBy: steps[index] ?? '',
      open: signal => contents.openBlob(blob, signal),
    })),
  }
}

function parse(reference: string, bytes: Buffer): ImageManifest {
  const imageManifest = parseImageManifest(bytes)
  if (imageManifest === undefined) throw notAnImage(reference)
  // They become parts of paths and addresses.
  const named = [...imageManifest.blobs, ...(imageManifest.images ?? [])]
  if (!named.every(({ digest }) => isDigest(digest))) throw notAnImage(reference)
  return imageManifest
}

/** As the algorithms write it that everybody has to know (OCI Image Specification, descriptor.md). */
export function isDigest(text: string): boolean {
  return /^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/.test(text)
}

function checkDigest(reference: string, digest: string, bytes: Buffer): void {
  const [algorithm = ''] = digest.split(':')
  const found = `${algorithm}:${createHash(algorithm === 'sha512' ? 'sha512' : 'sha256')
    .update(bytes)
    .digest('hex')}`
  if (found === digest) return
  throw new NimctlError('check-failed', 'IMAGE_DAMAGED', {
    what: `A part of ${reference} that describes it is not what its digest says.`,
    why: `Expected ${digest}, found ${found}.`,
    next: 'Run the same command again; if that does not help, the image has to be copied anew.',
  })
}

export function notAnImage(reference: string): NimctlError {
  return new NimctlError('usage', 'NOT_AN_IMAGE', {
    what: `${reference} is no container image.`,
    why: 'Neither a Docker nor an OCI manifest of an image or of a list of images was found there.',
  })
}
