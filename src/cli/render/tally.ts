import type { ProgressEvent } from '../../system/progress.ts'
import { count, formatBytes, formatSeconds } from './format.ts'

export interface Tally {
  add(event: ProgressEvent): void
  /** How far the task is, with rate and time left where they can be known. */
  describe(): string
}

/** Sums events up. @param now milliseconds since any fixed moment. */
export function openTally(now: () => number): Tally {
  let task = ''
  let startedMs = now()
  let bytes = 0
  let files = 0
  let totalBytes: number | undefined
  let totalFiles: number | undefined

  return {
    add(event) {
      if (event.event === 'started') {
        ;({ task } = event)
        ;({ totalBytes, totalFiles } = event)
        startedMs = now()
        bytes = 0
        files = 0
      } else if (event.event === 'bytes') bytes += event.bytes
      else if (event.event === 'finished') files += 1
    },
    describe() {
      const seconds = (now() - startedMs) / 1000
      const rate = seconds > 0 ? bytes / seconds : 0
      const left = totalBytes !== undefined && rate > 0 ? (totalBytes - bytes) / rate : undefined
      return [
        task,
        bytes > 0 || totalBytes !== undefined
          ? amount(formatBytes(bytes), totalBytes === undefined ? undefined : formatBytes(totalBytes))
          : '',
        files > 0 || totalFiles !== undefined
          ? totalFiles === undefined
            ? count(files, 'file')
            : `${files} of ${count(totalFiles, 'file')}`
          : '',
        bytes > 0 ? `${formatBytes(rate)}/s` : '',
        left !== undefined && left > 0 ? `${formatSeconds(left)} left` : formatSeconds(seconds),
      ]
        .filter(part => part !== '')
        .join('  ')
    },
  }
}

/** A line for events that are said once; `undefined` for those that only count. */
export function describeEvent(event: ProgressEvent, verbose: boolean): string | undefined {
  switch (event.event) {
    case 'started':
      return `${event.task}: started`
    case 'retrying':
      return `Trying ${event.operation} again in ${(event.waitMs / 1000).toFixed(1)} s (attempt ${event.attempt}): ${event.reason}`
    case 'log':
      return `${event.source}| ${event.line}`
    case 'warning':
      return `Warning: ${event.message}`
    case 'request':
      return verbose ? `${event.operation}: ${event.outcome} (${event.durationMs} ms)` : undefined
    case 'finished':
      return verbose ? `${event.action} ${event.key}` : undefined
    case 'bytes':
    case 'ended':
      return undefined
  }
}

function amount(done: string, total: string | undefined): string {
  return total === undefined ? done : `${done} of ${total}`
}
