import { execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { startSeaweedfs } from '../servers/seaweedfs.ts'
import type { BenchContext } from './bench-context.ts'
import { type Sent, startCountingProxy } from './counting-proxy.ts'
import { type Command, type Measured, measure } from './measure.ts'
import type { Uploader } from './uploaders.ts'

/** What lies on disk for a round. */
export interface Places {
  work: string
  cache: string
  /** Another cache, a small one. */
  warmUp: string
}

export interface Run extends Measured {
  uploader: Uploader['name']
  /** `again`: all of it lies in the store already. */
  kind: 'upload' | 'again'
  shown: string
  sent?: Sent
}

/**
 * Every tool once, one after the other, to one new SeaweedFS (a used one keeps the room of what is deleted).
 *
 * @param counting through a proxy that counts what is sent, which makes times worthless.
 */
export async function runRound(
  tools: readonly Uploader[],
  { places, counting, context }: { places: Places; counting: boolean; context: BenchContext },
): Promise<Run[]> {
  const { credentials } = context
  const server = await startSeaweedfs({ credentials, buckets: tools.map(({ bucket }) => bucket) })
  const proxy = counting ? await startCountingProxy(server.endpoint) : undefined
  try {
    const endpoint = proxy?.endpoint ?? server.endpoint
    const env = { ...server.env, AWS_ENDPOINT_URL: endpoint, S3_ENDPOINT_URL: endpoint }
    const runs: Run[] = []
    for (const tool of tools) {
      const run = async (command: Command): Promise<Measured & { shown: string; sent?: Sent }> => {
        // What the run before left to be written to the disk would slow down this one.
        execFileSync('sync', ['-f', places.work])
        await proxy?.takeSent()
        const measured = await measure(command, { env, work: places.work })
        const sent = await proxy?.takeSent()
        context.say(`  ${seconds(measured)}: ${command.shown}`)
        return { ...measured, shown: command.shown, ...(sent !== undefined && { sent }) }
      }
      await forgetSums(places)
      // Brings the program into memory, and makes the volumes that the server takes for a bucket.
      await run(tool.upload(places.warmUp, `s3://${tool.bucket}/warm-up/`))
      const to = `s3://${tool.bucket}/cache/`
      runs.push({ uploader: tool.name, kind: 'upload', ...(await run(tool.upload(places.cache, to))) })
      runs.push({ uploader: tool.name, kind: 'again', ...(await run(tool.again(places.cache, to))) })
    }
    return runs
  } finally {
    await proxy?.stop()
    await server.stop()
  }
}

/** nimctl remembers them in the cache: they would save work to its next round, and give the others a file more. */
async function forgetSums({ cache, warmUp }: Places): Promise<void> {
  for (const folder of [cache, warmUp]) await rm(join(folder, '.nimctl'), { recursive: true, force: true })
}

function seconds({ seconds: wall, cpuSeconds }: Measured): string {
  return `${wall.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s`
}
