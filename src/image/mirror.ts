import pMap from 'p-map'
import pRetry from 'p-retry'

import { errorMessage, isRetryable, NimctlError } from '../system/errors.ts'
import type { ProxySettings } from '../system/http/proxy.ts'
import type { Report } from '../system/progress.ts'
import type { RegistryCredentials } from './auth-file.ts'
import { byDigest, type PlatformDigests } from './compare-images.ts'
import type { ImageConfig, ImageManifest } from './image-manifest.ts'
import { type PreparedImage, prepareImage, type ProvedImage, reportChange, verifyCopy } from './mirror-image.ts'
import { planMirror, type MirrorTarget, type PlannedCopy } from './mirror-plan.ts'
import type { Descriptor } from './oci-layout.ts'
import { digestsOfSubset, makeSubset } from './platform-list.ts'
import { formatImageReference, type ImageReference } from './reference.ts'
import { copySignatures } from './signatures.ts'
import { withStaging } from './staging.ts'

/** An image and how its registry is spoken to. */
export interface ImagePlace {
  side: 'source' | 'destination'
  image: ImageReference
  credentials?: RegistryCredentials
  /** False: HTTP, and certificates that nobody vouches for, are taken too. */
  tlsVerify?: boolean
  /** CA certificates in PEM, trusted beside those of the system. */
  caFile?: string
  /** Set: through a relay that repeats single requests. */
  relay?: { maxRetries: number }
  /** For what the relay asks over TLS. */
  proxy?: ProxySettings
}

/** How a registry is spoken to. */
export type RegistryAccess = Pick<ImagePlace, 'credentials' | 'tlsVerify' | 'caFile' | 'proxy'>
type FindAccess = (registry: string) => RegistryAccess | Promise<RegistryAccess>

/**
 * What copies images between registries, the engine, directories and archives.
 * All methods throw NimctlError: `auth` / `REGISTRY_AUTH`, `unavailable` / `REGISTRY_UNREACHABLE`, `REGISTRY_TLS`.
 */
export interface ImageCopier {
  readonly name: string
  readonly version: string
  /** The image's manifest, or the list of several platforms; `undefined` where there is no such image. */
  inspect(place: ImagePlace, options: { signal: AbortSignal; report: Report }): Promise<ImageManifest | undefined>
  /** Of a list: the config for this machine's platform. */
  inspectConfig(place: ImagePlace, options: { signal: AbortSignal; report: Report }): Promise<ImageConfig>
  /**
   * Copies an image, digest and all where the source has one. Layers that are there already are not sent again, so a
   * second try goes on where the first stopped.
   *
   * @param platform such as `linux/arm64`, out of a list; absent: everything.
   * @returns what was written, where that may be another one than the source.
   */
  copy(
    copy: {
      source: ImagePlace
      destination: ImagePlace
      platform?: string
      withSignatures: boolean
      /** Byte for byte, or not at all: what refers to an image by its digest. */
      exact?: boolean
    },
    options: { signal: AbortSignal; report: Report },
  ): Promise<Descriptor | undefined>
  /** Writes a list whose images are there already. */
  putList(
    destination: ImagePlace,
    list: { bytes: Buffer; mediaType: string },
    options: { signal: AbortSignal; report: Report },
  ): Promise<void>
  /** What refers to an image by its digest, in the same repository, layout or archive. */
  listReferrers(
    place: ImagePlace,
    digest: string,
    options: { signal: AbortSignal; report: Report },
  ): Promise<Descriptor[]>
  /** Makes that known at a destination, once they are there. */
  noteReferrers(
    place: ImagePlace,
    referring: { digest: string; referrers: readonly Descriptor[] },
    options: { signal: AbortSignal; report: Report },
  ): Promise<void>
}

export interface MirrorRequest {
  sources: readonly ImageReference[]
  to: MirrorTarget
  /** Absent: every platform that the source has. */
  platforms?: readonly string[]
  withSignatures?: boolean
  /** Further tries after the first, of what trying again can mend. */
  retries: number
  /** Images at once. */
  parallel: number
  /** Go on with the others where one fails; its entry says why. */
  keepGoing: boolean
  sourceAccess?: FindAccess
  destinationAccess?: FindAccess
}

