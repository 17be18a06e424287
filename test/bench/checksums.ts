import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'

import { formatBytes } from '../../src/cli/render/format.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { type BenchContext, type Part, startServer } from './context.ts'
import { type Command, type Measured, measure } from './measure.ts'
import { nimctl } from './tools.ts'
import { makeSmallFiles } from './trees.ts'

const gibibyte = 1024 ** 3

/** CRC32C of every file of a cache of which nothing is known, against reading it and against the hash alone. */
export async function benchChecksums(context: BenchContext): Promise<Part> {
  const blobs = Math.ceil(4 * context.scale)
  const small = Math.ceil(3000 * context.scale)
  const bytes = blobs * gibibyte + small * 4096
  const work = makeTemporaryDirectory()
  const directory = join(work.path, 'cache')
  await mkdir(directory)
  const server = await startServer('sink', context)
  try {
    for (let index = 0; index < blobs; index++) {
      const file = await open(join(directory, `blob-${index}`), 'w')
      // One after the other, so that no two are alike.
      await file.truncate(gibibyte - index)
      await file.close()
    }
    await makeSmallFiles(directory, small)
    const main = (...args: string[]): Command => ({
      shown: args.join(' '),
      program: process.execPath,
      args: [join(import.meta.dirname, 'sums-main.ts'), ...args],
    })
    const cat = `find '${directory}' -type f -print0 | xargs -0 cat > /dev/null`
    const env = { ...server?.env, XDG_STATE_HOME: join(work.path, 'state') }
    const upload = nimctl('upload', directory, 's3://sums/cache/', '--layout', 'plain', '--quiet')
    const best = async (command: Command): Promise<Measured> => {
      const runs: Measured[] = []
      for (let round = 0; round < Math.max(2, context.rounds); round++) {
        // The notes in which nimctl remembers the sums.
        await measure(
          { shown: 'rm', program: '/bin/rm', args: ['-rf', join(directory, '.nimctl')] },
          { env, work: work.path },
        )
        runs.push(await measure(command, { env, work: work.path }))
      }
      return runs.reduce((one, other) => (other.seconds < one.seconds ? other : one))
    }
    const read = await best({ shown: 'cat', program: '/bin/sh', args: ['-c', cat] })
    const bare = await best(main('loop', String(bytes), 'all-cores'))
    const our = await best(main('files', directory, join(work.path, 'state')))
    context.say('An upload that sends nothing but knows no sums')
    await measure(upload, { env, work: work.path })
    const whole = await best(upload)
    const rate = ({ seconds }: Measured) => bytes / 1e9 / seconds
    const name = `CRC32C of a cache of ${formatBytes(bytes)}`
    const bound = Math.min(rate(read), rate(bare))
    return {
      rows: [
        {
          what: `${name}: GB/s (bound: the lesser of cat and the bare hash)`,
          figures: { nimctl: rate(our), bound },
          goal: { text: '≥ 0.8 × bound', found: rate(our) / bound, atLeast: 0.8 },
        },
        { what: `${name}: CPU, s`, figures: { nimctl: our.cpuSeconds } },
        {
          what: `${name}: GB/s of a whole \`nimctl upload\` that finds all there and has lost its notes`,
          figures: { nimctl: rate(whole), bound },
        },
      ],
      notes: [
        `${name}: \`cat > /dev/null\` ${rate(read).toFixed(1)} GB/s, bare hash on all cores ${rate(bare).toFixed(1)} GB/s. Measured is a driver (test/bench/sums-main.ts) that has the upload's own source hash each file, 8 at once, start of Node and scan included; no command only sums.`,
      ],
    }
  } finally {
    await server?.stop()
    work.remove()
  }
}
