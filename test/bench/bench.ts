import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'

import { formatBytes } from '../../src/cli/render/format.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { benchChecksums } from './checksums.ts'
import type { BenchContext, Part } from './context.ts'
import { benchLargeFile } from './large-file.ts'
import { benchManifest } from './manifest.ts'
import { measure } from './measure.ts'
import { benchNimCache } from './nim-cache.ts'
import { benchObjects } from './objects.ts'
import { allPeers, findPeers, type Peer } from './peers.ts'
import { writeReport } from './report.ts'
import { benchSmallFiles } from './small-files.ts'
import { benchStartUp } from './start-up.ts'
import { isMet, renderTable } from './table.ts'
import { chooseTools, nimctl } from './tools.ts'

const usage = `npm run bench -- [--quick] [--only PART,…] [--peers NAME,…] [--scale FACTOR] [--rounds N] [--write FILE]
  --quick   a small run of a minute or two, to see that it works
  --only    of start-up, manifest, objects, large, sink, small, sums, seaweedfs, versitygw, stores (file, gs, azure, hdfs, https)
  --peers   of ${allPeers.join(', ')}
  --scale   of all files (1: as large as the goals say)
  --rounds  how often nimctl and whoever comes near the best peer is run (2)
  --write   puts the result into the part of FILE between its two "bench" comments too
`

const parts: Record<string, (context: BenchContext) => Promise<Part>> = {
  'start-up': async () => ({ rows: benchStartUp(), notes: [] }),
  manifest: benchManifest,
  objects: benchObjects,
  sums: benchChecksums,
  small: benchSmallFiles,
  large: benchLargeFile,
  sink: context => benchNimCache(['sink'], context),
  seaweedfs: context => benchNimCache(['seaweedfs'], context),
  versitygw: context => benchNimCache(['versitygw'], context),
  stores: context => benchNimCache(['file', 'gs', 'azure', 'hdfs', 'https'], context),
}

interface BenchOptions {
  only: string[]
  peers: Peer[]
  scale: number
  rounds: number
  write?: string
}

/** Ratios in one run, on real parts. It fails for no figure: they depend on the machine and on who else is on it. */
async function bench({ only, peers, scale, rounds, write }: BenchOptions): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  const before = loadavg()[0] ?? 0
  const programs = await findPeers(peers, say)
  const context = { say, programs, tools: chooseTools(programs), rounds, scale, helpMemory: await measureHelp() }
  const rows: Part['rows'] = []
  const notes: string[] = []
  for (const name of only) {
    say(`== ${name}`)
    try {
      const part = await parts[name]?.(context)
      rows.push(...(part?.rows ?? []))
      notes.push(...(part?.notes ?? []))
    } catch (error) {
      say(error instanceof Error ? (error.stack ?? error.message) : String(error))
      notes.push(`${name}: it ended with an error: ${error instanceof Error ? error.message.split('\n')[0] : ''}`)
    }
  }
  const goals = rows.flatMap(({ goal }) => goal ?? [])
  const met = goals.filter(goal => isMet(goal)).length
  const after = loadavg()[0] ?? 0
  const text = [
    `Run of ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, commit ${commit()}, scale ${scale}, best of ${rounds}: ${met} of ${goals.length} goals met.`,
    '',
    renderTable(rows),
    '',
    ...[
      `${describeMachine()}; load average ${before.toFixed(1)} before, ${after.toFixed(1)} after.`,
      `Peers: ${programs.notes.join(', ')}.`,
      `\`nimctl --help\`: ${formatBytes(context.helpMemory)}.`,
      ...new Set(notes),
    ].map(note => `- ${note}`),
  ].join('\n')
  process.stdout.write(`${text}\n`)
  if (write !== undefined) writeFileSync(write, writeReport(readFileSync(write, 'utf8'), text))
}

async function measureHelp(): Promise<number> {
  const work = makeTemporaryDirectory()
  try {
    return (await measure(nimctl('--help'), { env: {}, work: work.path })).peakMemory
  } finally {
    work.remove()
  }
}

function describeMachine(): string {
  const processors = cpus()
  return `${processors.length} × ${processors[0]?.model}, ${formatBytes(totalmem())}, Linux ${release()}, Node ${process.version}`
}

function commit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
  return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--short', '../../src') === '' ? '' : ' with changes in src'}`
}

function readOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      peers: { type: 'string' },
      scale: { type: 'string' },
      rounds: { type: 'string' },
      write: { type: 'string' },
    },
  })
  const { scale, rounds } = values.quick ? { scale: '0.05', rounds: '1' } : { scale: '1', rounds: '2' }
  const only = values.only?.split(',') ?? Object.keys(parts)
  const unknown = only.filter(name => !(name in parts))
  if (unknown.length > 0) throw new Error(`There is no part ${unknown.join(', ')}.`)
  const peers =
    values.peers === undefined ? [...allPeers] : allPeers.filter(name => values.peers?.split(',').includes(name))
  const options = { only, peers, scale: Number(values.scale ?? scale), rounds: Number(values.rounds ?? rounds) }
  if (!(options.scale > 0)) throw new Error(`--scale ${values.scale}: expected a number above 0.`)
  if (!Number.isInteger(options.rounds) || options.rounds < 1) {
    throw new Error(`--rounds ${values.rounds}: expected a whole number above 0.`)
  }
  return values.write === undefined ? options : { ...options, write: values.write }
}

let options: BenchOptions | undefined
try {
  options = readOptions()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  process.exitCode = 2
}
if (options !== undefined) await bench(options)
