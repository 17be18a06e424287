import { NimctlError } from '../system/errors.ts'
import { runTool, type ToolResult } from '../system/process.ts'
import type { Report } from '../system/progress.ts'
import { sanitize } from '../system/secret.ts'
import { daemonFlags } from './daemon-flags.ts'
import { type ImageManifest, parseImageConfig, parseImageManifest } from './image-manifest.ts'
import type { ImageCopier, ImagePlace } from './mirror.ts'
import {
  findImage,
  nameImage,
  type OciFiles,
  openOciArchive,
  openOciLayout,
  writeBlob,
  writeIntoLayout,
  writeListDirectory,
  writeView,
} from './oci-layout.ts'
import { removeAbandonedDirectories, withPrivateDirectory } from './private-directory.ts'
import { type FileReference, formatForSkopeo, formatImageReference, type ImageReference } from './reference.ts'
import { listReferrers, listReferrersInFiles, noteReferrers } from './referrers.ts'
import { type SkopeoAccess, withRegistryAccess, openReach, type Reach, reachRegistry } from './registry-access.ts'
import { failedSide, translateSkopeoFailure } from './skopeo-errors.ts'

const install =
  'Install it: apt-get install skopeo (Debian, Ubuntu), dnf install skopeo (Fedora, RHEL), brew install skopeo.'

/** The oldest with all that is used here: Ubuntu 22.04 has 1.4, Debian 12 has 1.9.3. */
const oldestVersion = [1, 4] as const
/** https://github.com/containers/skopeo/pull/1561 */
const preservesDigestsSince = [1, 6] as const

/**
 * skopeo as ImageCopier. Its own log-ins (`skopeo login`, `docker login`, REGISTRY_AUTH_FILE) are used where no
 * credentials are given; given ones reach it by a private file that is gone afterwards, never by its arguments.
 *
 * @throws NimctlError `missing-tool` / `TOOL_MISSING`, `TOOL_TOO_OLD`.
 */
