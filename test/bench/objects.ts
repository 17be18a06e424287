import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import { onProcessEnd } from '../servers/cleanup.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import type { BenchContext, Part } from './context.ts'
import { measure, type Measured } from './measure.ts'
import { nimctl } from './tools.ts'

const mebibyte = 2 ** 20

/** Checkpoints and their shards, of all models that a site has. */
const goalFiles = 1_000_000

/**
 * `validate store` of a bucket whose listing and inventory a server makes up, against a client that only lists it. The
 * server is another process, and gives checksums in the listing as Google does.
 */
export async function benchObjects({ scale, rounds, say }: BenchContext): Promise<Part> {
  const files = Math.round(goalFiles * scale)
  const server = await startServer(files)
  const work = makeTemporaryDirectory()
  try {
    const env = { STORAGE_EMULATOR_HOST: server.endpoint, METADATA_SERVER_DETECTION: 'none', HOME: work.path }
    const command = nimctl('validate', 'store', 'gs://models', '--quiet')
    const runs: (Measured & { listing: number })[] = []
    for (let round = 0; round < rounds; round++) {
      const listing = await timeListing(server.endpoint)
      const measured = await measure(command, { env, work: work.path })
      say(`objects: ${measured.seconds.toFixed(1)} s, listing ${listing.toFixed(1)} s`)
      runs.push({ ...measured, listing })
    }
    const beyond = Math.min(...runs.map(({ seconds, listing }) => seconds - listing))
    const memory = Math.max(...runs.map(({ peakMemory }) => peakMemory)) / mebibyte
    const seconds = Math.min(...runs.map(run => run.seconds))
    const bound = Math.min(...runs.map(run => run.listing))
    const what = `validate store, ${files} objects`
    return {
      rows: [
        {
          what: `${what}, s (bound: only to list them)`,
          figures: { nimctl: seconds, bound },
          goal: { text: '≤ 60 s beyond the listing', found: beyond, atMost: 60 },
        },
        { what: `${what}: CPU, s`, figures: { nimctl: Math.min(...runs.map(({ cpuSeconds }) => cpuSeconds)) } },
        {
          what: `${what}: peak memory, MiB`,
          figures: { nimctl: memory },
          goal: { text: '≤ 300 MiB', found: memory, atMost: 300 },
        },
      ],
      notes: [`objects: \`${command.shown}\``],
    }
  } finally {
    work.remove()
    server.stop()
  }
}

async function startServer(files: number): Promise<{ endpoint: string; stop: () => void }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'objects-main.ts'), String(files)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const forget = onProcessEnd(() => void child.kill('SIGKILL'))
  const [address]: Buffer[] = await once(child.stdout, 'data')
  const stop = () => {
    forget()
    child.kill('SIGKILL')
  }
  return { endpoint: String(address).trim(), stop }
}

/** Seconds in which each page is asked for and read, and nothing is done with it. */
async function timeListing(endpoint: string): Promise<number> {
  const started = performance.now()
  let token: string | undefined
  do {
    const query = new URLSearchParams(token === undefined ? {} : { pageToken: token })
    const page = await (await fetch(`${endpoint}/storage/v1/b/models/o?${query.toString()}`)).json()
    token = (page as { nextPageToken?: string }).nextPageToken
  } while (token !== undefined)
  return (performance.now() - started) / 1000
}
