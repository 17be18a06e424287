import type { NimImage } from '../image/inspect.ts'
import { nimEnvironment } from '../nim/environment.ts'
import { cacheMount, downloadUtilities, type Utility } from '../nim/families.ts'
import { recogniseSymptom } from '../nim/symptoms.ts'
import type { ContainerEngine, ContainerRequest, ContainerResult } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'
import { readLines } from '../system/lines.ts'
import type { Report } from '../system/progress.ts'
import { sanitize, secret, type Secret } from '../system/secret.ts'
import { watchArrivingBytes } from './arriving-bytes.ts'
import { invokingUser } from './container-user.ts'

/** The host's side (`gpus`, `runtime`, …) is as `docker run` takes it. */
export interface DownloadRequest extends Pick<ContainerRequest, 'gpus' | 'runtime' | 'network' | 'shmSize'> {
  image: NimImage
  /** Absolute. */
  directory: string
  profileIds: readonly string[] | 'all'
  /** The NGC key; reaches the container by its environment only. */
  key?: Secret
  /** Further variables; they win over nimctl's own. */
  env?: ContainerRequest['env']
  /** `UID:GID`, or `image` for the image's own user. Absent: whoever runs nimctl. */
  user?: string
}

export interface FinishedDownload extends ContainerResult {
  /** The last lines of stdout and stderr, sanitized. */
  lines: string[]
}

const keptLines = 2000
const lookEveryMs = 1000

/** Runs the image's download to its end. Its log and the bytes that arrive on the disk are reported as they come. */
export async function runDownload(
  request: DownloadRequest,
  { engine, signal, report }: { engine: ContainerEngine; signal: AbortSignal; report: Report },
): Promise<FinishedDownload> {
  const task = `cache ${request.image.reference}`
  report({ event: 'started', task })
  const watch = watchArrivingBytes(request.directory, {
    intervalMs: lookEveryMs,
    onBytes: bytes => report({ event: 'bytes', key: task, bytes }),
  })
  try {
    const utilities = downloadUtilities(request.image.family, request.profileIds)
    return await runFirst(utilities, request.image, utility =>
      runOnce(containerOf(request, utility), { engine, signal, report }),
    )
  } finally {
    await watch.stop()
    report({ event: 'ended', task })
  }
}

/** Not executable and not found, where a script of the image starts the program. */
const shellExitsForNoProgram = [126, 127]

/** The first utility whose program the image has. */
async function runFirst(
  [utility, ...others]: readonly Utility[],
  image: NimImage,
  run: (utility: Utility) => Promise<FinishedDownload>,
): Promise<FinishedDownload> {
  if (utility === undefined) throw noUtility(image)
  try {
    const finished = await run(utility)
    if (!shellExitsForNoProgram.includes(finished.exitCode)) return finished
  } catch (error) {
    if (!(error instanceof NimctlError) || error.code !== 'COMMAND_NOT_FOUND') throw error
  }
  return runFirst(others, image, run)
}

async function runOnce(
  container: ContainerRequest,
  { engine, signal, report }: { engine: ContainerEngine; signal: AbortSignal; report: Report },
): Promise<FinishedDownload> {
  const secrets = secretsOf(container.env)
  const lines: string[] = []
  const reading: Promise<void>[] = []
  const onLine = (raw: string) => {
    const line = sanitize(raw, secrets)
    lines.push(line)
    if (lines.length > keptLines) lines.shift()
    report({ event: 'log', source: 'download-to-cache', line })
  }
  const result = await engine.run(container, {
    signal,
    onOutput: ({ stdout, stderr }) => reading.push(readLines(stdout, onLine), readLines(stderr, onLine)),
  })
  await Promise.all(reading)
  return { ...result, lines }
}

function containerOf(request: DownloadRequest, utility: Utility): ContainerRequest {
  const { image, directory, key, env, gpus, runtime, network, shmSize } = request
  const user = request.user ?? invokingUser()
  const target = cacheMount[image.family]
  return {
    ...utility,
    image: image.reference,
    env: { [nimEnvironment.cachePath]: target, ...(key !== undefined && { [nimEnvironment.ngcApiKey]: key }), ...env },
    mounts: [{ source: directory, target }],
    ...(user !== 'image' && { user }),
    ...(gpus !== undefined && { gpus }),
    ...(runtime !== undefined && { runtime }),
    ...(network !== undefined && { network }),
    ...(shmSize !== undefined && { shmSize }),
  }
}

/** What must not be shown if the container prints it: secrets, and values whose name says that they are one. */
function secretsOf(env: ContainerRequest['env']): Secret[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (typeof value !== 'string') return [value]
    return /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/i.test(name) && value.length >= 8 ? [secret(value)] : []
  })
}

const shownLines = 8

/** What a container that did not exit with 0 means to the user. */
export function containerFailure(image: NimImage, { exitCode, outOfMemory, lines }: FinishedDownload): NimctlError {
  if (outOfMemory) {
    return new NimctlError('local', 'OUT_OF_MEMORY', {
      what: `The container of ${image.reference} was ended for want of memory.`,
      next: 'Free some memory on the host of the engine, then run the same command again; what has been downloaded is kept.',
    })
  }
  const last = lines.filter(line => line.trim() !== '').slice(-shownLines)
  return (
    recogniseSymptom(lines) ??
    new NimctlError('check-failed', 'CONTAINER_FAILED', {
      what: `The download of ${image.reference} failed.`,
      why: `The container exited with ${exitCode}${last.length === 0 ? ' and printed nothing.' : `; its last lines: ${last.join(' | ')}`}`,
      next: 'What has been downloaded is kept. See its whole log with --verbose.',
    })
  )
}

function noUtility(image: NimImage): NimctlError {
  return new NimctlError('usage', 'NO_DOWNLOAD_UTILITY', {
    what: `${image.reference} contains no program that downloads to a cache.`,
    why: 'Looked for download-to-cache, and in nimlib images for nim_download_to_cache.',
  })
}
