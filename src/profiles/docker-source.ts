import { nimEnvironment } from '../nim/environment.ts'
import { cacheMount, listUtilities, type NimFamily } from '../nim/families.ts'
import { runUtility } from '../nim/run-utility.ts'
import { recogniseSymptom } from '../nim/symptoms.ts'
import type { ContainerEngine, ContainerRequest, ContainerResult } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'
import type { Secret } from '../system/secret.ts'
import { joinManifest } from './join-listing.ts'
import type { ProfileListing } from './listing.ts'
import type { ModelManifest } from './model-manifest.ts'
import { parseProfileList } from './parse-listing.ts'
import { withScratchCache } from './scratch-cache.ts'
import type { ProfileSource } from './source.ts'

/** The host's side (`gpus`, `runtime`, …) is as `docker run` takes it; without GPUs a list is still good. */
interface DockerListRequest extends Pick<
  ContainerRequest,
  'image' | 'gpus' | 'runtime' | 'network' | 'shmSize' | 'user'
> {
  engine: ContainerEngine
  family: NimFamily
  env?: ContainerRequest['env']
  /** Some versions download configuration from NGC before they list (reference/nim.md 1.1). */
  key?: Secret
  /** What is known of the image, joined with what the host says. */
  manifest?: ModelManifest
}

/**
 * Asks a host what it can run of an image, by the image's own list command in a container without a terminal.
 * The list is looked for in what the container printed, whatever it exited with.
 *
 * @throws NimctlError `usage` / `PROFILES_NOT_LISTABLE` for native images, which have no such command; the cause where
 * the log tells it; else `check-failed` / `PROFILES_NOT_LISTED` with the last lines; and what the engine throws.
 */
export const listWithDocker: ProfileSource<DockerListRequest> = async (request, options) => {
  const { engine, family, env, key, manifest, ...host } = request
  const utilities = listUtilities(family)
  if (utilities.length === 0) throw notListable(request.image)
  const container = { ...host, env: { ...env, ...(key !== undefined && { [nimEnvironment.ngcApiKey]: key }) } }

  return withScratchCache({ engine, target: cacheMount[family] }, options.report, async mounts => {
    const printed: Pick<FinishedRun, 'stdout' | 'stderr'> = { stdout: [], stderr: [] }
    const result = await runUtility(
      { engine, container: { ...container, mounts }, utilities },
      {
        signal: options.signal,
        onLine(line, stream) {
          printed[stream].push(line)
          options.report({ event: 'log', source: 'list-model-profiles', line })
        },
      },
    )
    if (result === undefined) throw noUtility(request.image)
    const listing = readRun({ ...result, ...printed }, request)
    return manifest === undefined ? listing : joinManifest(listing, manifest)
  })
}

/** stdout and stderr apart, so that logs do not cut into a list. */
interface FinishedRun extends ContainerResult {
  stdout: string[]
  stderr: string[]
}

function readRun(run: FinishedRun, { image, family }: DockerListRequest): ProfileListing {
  const alone = parseProfileList(run.stdout.join('\n'))
  const list = alone.profiles.length > 0 ? alone : parseProfileList([...run.stdout, ...run.stderr].join('\n'))
  if (list.profiles.length === 0) throw recogniseSymptom([...run.stderr, ...run.stdout]) ?? notListed(image, run)
  const warnings =
    run.exitCode === 0 ? list.warnings : [...list.warnings, `The list command exited with ${run.exitCode}.`]
  return { source: 'docker', image, family, ...list, warnings }
}

/** For images without a list command and without a manifest. */
export function notListable(image: string): NimctlError {
  return new NimctlError('usage', 'PROFILES_NOT_LISTABLE', {
    what: `${image} offers no profiles.`,
    why: 'Images of its family (com.nvidia.nim.model_download_protocol=native-v1) have neither a list command nor a manifest.',
    next: `It downloads without choosing: nimctl cache ${image} DIR --all`,
  })
}

function noUtility(image: string): NimctlError {
  return new NimctlError('usage', 'NO_LIST_UTILITY', {
    what: `${image} contains no program that lists profiles.`,
    why: 'Looked for list-model-profiles, and in nimlib images for nim_list_model_profiles.',
    next: `Read them from the image instead, which needs no GPU and no key: nimctl profiles ${image}`,
  })
}

const shownLines = 5

function notListed(image: string, { exitCode, outOfMemory, stdout, stderr }: FinishedRun): NimctlError {
  const last = [...stdout, ...stderr].filter(line => line.trim() !== '').slice(-shownLines)
  const ended = outOfMemory ? 'was ended for want of memory' : `exited with ${exitCode}`
  return new NimctlError('check-failed', 'PROFILES_NOT_LISTED', {
    what: `The list command of ${image} listed no profile.`,
    why: last.length === 0 ? `It ${ended} and printed nothing.` : `It ${ended}; its last lines: ${last.join(' | ')}`,
    next: `Read them from the image instead, which needs no GPU and no key: nimctl profiles ${image}`,
  })
}
