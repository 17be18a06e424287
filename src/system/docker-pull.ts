import { Readable } from 'node:stream'

import type Docker from 'dockerode'

import { readLines } from './lines.ts'
import type { Report } from './progress.ts'
import type { Secret } from './secret.ts'

/** A line of the engine's answer to a pull; the fields that are used here. */
interface PullLine {
  id?: string
  status?: string
  error?: string
  progressDetail?: { current?: number; total?: number }
}

/** Pulls an image; the bytes of each layer are reported as they arrive, by the layer's short id. */
export async function pullImage(
  docker: Docker,
  image: string,
  {
    credentials,
    signal,
    report,
  }: { credentials?: { username: string; password: Secret }; signal: AbortSignal; report: Report },
): Promise<void> {
  const task = `pull ${image}`
  const stream = await docker.pull(image, {
    abortSignal: signal,
    ...(credentials && {
      authconfig: {
        username: credentials.username,
        password: credentials.password.unwrap(),
        serveraddress: registryOf(image),
      },
    }),
  })
  report({ event: 'started', task })
  const arrived = new Map<string, number>()
  let failure: string | undefined
  await readLines(Readable.from(stream), text => {
    const line = parseLine(text)
    failure ??= line.error
    if (line.status !== 'Downloading' || line.id === undefined) return
    const current = line.progressDetail?.current ?? 0
    const bytes = current - (arrived.get(line.id) ?? 0)
    if (bytes <= 0) return
    arrived.set(line.id, current)
    report({ event: 'bytes', key: line.id, bytes })
  })
  signal.throwIfAborted()
  // An error after the first byte of the answer comes as a line of it, under status 200.
  if (failure !== undefined) throw Object.assign(new Error(failure), { statusCode: 500 })
  report({ event: 'ended', task })
}

function parseLine(text: string): PullLine {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

function registryOf(image: string): string {
  const first = image.split('/')[0] ?? ''
  return /[.:]|^localhost$/.test(first) && image.includes('/') ? first : 'https://index.docker.io/v1/'
}
