import { lookedFor, manifestPlaces, type NimFamily, recogniseFamily } from '../nim/families.ts'
import type { ContainerEngine, LocalImage } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import type { RegistryCredentials } from './auth-file.ts'
import type { Inspection } from './inspection-cache.ts'
import { formatImageReference, parseImageReference } from './reference.ts'

/** A NIM image as it lies in an engine, a registry, a directory or an archive; nothing of it has run. */
export interface NimImage {
  /** As the engine takes it; with a transport in front where it lies in a directory or an archive. */
  reference: string
  /** Of the image manifest in its registry, where the engine knows one; else of the config, which is the engine's id. */
  digest: string
  labels: Record<string, string>
  /** As the image states it: empty, `1000`, `1000:1000` or a name. */
  user: string
  family: NimFamily
  /** Of the NIM, such as `1.8.4`, where the image states it. */
  version?: string
  /** Such as `linux/amd64`: the one of several that the manifest was read for. */
  platform: string
  /** Absent for native images. */
  manifest?: { path: string; text: string }
}

export type FindCredentials = (registry: string) => Promise<RegistryCredentials | undefined>

/** As `docker run --pull` means them. */
export type PullPolicy = 'missing' | 'always' | 'never'

export interface InspectOptions {
  signal: AbortSignal
  report: Report
  /** `never` unless told. */
  pull?: PullPolicy
  /** Asked when it comes to a pull; the engine itself knows of no log-in. */
  findCredentials?: FindCredentials
}

/**
 * Reads what the engine's image says of itself: labels, user, family, and the model manifest out of its layers.
 *
 * @param reference a name as of a registry, also with `docker-daemon:` in front.
 * @throws NimctlError `usage` / `NOT_A_NIM_IMAGE`, `IMAGE_NOT_IN_ENGINE`; `not-found` / `IMAGE_NOT_FOUND`.
 */
export async function inspectImage(
  engine: ContainerEngine,
  reference: string,
  options: InspectOptions,
): Promise<NimImage> {
  const { name, registry } = engineName(reference)
  const image = await findImage(engine, { name, registry }, options)
  const file = await engine.readImageFile(name, manifestPlaces, options)
  return describeNimImage(
    { reference: name, digest: findDigest(image, name) },
    { ...image, ...(file && { manifest: { path: file.path, text: file.bytes.toString('utf8') } }) },
  )
}

/**
 * What an image's own words make of it.
 *
 * @throws NimctlError `usage` / `NOT_A_NIM_IMAGE`.
 */
export function describeNimImage(
  { reference, digest }: { reference: string; digest: string },
  found: Inspection,
): NimImage {
  const family = recogniseFamily(found)
  if (family === undefined) throw notNim(reference)
  const version = findVersion(found.labels)
  const { labels, user, platform, manifest } = found
  return {
    reference,
    digest,
    labels,
    user,
    family,
    platform,
    ...(version !== undefined && { version }),
    ...(manifest !== undefined && { manifest }),
  }
}

/**
 * NVIDIA's own label, as NIM images of 1.x and 2.x are seen to carry it; else that of the OCI, unless it came with
 * Ubuntu's base image, which names its own version there.
 */
function findVersion(labels: Record<string, string>): string | undefined {
  const inherited = labels['org.opencontainers.image.ref.name'] === 'ubuntu'
  const version =
    labels['com.nvidia.nim.version'] || (inherited ? undefined : labels['org.opencontainers.image.version'])
  return version || undefined
}

interface EngineName {
  name: string
  registry: string
}

function engineName(reference: string): EngineName {
  const parsed = parseImageReference(reference)
  if ('path' in parsed) {
    throw new NimctlError('usage', 'IMAGE_NOT_IN_ENGINE', {
      what: `${reference} is not in the container engine.`,
      next: `Copy it there first: skopeo copy ${reference} docker-daemon:NAME:TAG`,
    })
  }
  return { name: formatImageReference({ ...parsed, transport: 'docker' }), registry: parsed.registry }
}

async function findImage(
  engine: ContainerEngine,
  { name, registry }: EngineName,
  options: InspectOptions,
): Promise<LocalImage> {
  const pull = options.pull ?? 'never'
  const known = pull === 'always' ? undefined : await engine.inspectImage(name)
  if (known !== undefined) return known
  if (pull !== 'never') {
    const credentials = await options.findCredentials?.(registry)
    await engine.pullImage(name, { ...options, ...(credentials && { credentials }) })
  }
  const found = await engine.inspectImage(name)
  if (found !== undefined) return found
  throw new NimctlError('not-found', 'IMAGE_NOT_FOUND', {
    what: `The container engine at ${engine.address} has no image ${name}.`,
    next: `Get it with: docker pull ${name}`,
  })
}

/** The digest by which this repository knows the image, else any repository, else the engine's id. */
function findDigest(image: LocalImage, name: string): string {
  const asked = /@(sha\d+:[0-9a-f]+)$/.exec(name)?.[1]
  if (asked !== undefined) return asked
  const repository = name.replace(/:[^:/]+$/, '')
  const short = repository.replace(/^docker\.io\/(?:library\/)?/, '')
  const digests = image.repoDigests.map(each => each.split('@'))
  const own = digests.find(([of]) => of === repository || of === short) ?? digests[0]
  return own?.[1] ?? image.id
}

function notNim(name: string): NimctlError {
  return new NimctlError('usage', 'NOT_A_NIM_IMAGE', {
    what: `${name} is no NIM image that nimctl knows how to operate.`,
    why: `Looked for ${lookedFor}; none is there.`,
    next: 'Check the name: NIM images are those under nvcr.io/nim/, or your mirror of them.',
  })
}
