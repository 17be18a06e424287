import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { errorCode } from '../../src/system/errors.ts'
import { requireProgram } from '../servers/locate.ts'
import { phaseBelow, type Phase } from './phase.ts'
import { type Exchange, openSteps, type Stage, type Steps, type Watcher } from './watcher.ts'

/** As the campaign and downloads divide files. */
const partSize = 5 * 2 ** 20
const rangeSize = 8 * 2 ** 20

interface TracingOptions {
  /** Of the store. */
  root: string
  /** The folder below a prefix in which lies what is not whole. */
  incomplete: string
  /** For traces. */
  work: string
}

/**
 * Sees by strace what nimctl does to a directory. It strikes a moment after a call, when its line has come.
 *
 * | phase | arrived | halfway | answered, passed |
 * | --- | --- | --- | --- |
 * | create | | | the log of an upload's parts is made |
 * | part | | written | on the disk |
 * | complete | | | the file of parts gets its name |
 * | put, copy, inventory | a file without parts is made | written | it gets its name |
 * | range | its beginning is read | | its end is read |
 */
export function startTracing({ root, incomplete, work }: TracingOptions): Watcher {
  const strace = requireProgram('strace', 'strace')
  const calls = 'trace=openat,pwrite64,pread64,fdatasync,fsync,rename'
  let runs = 0
  let trace = ''
  let steps = openSteps(undefined)
  let following: Following | undefined
  return {
    watch(prefix, moment) {
      following?.end()
      trace = join(work, `trace-${runs++}`)
      steps = openSteps(moment)
      following = followTrace(trace, openInterpreter({ base: join(root, prefix), incomplete, steps }))
    },
    get exchanges() {
      return steps.all
    },
    /** The tracer ends a little after the process, and not always with a last line. */
    async idle() {
      for (let quiet = 0; quiet < 3; quiet = following?.look() === true ? 0 : quiet + 1) await wait(50)
    },
    get program() {
      // The tracer is a grandchild: nimctl stays the child, and can be killed. `-y` shows the paths of descriptors.
      const watch = ['-D', '-f', '-y', '-s', '0', '--seccomp-bpf', '-e', calls, '-e', 'signal=none', '-o', trace]
      return [strace, ...watch, process.execPath] as const
    },
    stop: () => following?.end(),
  }
}

interface Following {
  /** @returns whether there was anything new. */
  look(): boolean
  end(): void
}

