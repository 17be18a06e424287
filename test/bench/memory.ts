import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'

import { formatBytes } from '../../src/cli/render/format.ts'
import { startSeaweedfs } from '../servers/seaweedfs.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import type { BenchContext } from './bench-context.ts'
import { requireRoom } from './disk-room.ts'
import { measure } from './measure.ts'
import type { Row } from './table.ts'
import { nimctl } from './uploaders.ts'

const mebibyte = 1024 ** 2

/** The peak of uploading one file, above what the program takes anyway. */
export async function benchMemory(
  { size }: { size: number },
  { say, credentials }: BenchContext,
): Promise<{ rows: Row[]; notes: string[] }> {
  const directory = makeTemporaryDirectory()
  try {
    await requireRoom(
      directory.path,
      size,
      `Use a smaller file, such as --size 1Gi, or another disk: TMPDIR=/somewhere.`,
    )
    const source = join(directory.path, 'one-file')
    await mkdir(source)
    // A hole: to whoever reads it, zeros.
    const file = await open(join(source, 'model.bin'), 'w')
    await file.truncate(size)
    await file.close()

    const server = await startSeaweedfs({ credentials, buckets: ['models'] })
    try {
      const env = { ...server.env, XDG_STATE_HOME: join(directory.path, 'state') }
      const options = { env, work: directory.path }
      const help = await measure(nimctl('--help'), options)
      const upload = nimctl('upload', source, 's3://models/one-file/', '--layout', 'plain', '--quiet')
      say(`$ ${upload.shown}`)
      const { peakMemory, seconds, cpuSeconds } = await measure(upload, options)
      say(`  ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s`)
      const row: Row = {
        what: `memory: peak of uploading ${formatBytes(size)} above --help's ${formatBytes(help.peakMemory)}, MiB`,
        nimctl: (peakMemory - help.peakMemory) / mebibyte,
        goal: { of: 'nimctl', atMost: 128 },
      }
      return { rows: [row], notes: [`memory: \`${upload.shown}\``] }
    } finally {
      await server.stop()
    }
  } finally {
    directory.remove()
  }
}
