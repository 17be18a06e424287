import type { Phase, ProgressEvent } from '../../system/progress.ts'
import { count, formatBytes, formatSeconds } from './format.ts'
import { openRate, type Rate } from './rate.ts'

export interface Tally {
  add(event: ProgressEvent): void
  /**
   * How far the task is, with rate and time left where they can be known: a line, or one for each of several
   * destinations.
   *
   * @param width columns that a line may take.
   */
  describe(width?: number): string[]
}

/** Sums events up. @param now milliseconds since any fixed moment. */
export function openTally(now: () => number): Tally {
  let task = ''
  let whole = openSum(now)
  const destinations = new Map<string, Sum>()
  const sumOf = (destination: string | undefined): Sum => {
    if (destination === undefined) return whole
    const known = destinations.get(destination)
    if (known !== undefined) return known
    const sum = openSum(now)
    destinations.set(destination, sum)
    return sum
  }
  return {
    add(event) {
      if (event.event === 'started') {
        ;({ task } = event)
        whole = { ...openSum(now), totalBytes: event.totalBytes, totalFiles: event.totalFiles }
        destinations.clear()
      } else if (event.event === 'phase') enter(sumOf(event.destination), event, now)
      else if (event.event === 'bytes') addBytes(sumOf(event.destination), event)
      else if (event.event === 'finished' && event.action !== 'removed') addFile(sumOf(event.destination))
    },
    describe(width = Number.POSITIVE_INFINITY) {
      const [first = whole, ...others] = destinations.values()
      const rest = [first, ...others].map(sum => describeSum(sum, now))
      const urls = others.length === 0 ? [] : [...destinations.keys()]
      return setNames({ task, urls, rest, width })
    },
  }
}

interface Sum {
  startedMs: number
  phase: Phase | undefined
  bytes: number
  files: number
  totalBytes: number | undefined
  totalFiles: number | undefined
  byteRate: Rate
  fileRate: Rate
}

function openSum(now: () => number): Sum {
  return {
    startedMs: now(),
    phase: undefined,
    bytes: 0,
    files: 0,
    totalBytes: undefined,
    totalFiles: undefined,
    byteRate: openRate(now),
    fileRate: openRate(now),
  }
}

function enter(sum: Sum, event: ProgressEvent & { event: 'phase' }, now: () => number): void {
  sum.phase = event.phase
  sum.totalBytes = event.totalBytes ?? sum.totalBytes
  sum.totalFiles = event.totalFiles ?? sum.totalFiles
  if (event.phase === 'verify') sum.files = 0
  // How fast another phase went says nothing of this one.
  sum.byteRate = openRate(now)
  sum.fileRate = openRate(now)
}

function addBytes(sum: Sum, { bytes, resumed = false }: ProgressEvent & { event: 'bytes' }): void {
  sum.bytes += bytes
  if (!resumed) sum.byteRate.add(bytes)
}

function addFile(sum: Sum): void {
  sum.files += 1
  sum.fileRate.add(1)
}

const phaseWords: Record<Phase, string> = {
  compare: 'comparing',
  send: '',
  copy: 'copying',
  verify: 'verifying',
  publish: 'publishing',
  done: 'complete',
}

function describeSum(sum: Sum, now: () => number): string {
  const { phase, bytes, files, totalBytes, totalFiles } = sum
  const bytesLeft = totalBytes === undefined ? undefined : totalBytes - bytes
  const filesLeft = totalFiles === undefined ? undefined : totalFiles - files
  const sending = bytes > 0 && (bytesLeft === undefined || bytesLeft > 0)
  const left = secondsLeft(bytesLeft, sum.byteRate) ?? secondsLeft(filesLeft, sum.fileRate)
  return [
    phase === undefined ? '' : phaseWords[phase],
    bytes > 0 || (totalBytes ?? 0) > 0
      ? amount(formatBytes(bytes), totalBytes === undefined ? undefined : formatBytes(totalBytes))
      : '',
    files > 0 || totalFiles !== undefined
      ? totalFiles === undefined
        ? count(files, 'file')
        : `${files} of ${count(totalFiles, 'file')}`
      : '',
    sending ? `${formatBytes(sum.byteRate.perSecond())}/s` : '',
    left === undefined ? formatSeconds((now() - sum.startedMs) / 1000) : `${formatSeconds(left)} left`,
  ]
    .filter(part => part !== '')
    .join('  ')
}

/** `undefined` where nothing is left, or nothing moves. */
function secondsLeft(amountLeft: number | undefined, rate: Rate): number | undefined {
  const perSecond = rate.perSecond()
  return amountLeft !== undefined && amountLeft > 0 && perSecond > 0 ? amountLeft / perSecond : undefined
}

const shortestUrl = 12

/** Numbers stand below each other. Where a line is too long, the URL gives way first, from its beginning. */
function setNames({ task, urls, rest, width }: Lines): string[] {
  const room = width - Math.max(...rest.map(text => text.length)) - task.length - '   '.length
  const shown = urls.map(url => shorten(url, Math.max(shortestUrl, room)))
  const column = Math.max(...shown.map(url => url.length))
  return rest.map((text, index) => {
    const url = shown[index]
    const name = url === undefined ? task : `${task} ${url.padEnd(column)}`
    return [name, text]
      .filter(part => part !== '')
      .join('  ')
      .slice(0, width)
  })
}

interface Lines {
  task: string
  /** Of the destinations, where there are several. */
  urls: readonly string[]
  rest: readonly string[]
  width: number
}

function shorten(url: string, length: number): string {
  return url.length <= length ? url : `…${url.slice(url.length - length + 1)}`
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
    case 'phase':
    case 'bytes':
    case 'ended':
      return undefined
  }
}

function amount(done: string, total: string | undefined): string {
  return total === undefined ? done : `${done} of ${total}`
}
