import pMap from 'p-map'

import type { ImageSource, PlatformImage } from '../image/image-source.ts'
import { inspectSource, type InspectSourceOptions } from '../image/inspect-source.ts'
import type { NimImage } from '../image/inspect.ts'
import type { Layer } from '../image/layers/layer.ts'
import { formatImageReference, type ImageReference, parseImageReference } from '../image/reference.ts'
import { parseModelManifest } from '../profiles/manifest.ts'
import type { ModelManifest } from '../profiles/model-manifest.ts'
import type { Check, CheckLog, CheckReport } from '../system/check.ts'
import { NimctlError } from '../system/errors.ts'

export interface ValidateImageRequest extends InspectSourceOptions {
  image: string
  /** A copy that is to have the same digests. */
  mirror?: string
  /** Opens it where it is pulled from, never in an engine. */
  open: (reference: ImageReference) => Promise<ImageSource>
  /** Who asks, where somebody logged in. */
  authenticatedAs?: string
  insecureTls: boolean
  checks: CheckLog
}

/**
 * Looks whether an image is there whole for every platform, can be pulled, and says what it serves; of each layer the
 * first bytes are fetched. With `mirror` whether that is the same, and whole. Changes nothing.
 *
 * @throws NimctlError `usage` / `IMAGE_REFERENCE_INVALID`; `auth` / `REGISTRY_AUTH`; `unavailable`, as `RegistrySession.open`.
 */
export async function validateImage(request: ValidateImageRequest): Promise<CheckReport> {
  const { checks, report } = request
  const reference = parsePullable(request.image)
  const mirror = request.mirror === undefined ? undefined : parsePullable(request.mirror)
  report({ event: 'started', task: 'validate' })
  await checks.add(checkTag(reference))
  const original = await examine(reference, originalNames, request)
  const manifest = original && (await checkContents(original, request))
  const copy = mirror && (await examine(mirror, mirrorNames, request))
  if (original !== undefined && copy !== undefined) {
    for (const check of compare(original, copy)) await checks.add(check)
  }
  report({ event: 'ended', task: 'validate' })
  return checks.report(formatImageReference(reference), {
    ...summarize(original, manifest),
    ...(request.authenticatedAs !== undefined && { authenticatedAs: request.authenticatedAs }),
    ...(request.insecureTls && { insecureTls: true }),
  })
}

function parsePullable(image: string): ImageReference {
  const reference = parseImageReference(image)
  if (reference.transport !== 'docker-daemon') return reference
  throw new NimctlError('usage', 'IMAGE_REFERENCE_INVALID', {
    what: `${image} lies in the container engine, where nobody pulls it from.`,
    next: 'Name it as its registry has it, or an oci: directory or archive.',
  })
}

function checkTag(reference: ImageReference): Check {
  if ('path' in reference) return tagVerdict(true, 'a file')
  const { tag, digest } = reference
  if (digest !== undefined) return tagVerdict(true, digest)
  return tagVerdict(tag !== 'latest', tag ?? 'latest')
}

function tagVerdict(ok: boolean, found: string): Check {
  return {
    name: 'image.tag',
    status: ok ? 'ok' : 'warning',
    method: 'structure',
    expected: 'a version or a digest',
    found,
    ...(!ok && {
      next: 'What latest names changes, and profile ids change with it: name a version, such as IMAGE:1.8.4.',
    }),
  }
}

/** What the checks of one side are called. */
interface Names {
  exists: string
  platform: string
  layer: string
}

const originalNames: Names = { exists: 'image.exists', platform: 'image.platform', layer: 'image.layer' }
const mirrorNames: Names = {
  exists: 'image.mirror-exists',
  platform: 'image.mirror-platform',
  layer: 'image.mirror-layer',
}

interface Examined {
  source: ImageSource
  /** Those that could be read. */
  platforms: PlatformImage[]
  /** Nothing of it is missing, as far as it was looked at. */
  whole: boolean
}

/** @returns `undefined` where there is no image. */
async function examine(
  reference: ImageReference,
  names: Names,
  request: ValidateImageRequest,
): Promise<Examined | undefined> {
  const { checks, signal } = request
  const source = await verdict(() => request.open(reference))
  const where = formatImageReference(reference)
  await checks.add({
    name: names.exists,
    method: 'structure',
    path: where,
    expected: 'an image',
    ...(source.failed === undefined ? { status: 'ok', found: source.value.digest } : failure(source.failed)),
  })
  if (source.failed !== undefined) return undefined
  const images = await pMap(
    source.value.images,
    async image => ({ image, read: await verdict(() => source.value.readImage(image.digest, signal)) }),
    { concurrency: parallel },
  )
  const platforms: PlatformImage[] = []
  for (const { image, read } of images) {
    if (read.failed === undefined) platforms.push(read.value)
    const path = read.value?.platform ?? image.platform ?? image.digest
    await checks.add({
      name: names.platform,
      method: 'content',
      path,
      expected: 'manifest and config',
      ...(read.failed === undefined ? { status: 'ok', found: image.digest } : failure(read.failed)),
    })
  }
  const layersWhole = await checkLayers(platforms, names, request)
  return { source: source.value, platforms, whole: layersWhole && platforms.length === images.length }
}

const parallel = 4