export async function openSkopeo({
  env,
  signal,
}: {
  env: Record<string, string | undefined>
  signal: AbortSignal
}): Promise<ImageCopier> {
  const version = await findVersion(env, signal)
  await removeAbandonedDirectories()
  const reach = openReach(env)

  const skopeo = (args: string[], options: { signal: AbortSignal; onLine?: (line: string) => void }) =>
    runTool('skopeo', args, { env, install, ...options })

  const inspect = (place: ImagePlace, flags: string[], options: { signal: AbortSignal; report: Report }) =>
    withAccess(place, '', { env, reach, ...options }, ({ global, flags: access, name }) =>
      skopeo([...global, 'inspect', ...flags, ...access, name], options),
    )

  const keepDigest = isAtLeast(version, preservesDigestsSince) ? ['--preserve-digests'] : []

  const copy = async (
    {
      source,
      destination,
      flags,
      platform,
    }: { source: ImagePlace; destination: ImagePlace; flags: string[]; platform: string | undefined },
    options: { signal: AbortSignal; report: Report },
  ): Promise<void> => {
    const onLine = logTo(options.report)
    const result = await withAccess(source, 'src-', { env, reach, ...options }, from =>
      withAccess(destination, 'dest-', { env, reach, ...options }, to =>
        skopeo(
          [
            ...platformFlags(platform),
            ...from.global,
            ...to.global,
            'copy',
            ...flags,
            ...from.flags,
            ...to.flags,
            from.name,
            to.name,
          ],
          { signal: options.signal, onLine },
        ),
      ),
    )
    if (result.exitCode === 0) return
    const side = failedSide(result.stderrTail)
    const failed = side === 'source' ? source : destination
    throw translateSkopeoFailure(result.stderrTail, formatImageReference(failed.image), side)
  }

  return {
    name: 'skopeo',
    version: version.join('.'),
    async inspect(place, options) {
      const files = await openFiles(place.image)
      if (files !== undefined) return readFromFiles(place, files)
      const result = await inspect(place, ['--raw'], options)
      return result.exitCode === 0 ? readManifest(place, result.stdout) : absentOrThrow(place, result)
    },
    async inspectConfig(place, options) {
      const files = await openFiles(place.image)
      const bytes =
        files === undefined
          ? await succeeded(place, inspect(place, ['--config', '--raw'], options))
          : await files.read((await readFromFiles(place, files))?.configDigest ?? '')
      const config = bytes && parseImageConfig(bytes)
      if (config === undefined) throw notAnImage(place.image)
      return config
    },
    async copy({ source, destination, platform, withSignatures, exact = false }, options) {
      if (exact && keepDigest.length === 0) throw tooOldForSignatures(version)
      const flags = [
        ...(platform === undefined ? ['--all'] : []),
        ...(exact || canKeepDigest(source.image, destination.image) ? keepDigest : []),
        ...(withSignatures ? [] : ['--remove-signatures']),
      ]
      const copyTo = (destinationPlace: ImagePlace, more: readonly string[]) =>
        copy({ source, destination: destinationPlace, flags: [...flags, ...more], platform }, options)
      const { image } = destination
      if (image.transport !== 'oci') {
        await copyTo(destination, [])
        return undefined
      }
      const name = image.digest === undefined ? image.name : undefined
      return writeIntoLayout(image.path, name, ({ path, blobs }) =>
        copyTo({ ...destination, image: { transport: 'oci', path, name: 'image' } }, ['--dest-shared-blob-dir', blobs]),
      )
    },
    async putList(destination, { bytes, mediaType }, options) {
      const { image } = destination
      if (image.transport === 'oci') {
        const digest = await writeBlob(image.path, bytes)
        await nameImage(image.path, image.name ?? digest, { mediaType, digest, size: bytes.length })
        return
      }
      await withPrivateDirectory(async directory => {
        await writeListDirectory(directory, bytes)
        const onLine = logTo(options.report)
        const result = await withAccess(destination, 'dest-', { env, reach, ...options }, to =>
          skopeo(
            [
              ...to.global,
              'copy',
              '--multi-arch',
              'index-only',
              ...keepDigest,
              ...to.flags,
              `dir:${directory}`,
              to.name,
            ],
            { signal: options.signal, onLine },
          ),
        )
        if (result.exitCode === 0) return
        throw translateSkopeoFailure(result.stderrTail, formatImageReference(image), 'destination')
      })
    },
    async listReferrers(place, digest, options) {
      const files = await openFiles(place.image)
      if (files !== undefined) return listReferrersInFiles(files, digest)
      const { image } = place
      if (image.transport !== 'docker') return []
      const registry = await reachRegistry({ ...place, image }, { env, reach, ...options })
      return listReferrers(registry, digest, options.signal)
    },
    async noteReferrers(place, { digest, referrers }, options) {
      const { image } = place
      if (image.transport !== 'docker') return
      const registry = await reachRegistry({ ...place, image }, { env, reach, ...options })
      await noteReferrers(registry, { digest, referrers, signal: options.signal })
    },
  }
}

function tooOldForSignatures(version: readonly number[]): NimctlError {
  return new NimctlError('missing-tool', 'TOOL_TOO_OLD', {
    what: `skopeo ${version.join('.')} is too old for --with-signatures.`,
    why: `Signatures hold for one digest, and skopeo keeps digests since ${preservesDigestsSince.join('.')}.`,
    next: `Leave out --with-signatures, or get a newer one. ${install}`,
  })
}

/** Layouts and their archives are read here: skopeo finds images of a list nowhere but in registries. */
async function openFiles(image: ImageReference): Promise<OciFiles | undefined> {
  const none: OciFiles = { images: [], read: async () => undefined, size: async () => undefined }
  if (image.transport === 'oci') return (await openOciLayout(image.path)) ?? none
  return image.transport === 'oci-archive' ? ((await openOciArchive(image.path)) ?? none) : undefined
}

/** Of a destination, what lacks a layer counts as not there. */
async function readFromFiles(place: ImagePlace, files: OciFiles): Promise<ImageManifest | undefined> {
  const { image, side } = place
  if (!('path' in image)) return undefined
  const digest = image.digest ?? findImage(files, image.name)?.digest
  const bytes = digest === undefined ? undefined : await files.read(digest)
  if (bytes === undefined) return undefined
  const found = readManifest(place, bytes)
  if (side === 'source') return found
  const sizes = await Promise.all(found.blobs.map(async blob => (await files.size(blob.digest)) === blob.size))
  return sizes.every(Boolean) ? found : undefined
}