export interface MirroredImage {
  source: string
  /** Of a single platform out of a list: that platform's. Empty where the source could not be read. */
  sourceDigest: string
  destination: string
  digest: string
  platforms: string[]
  /** The proof, platform by platform; empty where it failed. */
  platformDigests: PlatformDigests[]
  /** Why digests are others than the source's; absent where they are the same. */
  why?: string
  status: 'copied' | 'present' | 'failed'
  /** Compressed, as the registry keeps it; 0 where neither side is a registry that could be asked. */
  bytes: number
  error?: { category: string; code: string; what: string; why?: string; next?: string }
}

export interface MirrorResult {
  ok: boolean
  images: MirroredImage[]
}

export interface MirrorContext {
  copier: ImageCopier
  signal: AbortSignal
  report: Report
}

/** What a mirroring would do, for `--dry-run`; both sides are read, nothing is written. */
export async function prepareMirror(request: MirrorRequest, context: MirrorContext): Promise<PreparedImage[]> {
  return forEachImage(request, context, async (copy, own) => prepareImage(await placesOf(copy, request), request, own))
}

/**
 * Copies what is not there yet, with retries, and proves each copy by its digest.
 *
 * @throws NimctlError of the first image that fails, unless `keepGoing`; `check-failed` / `COPY_DIFFERS` where the
 * destination holds something else than the source after the copy. Whatever is thrown, nothing runs on behind it.
 */
export async function mirrorImages(request: MirrorRequest, context: MirrorContext): Promise<MirrorResult> {
  const images = await forEachImage(request, context, (copy, own) =>
    request.keepGoing ? mirrorOrExplain(copy, request, own) : mirrorImage(copy, request, own),
  )
  return { ok: images.every(({ status }) => status !== 'failed'), images }
}

/** The first failure aborts the others, and is thrown when they have ended: skopeo is to leave no private file behind. */
async function forEachImage<Result>(
  { sources, to, parallel }: MirrorRequest,
  context: MirrorContext,
  use: (copy: PlannedCopy, own: MirrorContext) => Promise<Result>,
): Promise<Result[]> {
  const failed = new AbortController()
  const own = { ...context, signal: AbortSignal.any([context.signal, failed.signal]) }
  const useUnlessFailed = async (copy: PlannedCopy) => {
    try {
      return await use(copy, own)
    } catch (error) {
      failed.abort(error)
      throw error
    }
  }
  const copies = planMirror(sources, to)
  const settled = await pMap(copies, copy => settle(() => useUnlessFailed(copy)), { concurrency: parallel })
  failed.signal.throwIfAborted()
  return settled.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
}

async function settle<Result>(run: () => Promise<Result>): Promise<PromiseSettledResult<Result>> {
  const [settled] = await Promise.allSettled([run()])
  return settled
}

async function mirrorImage(copy: PlannedCopy, request: MirrorRequest, context: MirrorContext): Promise<MirroredImage> {
  const { report, signal } = context
  const direct = await placesOf(copy, request)
  const task = formatImageReference(copy.source)
  return pRetry(
    async attemptNumber => {
      const places = attemptNumber === 1 ? direct : relayed(direct)
      const prepared = await prepareImage(places, request, context)
      const status = prepared.action === 'present' ? 'present' : 'copied'
      const proved =
        prepared.action === 'present'
          ? await addSignatures(prepared, prepared.present, request, context)
          : await copyAndVerify(prepared, request, context)
      report({ event: 'finished', key: task, action: status === 'present' ? 'skipped' : 'copied' })
      return describe(prepared, proved, status)
    },
    {
      retries: request.retries,
      minTimeout: 1000,
      factor: 2,
      randomize: true,
      signal,
      shouldRetry: ({ error }) => isRetryable(error),
      onFailedAttempt: ({ error, attemptNumber, retriesLeft, retryDelay }) => {
        if (retriesLeft === 0 || !isRetryable(error)) return
        report({
          event: 'retrying',
          operation: task,
          attempt: attemptNumber,
          waitMs: retryDelay,
          reason: error.message,
        })
      },
    },
  )
}

async function copyAndVerify(
  prepared: PreparedImage,
  { withSignatures = false }: MirrorRequest,
  context: MirrorContext,
): Promise<ProvedImage> {
  const { source, bytes: expectedBytes } = prepared
  const task = formatImageReference(source.image)
  context.report({ event: 'started', task, ...(expectedBytes > 0 && { totalBytes: expectedBytes }) })
  const proved = await withStaging(prepared.destination, async destination => {
    const staged = { ...prepared, destination }
    if (prepared.isSubset) await copySubset(staged, { withSignatures }, context)
    else await copyWhole(staged, { withSignatures }, context)
    const verified = await verifyCopy(staged, context)
    if (withSignatures) await copySignatures(staged, verified, context)
    return verified
  })
  reportChange(prepared, proved, context)
  context.report({ event: 'bytes', key: task, bytes: proved.bytes })
  context.report({ event: 'ended', task })
  return proved
}

