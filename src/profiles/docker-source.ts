import { caEnvironment, caFile, nimEnvironment } from '../nim/environment.ts'
import { cacheMount, listUtilities, type NimFamily } from '../nim/families.ts'
import { runUtility } from '../nim/run-utility.ts'
import { recogniseSymptom } from '../nim/symptoms.ts'
import type { ContainerEngine, ContainerRequest, ContainerResult } from '../system/container-engine.ts'
import type { Secret } from '../system/secret.ts'
import { joinManifest } from './join-listing.ts'
import type { ProfileListing } from './listing.ts'
import type { ModelManifest } from './model-manifest.ts'
import { noListUtility, notListable, notListed } from './not-listed.ts'
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
  /** Absolute path of a file with CAs in PEM, which the container is to trust. */
  caBundle?: string
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
  const { engine, family, env, key, caBundle, manifest, ...host } = request
  const utilities = listUtilities(family)
  if (utilities.length === 0) throw notListable(request.image)
  const ca = caBundle === undefined ? [] : [{ source: caBundle, target: caFile, readOnly: true }]
  const told = { ...(ca.length > 0 && caEnvironment()), ...env }
  const container = { ...host, env: { ...told, ...(key !== undefined && { [nimEnvironment.ngcApiKey]: key }) } }

  return withScratchCache({ engine, target: cacheMount[family] }, options.report, async mounts => {
    const printed: Pick<FinishedRun, 'stdout' | 'stderr'> = { stdout: [], stderr: [] }
    const result = await runUtility(
      { engine, container: { ...container, mounts: [...mounts, ...ca] }, utilities },
      {
        signal: options.signal,
        onLine(line, stream) {
          printed[stream].push(line)
          options.report({ event: 'log', source: 'list-model-profiles', line })
        },
      },
    )
    if (result === undefined) throw noListUtility(request.image)
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
  if (list.profiles.length === 0)
    throw recogniseSymptom([...run.stderr, ...run.stdout]) ?? notListed(image, run, [...run.stdout, ...run.stderr])
  const warnings =
    run.exitCode === 0 ? list.warnings : [...list.warnings, `The list command exited with ${run.exitCode}.`]
  return { source: 'docker', image, family, ...list, warnings }
}