/** Reads a trace while it grows. */
function followTrace(trace: string, onLine: (line: string) => void): Following {
  const buffer = Buffer.alloc(2 ** 16)
  let file: number | undefined
  let rest = ''
  const look = () => {
    if (file === undefined && existsSync(trace)) file = openSync(trace, 'r')
    const length = file === undefined ? 0 : readSync(file, buffer)
    const lines = (rest + buffer.toString('latin1', 0, length)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
    return length > 0
  }
  const timer = setInterval(look, 2)
  return {
    look,
    end() {
      clearInterval(timer)
      if (file !== undefined) closeSync(file)
    },
  }
}

function openInterpreter({
  base,
  incomplete,
  steps,
}: {
  base: string
  incomplete: string
  steps: Steps
}): (line: string) => void {
  const folder = join(base, incomplete)
  /** By path of the file that is not whole. */
  const keys = new Map<string, string>()
  const growing = new Map<string, Exchange[]>()
  const begun = new Map<string, string>()

  const begin = (path: string, how: Pick<Exchange, 'phase' | 'key' | 'size'> & Partial<Exchange>): Exchange => {
    const exchange: Exchange = { number: undefined, start: 0, stage: 'arrived', ...how }
    steps.all.push(exchange)
    growing.set(path, [...(growing.get(path) ?? []), exchange])
    steps.reach(exchange, 'arrived')
    return exchange
  }
  const advance = (path: string, from: Stage, to: readonly Stage[]) => {
    for (const exchange of growing.get(path) ?? []) {
      if (exchange.stage === from) for (const stage of to) steps.reach(exchange, stage)
    }
  }
  const made = (path: string, flags: string) => {
    if (path.endsWith('.parts')) {
      const exchange = begin(path, { phase: 'create', key: '', size: 0 })
      for (const stage of done) steps.reach(exchange, stage)
    } else if (!path.endsWith('.bytes')) {
      // Copies come behind all that is sent, and the inventory behind them.
      const copied = steps.all.some(({ phase }) => phase === 'copy')
      const phase: Phase = flags.includes('O_EXCL') ? (copied ? 'inventory' : 'put') : 'copy'
      begin(path, { phase, key: '', size: 0 })
    }
  }
  const renamed = (from: string, to: string) => {
    const key = to.slice(base.length)
    if (from.endsWith('.bytes')) {
      keys.set(from, key)
      for (const exchange of growing.get(from) ?? []) exchange.key = key
      begin(`${from} renamed`, { phase: 'complete', key, size: 0 })
      advance(`${from} renamed`, 'arrived', done)
      return
    }
    for (const exchange of growing.get(from) ?? []) {
      exchange.key = key
      exchange.phase = phaseBelow(exchange.phase === 'inventory' ? 'put' : exchange.phase, key)
      exchange.size = exchange.phase === 'put' ? sizeOf(to) : 0
    }
    advance(from, 'halfway', done)
  }
  const wrotePart = (path: string, start: number, size: number) => {
    const key = keys.get(path) ?? keyOf(path)
    if (key !== undefined) keys.set(path, key)
    const number = Math.floor(start / partSize) + 1
    steps.reach(begin(path, { phase: 'part', key: key ?? basename(path), number, size }), 'halfway')
  }
  const readRange = (path: string, offset: number, size: number) => {
    const key = path.slice(base.length)
    const start = Math.floor(offset / rangeSize) * rangeSize
    const name = `${path} ${start}`
    const length = Math.min(rangeSize, sizeOf(path) - start)
    const [exchange] = growing.get(name) ?? []
    const range = exchange ?? begin(name, { phase: phaseBelow('range', key), key, start, size: length })
    if (range.stage === 'arrived' && offset + size - start >= length * steps.halfOf(range))
      steps.reach(range, 'halfway')
    if (offset + size - start >= length) advance(name, 'halfway', done)
  }

  const take = (name: string, args: string) => {
    const paths = [...args.matchAll(/"([^"]*)"|<([^>]*)>/g)].map(([, quoted, shown]) => quoted ?? shown ?? '')
    const path = paths.find(each => each.startsWith(base)) ?? ''
    const ofIncomplete = path.startsWith(folder)
    if (name === 'openat' && ofIncomplete && args.includes('O_CREAT')) made(path, args)
    if (name === 'rename' && ofIncomplete) renamed(path, paths[1] ?? '')
    if ((name === 'fdatasync' || name === 'fsync') && ofIncomplete) {
      if (path.endsWith('.bytes')) advance(path, 'halfway', done)
      else advance(path, 'arrived', ['halfway'])
    }
    const [size, offset] = args.split(', ').slice(-2).map(Number)
    if (name === 'pwrite64' && path.endsWith('.bytes')) wrotePart(path, offset ?? 0, size ?? 0)
    if (name === 'pread64' && path !== '' && !ofIncomplete) readRange(path, offset ?? 0, size ?? 0)
  }
  return line => {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (text.endsWith('<unfinished ...>')) {
      begun.set(thread, text.replace(/ *<unfinished \.\.\.>$/, ''))
      return
    }
    const whole = text.replace(/^<\.\.\. \w+ resumed>/, begun.get(thread) ?? '')
    const [, name, args, result] = /^(\w+)\((.*)\) += (-?\d+)/.exec(whole) ?? []
    if (name !== undefined && args !== undefined && Number(result) >= 0) take(name, args)
  }
}

const done: readonly Stage[] = ['answered', 'passed']

/** The log beside the file of parts says whose they are; gone where the upload has ended meanwhile. */
function keyOf(path: string): string | undefined {
  try {
    const [header = ''] = readFileSync(path.replace(/\.bytes$/, '.parts'), 'utf8').split('\n')
    return JSON.parse(header).key
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
