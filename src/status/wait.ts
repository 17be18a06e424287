import { setTimeout as pause } from 'node:timers/promises'

import type { Cluster } from '../kubernetes/cluster.ts'
import { isRetryable, NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import { idOf, type StatusReport } from './report.ts'
import { readStatus } from './status.ts'
import type { Target } from './target.ts'

/** Asked again soon while something changes, and less often while nothing does. */
const firstPauseMs = 1000
const longestPauseMs = 15_000

export interface WaitSettings {
  timeoutMs: number
  signal: AbortSignal
  report: Report
}

/**
 * Asks until the object is ready, or has failed for good.
 *
 * @throws NimctlError `unavailable` / `STATUS_TIMEOUT`, with what it still waits for, and what `readStatus` throws.
 */
export async function waitForStatus(
  cluster: Cluster,
  target: Target,
  { timeoutMs, signal, report }: WaitSettings,
): Promise<StatusReport> {
  const deadline = Date.now() + timeoutMs
  let pauseMs = firstPauseMs
  let said = new Map<string, string>()
  let last: StatusReport | undefined
  for (;;) {
    const now = await readPatiently(cluster, target, { signal, patient: last !== undefined })
    last = now ?? last
    if (now?.state === 'ready' || now?.state === 'failed') return now
    const lines = now === undefined ? said : linesOf(now)
    const news = [...lines].filter(([id, line]) => said.get(id) !== line)
    for (const [id, line] of news) report({ event: 'log', source: id, line })
    said = lines
    pauseMs = news.length > 0 ? firstPauseMs : Math.min(pauseMs * 1.5, longestPauseMs)
    const leftMs = deadline - Date.now()
    if (leftMs <= 0) throw timedOut(target, timeoutMs, last)
    await pause(Math.min(pauseMs, leftMs), undefined, { signal })
  }
}

/** An API server that restarts meanwhile is no reason to give up. */
async function readPatiently(
  cluster: Cluster,
  target: Target,
  { signal, patient }: { signal: AbortSignal; patient: boolean },
): Promise<StatusReport | undefined> {
  try {
    return await readStatus(cluster, target, signal)
  } catch (error) {
    if (patient && isRetryable(error)) return undefined
    throw error
  }
}

function linesOf({ objects }: StatusReport): Map<string, string> {
  return new Map(
    objects.map(object => {
      const [finding] = object.findings.filter(({ severity }) => severity !== 'note' && severity !== 'progress')
      return [idOf(object), [object.says, finding?.what].filter(Boolean).join(': ')]
    }),
  )
}

function timedOut(target: Target, timeoutMs: number, report: StatusReport | undefined): NimctlError {
  const { object, what, why, next } = report?.cause ?? {}
  const waitsFor = object === undefined ? undefined : `It waits for ${object}: ${[what, why].filter(Boolean).join(' ')}`
  return new NimctlError('unavailable', 'STATUS_TIMEOUT', {
    what: `${idOf(target)} was not ready after ${Math.round(timeoutMs / 1000)} s.`,
    why: waitsFor,
    next: next ?? 'Wait longer with --timeout; what it does meanwhile: the same command without --wait.',
  })
}
