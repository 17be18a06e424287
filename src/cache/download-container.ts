import type { NimImage } from '../image/inspect.ts'
import type { DownloadRun } from '../nim/downloads.ts'
import { caEnvironment, caFile, nimEnvironment } from '../nim/environment.ts'
import { runUtility } from '../nim/run-utility.ts'
import { recogniseStall, recogniseSymptom } from '../nim/symptoms.ts'
import type { ContainerEngine, ContainerRequest, ContainerResult } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import type { Secret } from '../system/secret.ts'
import { watchArrivingBytes } from './arriving-bytes.ts'
import { invokingUser } from './container-user.ts'
import { watchSilence } from './silence.ts'

/** The host's side (`gpus`, `runtime`, …) is as `docker run` takes it. */
export interface DownloadRequest extends Pick<ContainerRequest, 'gpus' | 'runtime' | 'network' | 'shmSize' | 'labels'> {
  image: NimImage
  /** Absolute. */
  directory: string
  run: DownloadRun
  /** Absolute; for runs that want one. */
  scratch?: string
  /** The NGC key; reaches the container by its environment only. */
  key?: Secret
  /** A bundle of CAs on the engine's host that the container is to trust. */
  caBundle?: string
  /** Further variables; they win over nimctl's own. */
  env?: ContainerRequest['env']
  /** `UID:GID`, or `image` for the image's own user. Absent: whoever runs nimctl. */
  user?: string
  /** Milliseconds without a line and without a byte after which a warning is due. */
  silenceMs?: number
}

export interface FinishedDownload extends ContainerResult {
  /** The last lines of stdout and stderr, sanitized. */
  lines: string[]
}

const keptLines = 2000
const lookEveryMs = 1000

/** Large files come without a line of log; that no byte comes for so long is no slow network any more. */
const usualSilenceMs = 5 * 60 * 1000

/** Runs one container of a download to its end. Its log and the bytes that arrive on the disk are reported as they come. */
export async function runDownload(
  request: DownloadRequest,
  { engine, signal, report }: { engine: ContainerEngine; signal: AbortSignal; report: Report },
): Promise<FinishedDownload> {
  const task = `cache ${request.image.reference}`
  report({ event: 'started', task })
  const lines: string[] = []
  const silence = watchSilence(request.silenceMs ?? usualSilenceMs, () => {
    const cause = recogniseStall(lines)
    const known = cause === undefined ? '' : ` ${cause.message} ${cause.next}`
    const message = `Nothing has come for a while, neither a byte nor a line of log.${known} Ctrl-C stops; what is there is kept.`
    report({ event: 'warning', code: 'DOWNLOAD_SILENT', message })
  })
  const watch = watchArrivingBytes(request.directory, {
    intervalMs: lookEveryMs,
    onBytes: bytes => {
      silence.heard()
      report({ event: 'bytes', key: task, bytes })
    },
  })
  const onLine = (line: string) => {
    silence.heard()
    lines.push(line)
    if (lines.length > keptLines) lines.shift()
    report({ event: 'log', source: 'download-to-cache', line })
  }
  try {
    const { utilities } = request.run
    const result = await runUtility({ engine, container: containerOf(request), utilities }, { signal, onLine })
    if (result === undefined) throw noUtility(request)
    return { ...result, lines }
  } finally {
    silence.stop()
    await watch.stop()
    report({ event: 'ended', task })
  }
}

function containerOf(request: DownloadRequest): Omit<ContainerRequest, 'entrypoint' | 'command'> {
  const { image, directory, run, scratch, key, caBundle, env, gpus, runtime, network, shmSize, labels } = request
  const user = request.user ?? invokingUser()
  return {
    image: image.reference,
    env: {
      ...run.env,
      ...(key !== undefined && { [nimEnvironment.ngcApiKey]: key }),
      ...(caBundle !== undefined && caEnvironment()),
      ...env,
    },
    mounts: [
      { source: directory, target: run.target },
      ...(run.scratch !== undefined && scratch !== undefined ? [{ source: scratch, target: run.scratch }] : []),
      ...(caBundle !== undefined ? [{ source: caBundle, target: caFile, readOnly: true }] : []),
    ],
    ...(user !== 'image' && { user }),
    ...(gpus !== undefined && { gpus }),
    ...(runtime !== undefined && { runtime }),
    ...(network !== undefined && { network }),
    ...(shmSize !== undefined && { shmSize }),
    ...(labels !== undefined && { labels }),
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

function noUtility({ image, run }: DownloadRequest): NimctlError {
  const programs = run.utilities.map(({ entrypoint, command }) => entrypoint?.[0] ?? command[0] ?? 'its entry point')
  return new NimctlError('usage', 'NO_DOWNLOAD_UTILITY', {
    what: `${image.reference} does not contain the program that downloads in this way.`,
    why: `Looked for ${programs.join(', ')}.`,
  })
}
