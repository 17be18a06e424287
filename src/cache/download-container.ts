import type { NimImage } from '../image/inspect.ts'
import { nimEnvironment } from '../nim/environment.ts'
import { cacheMount, downloadUtilities } from '../nim/families.ts'
import { runUtility } from '../nim/run-utility.ts'
import { recogniseSymptom } from '../nim/symptoms.ts'
import type { ContainerEngine, ContainerRequest, ContainerResult } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import type { Secret } from '../system/secret.ts'
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
  const lines: string[] = []
  const onLine = (line: string) => {
    lines.push(line)
    if (lines.length > keptLines) lines.shift()
    report({ event: 'log', source: 'download-to-cache', line })
  }
  try {
    const utilities = downloadUtilities(request.image.family, request.profileIds)
    const result = await runUtility({ engine, container: containerOf(request), utilities }, { signal, onLine })
    if (result === undefined) throw noUtility(request.image)
    return { ...result, lines }
  } finally {
    await watch.stop()
    report({ event: 'ended', task })
  }
}

function containerOf(request: DownloadRequest): Omit<ContainerRequest, 'entrypoint' | 'command'> {
  const { image, directory, key, env, gpus, runtime, network, shmSize } = request
  const user = request.user ?? invokingUser()
  const target = cacheMount[image.family]
  return {
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
      next: 'What has been downloaded is kept; the same command goes on. Its log stands above, unless --quiet was given.',
    })
  )
}

function noUtility(image: NimImage): NimctlError {
  return new NimctlError('usage', 'NO_DOWNLOAD_UTILITY', {
    what: `${image.reference} contains no program that downloads to a cache.`,
    why: 'Looked for download-to-cache, and in nimlib images for nim_download_to_cache.',
  })
}
