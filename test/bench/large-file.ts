import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'

import { formatBytes } from '../../src/cli/render/format.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { type BenchContext, type Part, startServer } from './context.ts'
import { type Command, measure } from './measure.ts'
import { bestPeer, ours, race, type Results } from './race.ts'
import { commonRows, describeRuns } from './rows.ts'
import { figures, type Row } from './table.ts'

const gibibyte = 1024 ** 3

/** One file of 8 GiB, with a checksum, over HTTP and TLS. */
export async function benchLargeFile(context: BenchContext): Promise<Part> {
  const size = Math.ceil(8 * context.scale) * gibibyte
  const work = makeTemporaryDirectory()
  const directory = join(work.path, 'one')
  await mkdir(directory)
  // A hole: zeros to whoever reads it, from memory and not from a disk.
  const file = await open(join(directory, 'model.bin'), 'w')
  await file.truncate(size)
  await file.close()
  const part: Part = { rows: [], notes: [] }
  try {
    for (const [server, factor] of [
      ['sink', 2],
      ['sink-tls', 1.8],
    ] as const) {
      const started = await startServer(server, context)
      if (started === undefined) continue
      try {
        const name = `one file of ${formatBytes(size)}, ${started.name}`
        // Once without being measured: then the file lies in memory for the first as for the last.
        await measure(readAll(directory), { env: {}, work: work.path })
        const results = await race(
          context.tools,
          {
            name,
            server: started,
            work: work.path,
            directory,
            command: (tool, to) => tool.file?.(directory, 'model.bin', to),
          },
          context,
        )
        const loops = []
        for (let round = 0; round < context.rounds; round++) {
          loops.push((await measure(crcLoop(size), { env: {}, work: work.path })).cpuSeconds)
        }
        part.rows.push(
          ...rowsOf(name, results, { size, factor, loopCpu: Math.min(...loops) }),
          ...commonRows(name, results, context).slice(1),
        )
        part.notes.push(...describeRuns(name, results))
      } finally {
        await started.stop()
      }
    }
    return part
  } finally {
    work.remove()
  }
}

function rowsOf(
  name: string,
  results: Results,
  { size, factor, loopCpu }: { size: number; factor: number; loopCpu: number },
): Row[] {
  const gigabytes = size / 1e9
  const our = ours(results)
  const curl = results.get('curl')
  const bound = curl === undefined ? undefined : curl.cpuSeconds + loopCpu
  return [
    {
      what: `${name}: GB/s`,
      figures: figures(results, ({ seconds }) => gigabytes / seconds),
      goal: { text: `≥ ${factor} × best peer`, found: bestPeer(results).seconds / our.seconds, atLeast: factor },
    },
    {
      what: `${name}: CPU s/GB (bound: curl + CRC32C loop)`,
      figures: {
        ...figures(results, ({ cpuSeconds }) => cpuSeconds / gigabytes),
        ...(bound !== undefined && { bound: bound / gigabytes }),
      },
      ...(bound !== undefined && { goal: { text: '≤ 1.1 × bound', found: our.cpuSeconds / bound, atMost: 1.1 } }),
    },
  ]
}

function crcLoop(size: number): Command {
  const args = [join(import.meta.dirname, 'sums-main.ts'), 'loop', String(size)]
  return { shown: 'a bare CRC32C loop', program: process.execPath, args }
}

function readAll(directory: string): Command {
  return { shown: 'cat', program: '/bin/sh', args: ['-c', `cat '${directory}'/* > /dev/null`] }
}
