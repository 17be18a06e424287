import { manifestPlaces, recogniseFamily } from '../nim/families.ts'
import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import type { ContainerConfig } from './container-config.ts'
import { type ImageSource, type PlatformImage, readPlatforms } from './image-source.ts'
import { describeNimImage, type NimImage } from './inspect.ts'
import type { Inspection, InspectionCache } from './inspection-cache.ts'
import { findFile, type FoundFile } from './layers/find-file.ts'
import type { Layer } from './layers/layer.ts'

export interface InspectSourceOptions {
  /** The platform whose manifest is read where the image has it, such as `linux/amd64`; else its first. */
  platform: string
  cache: InspectionCache
  signal: AbortSignal
  report: Report
}

/**
 * Reads what an image says of itself, without an engine: labels, user, family, and the model manifest out of the layers
 * that it most likely lies in. What was read once, by digest, is not read again.
 *
 * @throws NimctlError `usage` / `NOT_A_NIM_IMAGE`, `PLATFORMS_DISAGREE`; `check-failed` / `IMAGE_DAMAGED`; what reading
 * throws.
 */
export async function inspectSource(source: ImageSource, options: InspectSourceOptions): Promise<NimImage> {
  const { cache, platform } = options
  const key = { digest: source.digest, platform }
  const known = await cache.read(key)
  if (known !== undefined) return describeNimImage(source, known)
  const found = await readInspection(source, options)
  const image = describeNimImage(source, found)
  await cache.write(key, found)
  return image
}

async function readInspection(source: ImageSource, options: InspectSourceOptions): Promise<Inspection> {
  const platforms = await readPlatforms(source, options.signal)
  checkAgreement(source, platforms)
  const chosen = choosePlatform(platforms, options.platform)
  const config = inspectionOf(chosen.config)
  // Native images have no manifest, which nothing but all of their layers would prove.
  if (isLabelledNative(chosen)) return config
  const manifest = await readManifest(source, chosen.layers, options)
  return { ...config, ...(manifest !== undefined && { manifest }) }
}

function inspectionOf({ platform, labels, env, entrypoint, command, user }: ContainerConfig): Inspection {
  return { platform, labels, env, entrypoint, command, user }
}

/** The NIM Operator takes a list for a native image only where all of its platforms say so (reference/nim.md 0). */
function checkAgreement({ reference }: ImageSource, platforms: readonly PlatformImage[]): void {
  const native = platforms.filter(isLabelledNative)
  if (native.length === 0 || native.length === platforms.length) return
  const names = (images: readonly PlatformImage[]) => images.map(({ platform }) => platform).join(', ')
  throw new NimctlError('usage', 'PLATFORMS_DISAGREE', {
    what: `The platforms of ${reference} are not of one family.`,
    why: `com.nvidia.nim.model_download_protocol=native-v1 stands on ${names(native)}, and not on ${names(platforms.filter(each => !native.includes(each)))}.`,
    next: 'Name one of them by its digest: IMAGE@sha256:…',
  })
}

function isLabelledNative({ config: { labels } }: PlatformImage): boolean {
  return recogniseFamily({ labels, env: [], entrypoint: [], command: [] }) === 'native'
}

function choosePlatform(platforms: readonly PlatformImage[], wanted: string): PlatformImage {
  const chosen =
    platforms.find(({ platform }) => platform === wanted || platform.startsWith(`${wanted}/`)) ?? platforms[0]
  if (chosen === undefined) throw new Error('An image has one platform at least.')
  return chosen
}

async function readManifest(
  { reference }: ImageSource,
  layers: readonly Layer[],
  { signal, report }: InspectSourceOptions,
): Promise<Inspection['manifest']> {
  const task = `read ${reference}`
  report({ event: 'started', task })
  const counted = layers.map(layer => ({ ...layer, open: (own: AbortSignal) => count(layer, own, report) }))
  const found = await findFile(counted, manifestPlaces, { image: reference, signal })
  report({ event: 'ended', task })
  if (found === undefined) return undefined
  if (found.unread.length > 0) {
    report({ event: 'warning', code: 'LAYERS_NOT_READ', message: explainUnread(reference, found) })
  }
  return { path: found.path, text: found.bytes.toString('utf8') }
}

async function* count(layer: Layer, signal: AbortSignal, report: Report): AsyncGenerator<Buffer> {
  for await (const chunk of layer.open(signal)) {
    report({ event: 'bytes', key: layer.digest, bytes: chunk.length })
    yield chunk
  }
}

function explainUnread(reference: string, { path, unread }: FoundFile): string {
  const bytes = unread.reduce((sum, { size }) => sum + size, 0)
  return `${path} of ${reference} was read without ${unread.length} large later layers (${bytes} bytes). If one of them replaces it, pull the image: then it is read in the engine.`
}