/** An image may be there from a run that took no signatures along. An archive is whole as it is. */
async function addSignatures(
  prepared: PreparedImage,
  present: ProvedImage,
  { withSignatures = false }: MirrorRequest,
  context: MirrorContext,
): Promise<ProvedImage> {
  const isArchive = prepared.destination.image.transport.endsWith('-archive')
  if (withSignatures && !isArchive) await copySignatures(prepared, present, context)
  return present
}

async function copyWhole(
  { source, destination, platform, sourceDigest }: PreparedImage,
  { withSignatures }: { withSignatures: boolean },
  context: MirrorContext,
): Promise<void> {
  // Addressed by digest, the platform can't become another one between looking and copying.
  const one = platform === undefined ? undefined : byDigest(source, sourceDigest)
  const isAddressed = one !== undefined && one.image.transport !== 'oci-archive'
  await context.copier.copy(
    {
      source: isAddressed ? one : source,
      destination,
      withSignatures,
      ...(platform !== undefined && { platform }),
    },
    context,
  )
}

/** First the images, by digest, then a list of them under the name. */
async function copySubset(
  { source, destination, imageManifest, images }: PreparedImage,
  { withSignatures }: { withSignatures: boolean },
  context: MirrorContext,
): Promise<void> {
  const raw = imageManifest.raw ?? Buffer.alloc(0)
  const digests = digestsOfSubset(raw, images)
  const copies = new Map<string, Descriptor>()
  for (const digest of digests) {
    const [from, to] = [byDigest(source, digest), byDigest(destination, digest)]
    if (from === undefined || to === undefined) throw new Error('A list without images of its own.')
    const copy = await context.copier.copy({ source: from, destination: to, withSignatures }, context)
    if (copy !== undefined) copies.set(digest, copy)
  }
  await context.copier.putList(destination, makeSubset(raw, digests, copies), context)
}

async function mirrorOrExplain(
  copy: PlannedCopy,
  request: MirrorRequest,
  context: MirrorContext,
): Promise<MirroredImage> {
  try {
    return await mirrorImage(copy, request, context)
  } catch (error) {
    if (!(error instanceof NimctlError)) throw error
    const { category, code, why, next } = error
    return {
      source: formatImageReference(copy.source),
      sourceDigest: '',
      destination: formatImageReference(copy.destination),
      digest: '',
      platforms: [],
      platformDigests: [],
      status: 'failed',
      bytes: 0,
      error: {
        category,
        code,
        what: errorMessage(error),
        ...(why !== undefined && { why }),
        ...(next !== undefined && { next }),
      },
    }
  }
}

function describe(
  { source, sourceDigest, destination }: PreparedImage,
  { digest, platforms, bytes, why }: ProvedImage,
  status: 'copied' | 'present',
): MirroredImage {
  return {
    source: formatImageReference(source.image),
    sourceDigest,
    destination: formatImageReference(destination.image),
    digest,
    platforms: platforms.map(({ platform }) => platform),
    platformDigests: platforms,
    ...(why !== undefined && { why }),
    status,
    bytes,
  }
}

async function placesOf(
  { source, destination }: PlannedCopy,
  request: MirrorRequest,
): Promise<{ source: ImagePlace; destination: ImagePlace }> {
  const access = async (image: ImageReference, find: FindAccess | undefined) =>
    image.transport === 'docker' ? await find?.(image.registry) : undefined
  return {
    source: { side: 'source', image: source, ...(await access(source, request.sourceAccess)) },
    destination: { side: 'destination', image: destination, ...(await access(destination, request.destinationAccess)) },
  }
}

/** Of one request. */
const requestRetries = 5

/**
 * skopeo gives up at the first request that fails. What did is tried again through a relay; not at once, because with it
 * skopeo's own settings for registries and credentials of parts of a registry do not count.
 */
function relayed({ source, destination }: { source: ImagePlace; destination: ImagePlace }) {
  const relay = { maxRetries: requestRetries }
  return { source: { ...source, relay }, destination: { ...destination, relay } }
}
