import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

/** Over what `nimctl --help` takes. */
const mostMemory = 200 * 2 ** 20

const here = import.meta.dirname

interface Peak {
  /** Largest resident set, in bytes. */
  memory: number
  /** User and system time. */
  cpuSeconds: number
  seconds: number
}

/** Runs Node to its end; what it prints goes nowhere. */
async function measurePeak(args: readonly string[]): Promise<Peak> {
  const started = performance.now()
  // As bin/nimctl.js sets it.
  const flags = ['--max-semi-space-size=4', '--import', join(here, 'report-peak.mjs')]
  const child = spawn(process.execPath, [...flags, ...args], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
  const [taken, code] = await Promise.all([
    text(child.stdio[3] as Readable),
    new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve)),
  ])
  if (code !== 0) throw new Error(`It ended with ${code}: node ${args.join(' ')}`)
  return { ...JSON.parse(taken), seconds: (performance.now() - started) / 1000 }
}

interface Row {
  task: 'json' | 'text' | 'list' | 'download'
  files: number
  order: 'sorted' | 'unsorted'
  state: 'whole' | 'broken'
  bound: boolean
}

const counts = [10_000, 100_000, 1_000_000]
const orders = ['sorted', 'unsorted'] as const
const million = { files: 1_000_000, bound: true } as const

const rows: Row[] = [
  ...orders.flatMap(order => counts.map((files): Row => ({ task: 'json', files, order, state: 'whole', bound: true }))),
  { ...million, task: 'json', order: 'unsorted', state: 'broken' },
  { ...million, task: 'text', order: 'unsorted', state: 'broken' },
  { ...million, task: 'list', order: 'unsorted', state: 'whole' },
  // Holds all entries, and says so.
  ...counts.map((files): Row => ({ task: 'download', files, order: 'sorted', state: 'whole', bound: false })),
]

const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)

/** Inventories of up to a million entries against listings of as many objects, in a process of its own each. */
async function measureAll(): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const help = await measurePeak([join(here, '../../bin/nimctl.js'), '--help'])
  say(`nimctl --help: ${mebibytes(help.memory)} MiB. Goal: at most ${mebibytes(mostMemory)} MiB above it.`)
  let failed = 0
  for (const { task, files, order, state, bound } of rows) {
    const { memory, cpuSeconds, seconds } = await measurePeak([
      join(here, 'large-main.ts'),
      task,
      String(files),
      order,
      state,
    ])
    const above = memory - help.memory
    const met = above <= mostMemory
    if (bound && !met) failed += 1
    const verdict = bound ? (met ? 'met' : 'NOT MET') : 'no bound'
    const name = `${names[task]}, ${files} files, listed ${order}, ${state}`
    say(`${name}: ${mebibytes(above)} MiB above, ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s (${verdict})`)
  }
  return failed === 0 ? 0 : 1
}

const names: Record<Row['task'], string> = {
  json: 'validate store --json',
  text: 'validate store',
  list: 'list',
  download: "download's inventory",
}

process.exitCode = await measureAll()