const logTo = (report: Report) => (line: string) => report({ event: 'log', source: 'skopeo', line: sanitize(line) })

/**
 * Archives and the engine keep layers unpacked, so skopeo makes the digest while it copies. Into an OCI layout it would
 * put Docker's format when told to keep the digest, and then can't read it back (seen with 1.9.3).
 */
function canKeepDigest(source: ImageReference, destination: ImageReference): boolean {
  return (
    source.transport !== 'docker-daemon' && source.transport !== 'docker-archive' && destination.transport === 'docker'
  )
}

function platformFlags(platform: string | undefined): string[] {
  if (platform === undefined) return []
  const [os = '', architecture = '', variant] = platform.split('/')
  return [
    '--override-os',
    os,
    '--override-arch',
    architecture,
    ...(variant === undefined ? [] : ['--override-variant', variant]),
  ]
}

async function withAccess(
  place: ImagePlace,
  prefix: '' | 'src-' | 'dest-',
  options: { env: Record<string, string | undefined>; signal: AbortSignal; report: Report; reach: Reach },
  use: (access: SkopeoAccess) => Promise<ToolResult>,
): Promise<ToolResult> {
  const { image } = place
  if (image.transport === 'oci' && image.digest !== undefined) return withOciView(image, image.digest, use)
  if (image.transport !== 'docker-daemon') return withRegistryAccess(place, prefix, options, use)
  return use({ global: [], flags: await daemonFlags(prefix, options.env), name: formatForSkopeo(place.image) })
}

/** One image of a list that lies in a layout. */
function withOciView(
  { path }: FileReference,
  digest: string,
  use: (access: SkopeoAccess) => Promise<ToolResult>,
): Promise<ToolResult> {
  return withPrivateDirectory(async directory => {
    const bytes = (await (await openOciLayout(path))?.read(digest)) ?? Buffer.alloc(0)
    const mediaType = parseImageManifest(bytes)?.mediaType ?? ''
    await writeView(directory, path, { mediaType, digest, size: bytes.length })
    return use({ global: [], flags: [], name: `oci:${directory}:image` })
  })
}

async function findVersion(env: Record<string, string | undefined>, signal: AbortSignal): Promise<number[]> {
  const { stdout } = await runTool('skopeo', ['--version'], { env, signal, install })
  const version = /version (\d+)\.(\d+)(?:\.(\d+))?/.exec(stdout.toString())?.slice(1).map(Number) ?? []
  if (isAtLeast(version, oldestVersion)) return version
  throw new NimctlError('missing-tool', 'TOOL_TOO_OLD', {
    what: 'The installed skopeo is too old.',
    why: `It is ${stdout.toString().trim()}; ${oldestVersion.join('.')} or newer is needed.`,
    next: install,
  })
}

function isAtLeast(
  [major = 0, minor = 0]: readonly number[],
  [wantedMajor, wantedMinor]: readonly [number, number],
): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

function readManifest(place: ImagePlace, bytes: Buffer): ImageManifest {
  const imageManifest = parseImageManifest(bytes)
  if (imageManifest === undefined) throw notAnImage(place.image)
  return imageManifest
}

function absentOrThrow(place: ImagePlace, { stderrTail }: ToolResult): undefined {
  const error = translateSkopeoFailure(stderrTail, formatImageReference(place.image), place.side)
  if (error.code === 'IMAGE_NOT_FOUND') return undefined
  throw error
}

async function succeeded(place: ImagePlace, running: Promise<ToolResult>): Promise<Buffer> {
  const { exitCode, stdout, stderrTail } = await running
  if (exitCode === 0) return stdout
  throw translateSkopeoFailure(stderrTail, formatImageReference(place.image), place.side)
}

function notAnImage(image: ImageReference): NimctlError {
  return new NimctlError('usage', 'NOT_AN_IMAGE', {
    what: `${formatImageReference(image)} is no container image.`,
    why: 'Neither a Docker nor an OCI manifest of an image or of a list of images was found there.',
  })
}
