import { setTimeout as wait } from 'node:timers/promises'

import { isRetryable } from '../system/errors.ts'
import { readLines } from '../system/lines.ts'
import { sanitize } from '../system/secret.ts'
import type { Cluster, LogRequest } from './cluster.ts'

type Container = Pick<LogRequest, 'pod' | 'container'>

/**
 * Hands on every line that a container's log has by now, or those at its end.
 *
 * @returns whether it has a log.
 */
export async function readLog(
  cluster: Cluster,
  container: Omit<LogRequest, 'since' | 'follow'>,
  { signal, onLine }: Pick<FollowOptions, 'signal' | 'onLine'>,
): Promise<boolean> {
  const log = await cluster.openLog({ ...container, follow: false }, signal)
  if (log === undefined) return false
  await readLines(log, line => onLine(sanitize(stamped.exec(line)?.[2] ?? line)))
  return true
}

interface FollowOptions {
  signal: AbortSignal
  onLine: (line: string) => void
  /** Asked when the log has ended: whether there will be no more of it. */
  hasEnded: () => Promise<boolean>
}

/** `2026-11-21T18:00:00.123456789Z text`: always nine digits, so times compare as text (kubelet: RFC3339NanoFixed). */
const stamped = /^(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) ?(.*)$/s

const pauseMs = 1000

/**
 * Hands on every line of a container's log, once. Load balancers cut connections that stay silent for minutes, as a
 * download does: then the log is asked for again from the last line's second on, and lines that were seen are left out.
 */
export async function followLog(cluster: Cluster, container: Container, options: FollowOptions): Promise<void> {
  const { signal, onLine, hasEnded } = options
  let seen = ''
  const take = (line: string) => {
    const [, time = '', text = line] = stamped.exec(line) ?? []
    if (time !== '' && time <= seen) return
    if (time !== '') seen = time
    onLine(sanitize(text))
  }
  for (;;) {
    // Asked first: what is written until then is in the log.
    const ended = await hasEnded()
    await readOnce(cluster, container, { signal, since: seen, take })
    if (ended) return
    await wait(pauseMs, undefined, { signal })
  }
}

async function readOnce(
  cluster: Cluster,
  container: Container,
  { signal, since, take }: { signal: AbortSignal; since: string; take: (line: string) => void },
): Promise<void> {
  try {
    const log = await cluster.openLog({ ...container, ...(since !== '' && { since }) }, signal)
    if (log !== undefined) await readLines(log, take)
  } catch (error) {
    signal.throwIfAborted()
    if (!isRetryable(error) && !isCut(error)) throw error
  }
}

/** Of the stream itself, in its middle. */
function isCut(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && /^(ECONNRESET|EPIPE|ETIMEDOUT|ERR_STREAM)/.test(String(error.code))
  )
}
