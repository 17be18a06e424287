import { NimctlError } from '../system/errors.ts'
import { runTool, type ToolResult } from '../system/process.ts'
import type { Report } from '../system/progress.ts'
import { sanitize } from '../system/secret.ts'
import { daemonFlags } from './daemon-flags.ts'
import { type ImageManifest, parseImageConfig, parseImageManifest } from './image-manifest.ts'
import type { ImageCopier, ImagePlace } from './mirror.ts'
import { removeAbandonedDirectories } from './private-directory.ts'
import { formatForSkopeo, formatImageReference, type ImageReference } from './reference.ts'
import { type SkopeoAccess, withRegistryAccess } from './registry-access.ts'
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

  const skopeo = (args: string[], options: { signal: AbortSignal; onLine?: (line: string) => void }) =>
    runTool('skopeo', args, { env, install, ...options })

  const inspect = (place: ImagePlace, flags: string[], options: { signal: AbortSignal; report: Report }) =>
    withAccess(place, '', { env, ...options }, ({ global, flags: access, name }) =>
      skopeo([...global, 'inspect', ...flags, ...access, name], options),
    )

  return {
    name: 'skopeo',
    version: version.join('.'),
    async inspect(place, options) {
      const result = await inspect(place, ['--raw'], options)
      return result.exitCode === 0 ? readManifest(place, result) : absentOrThrow(place, result)
    },
    async inspectConfig(place, options) {
      const config = parseImageConfig(await succeeded(place, inspect(place, ['--config', '--raw'], options)))
      if (config === undefined) throw notAnImage(place.image)
      return config
    },
    async copy({ source, destination, platform, withSignatures }, { signal: copySignal, report }) {
      const flags = [
        ...(platform === undefined ? ['--all'] : []),
        ...(canKeepDigest(source.image, destination.image) && isAtLeast(version, preservesDigestsSince)
          ? ['--preserve-digests']
          : []),
        ...(withSignatures ? [] : ['--remove-signatures']),
      ]
      const onLine = (line: string) => report({ event: 'log', source: 'skopeo', line: sanitize(line) })
      const options = { env, signal: copySignal, report }
      const result = await withAccess(source, 'src-', options, from =>
        withAccess(destination, 'dest-', options, to =>
          skopeo(
            [
              ...platformFlags(platform),
              ...[...from.global, ...to.global],
              'copy',
              ...[...flags, ...from.flags, ...to.flags, from.name, to.name],
            ],
            { signal: copySignal, onLine },
          ),
        ),
      )
      if (result.exitCode === 0) return
      const side = failedSide(result.stderrTail)
      const failed = side === 'source' ? source : destination
      throw translateSkopeoFailure(result.stderrTail, formatImageReference(failed.image), side)
    },
  }
}

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
  options: { env: Record<string, string | undefined>; signal: AbortSignal; report: Report },
  use: (access: SkopeoAccess) => Promise<ToolResult>,
): Promise<ToolResult> {
  if (place.image.transport !== 'docker-daemon') return withRegistryAccess(place, prefix, options, use)
  return use({ global: [], flags: await daemonFlags(prefix, options.env), name: formatForSkopeo(place.image) })
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

function readManifest(place: ImagePlace, { stdout }: ToolResult): ImageManifest {
  const imageManifest = parseImageManifest(stdout)
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