/** One verdict for all that are well, and one for each that is not. */
async function checkLayers(
  platforms: readonly PlatformImage[],
  { layer: name }: Names,
  { checks, signal }: ValidateImageRequest,
): Promise<boolean> {
  if (!checks.wants(name)) return true
  const layers = [...new Map(platforms.flatMap(each => each.layers).map(layer => [layer.digest, layer])).values()]
  const probed = await pMap(
    layers,
    async layer => ({ layer, read: await verdict(() => readFirstBytes(layer, signal)) }),
    { concurrency: parallel },
  )
  const bad = probed.filter(({ read }) => read.failed !== undefined)
  for (const { layer, read } of bad) {
    await checks.add({
      name,
      method: 'content',
      path: layer.digest,
      expected: `${layer.size} bytes`,
      ...failure(read.failed),
    })
  }
  const well = layers.length - bad.length
  const found = `the first bytes of ${well} ${well === 1 ? 'layer' : 'layers'}`
  if (well > 0) await checks.add({ name, status: 'ok', method: 'content', found })
  return bad.length === 0
}

async function readFirstBytes(layer: Layer, signal: AbortSignal): Promise<void> {
  for await (const chunk of layer.open(signal)) if (chunk.length > 0) return
}

/** @returns the image's list of profiles; `undefined` where it has none or none that can be read. */
async function checkContents(
  { source, whole }: Examined,
  request: ValidateImageRequest,
): Promise<ModelManifest | undefined> {
  const { checks } = request
  if (!checks.wants('image.family') && !checks.wants('image.manifest')) return undefined
  const looked = await verdict(() => inspectSource(source, request))
  if (looked.failed !== undefined) {
    // Of an image with holes they were reported: its manifest may lie in one.
    const { code } = looked.failed
    const ofFamily = code === 'NOT_A_NIM_IMAGE' || code === 'PLATFORMS_DISAGREE'
    if (!ofFamily && !whole) return undefined
    const name = ofFamily ? 'image.family' : 'image.manifest'
    await checks.add({ name, method: 'content', expected: 'a NIM', ...failure(looked.failed) })
    return undefined
  }
  const { family } = looked.value
  await checks.add({ name: 'image.family', status: 'ok', method: 'content', found: family })
  return await checkManifest(looked.value, checks)
}

async function checkManifest(
  { family, manifest, version }: NimImage,
  checks: CheckLog,
): Promise<ModelManifest | undefined> {
  const check = { name: 'image.manifest', method: 'content', expected: 'a model manifest' } as const
  if (manifest === undefined) {
    const native = family === 'native'
    await checks.add({
      ...check,
      status: native ? 'ok' : 'failed',
      found: native ? 'none, as images of this family are' : 'none',
      ...(!native && { next: 'Ask the image itself, in a container: nimctl profiles IMAGE --on docker' }),
    })
    return undefined
  }
  const parsed = await verdict(async () => parseModelManifest(manifest.text))
  if (parsed.failed !== undefined) {
    await checks.add({ ...check, path: manifest.path, ...failure(parsed.failed) })
    return undefined
  }
  const profiles = parsed.value.profiles.length
  const found = `${profiles} ${profiles === 1 ? 'profile' : 'profiles'}${version === undefined ? '' : ` of version ${version}`}`
  await checks.add({ ...check, status: 'ok', path: manifest.path, found })
  return parsed.value
}

/** Of each platform of the original, what the copy has in its place. */
function compare(original: Examined, copy: Examined): Check[] {
  return original.platforms.flatMap(({ platform, digest, configDigest }): Check[] => {
    const check = { name: 'image.mirror', method: 'content', path: platform, expected: digest } as const
    const there = copy.platforms.find(each => each.platform === platform)
    if (there?.digest === digest) return [{ ...check, status: 'ok', found: digest }]
    // Named, and not to be read: that was reported.
    if (there === undefined && copy.source.images.some(each => each.digest === digest)) return []
    const next = `Copy it anew: nimctl mirror ${original.source.reference} --to …`
    if (there === undefined) return [{ ...check, status: 'failed', found: 'nothing for this platform', next }]
    if (there.configDigest !== configDigest) return [{ ...check, status: 'failed', found: there.digest, next }]
    return [
      {
        ...check,
        status: 'warning',
        found: `${there.digest} with the same config`,
        next: 'It is the same image in another format or compression; whoever pins digests has to name this one.',
      },
    ]
  })
}

function summarize(examined: Examined | undefined, manifest: ModelManifest | undefined) {
  const blobs = new Map(
    examined?.platforms.flatMap(({ configDigest, configSize, layers }) => [
      [configDigest, configSize] as const,
      ...layers.map(({ digest, size }) => [digest, size] as const),
    ]),
  )
  const profiles = manifest?.profiles ?? []
  return {
    models: [...new Set(profiles.flatMap(({ model }) => model ?? []))],
    profiles: profiles.map(({ id }) => id),
    files: blobs.size,
    bytes: [...blobs.values()].reduce((sum, size) => sum + size, 0),
  }
}

type Verdict<T> = { value: T; failed?: undefined } | { value?: undefined; failed: NimctlError }

/** What speaks of the image is a verdict; what speaks of the way to it, or of who asks, is not. */
async function verdict<T>(look: () => Promise<T>): Promise<Verdict<T>> {
  try {
    return { value: await look() }
  } catch (error) {
    if (error instanceof NimctlError && ['not-found', 'check-failed', 'usage'].includes(error.category)) {
      return { failed: error }
    }
    throw error
  }
}

function failure(error: NimctlError | undefined): Pick<Check, 'status' | 'found' | 'next'> {
  if (error?.code === 'IMAGE_NOT_FOUND') return { status: 'failed', found: 'nothing', next: whereNothing }
  const next = error?.next ?? 'Copy the image anew: nimctl mirror'
  return { status: 'failed', found: [error?.message, error?.why].filter(Boolean).join(' '), next }
}

const whereNothing = 'Look at the name and what these credentials may see; what a registry lost has to be pushed anew.'
