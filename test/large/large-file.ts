import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

import { requireRoom } from '../bench/disk-room.ts'
import { newSeed, seeded } from '../seeded.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import type { LargeStore, RunningLargeStore } from './large-stores.ts'
import { measureNimctl, mostMemory, type Peak } from './peak.ts'

const mebibyte = 2 ** 20
const name = 'model.safetensors'

interface LargeFileOptions {
  help: Peak
  say: (line: string) => void
  /** Bytes of the file, nearly: it ends within a part. */
  size: number
}

/**
 * One file of several gibibytes to a store and back: uploaded, validated, read whole by nimctl, and by another client
 * whole and in ranges.
 *
 * @returns whether nimctl stayed within its memory.
 */
export async function measureLargeFile(
  store: LargeStore,
  { help, say, size: about }: LargeFileOptions,
): Promise<boolean> {
  const size = about + 12_345
  const work = makeTemporaryDirectory()
  try {
    await requireRoom(work.path, 2 * size, 'Use a smaller file, such as --gibibytes 1.')
    const source = join(work.path, 'source')
    await mkdir(source)
    await makeHollow(join(source, name), size)
    const running = await store.start(join(work.path, 'server'))
    try {
      return await carry(store.name, running, { source, size, help, say, state: join(work.path, 'state') })
    } finally {
      await running.stop()
    }
  } finally {
    work.remove()
  }
}

/** A hole, with bytes of chance at its ends, in its middle, and around 4 GiB, where 32 bits end. */
async function makeHollow(path: string, size: number): Promise<void> {
  const chance = seeded(newSeed())
  const file = await open(path, 'w')
  await file.truncate(size)
  for (const start of islands(size)) await file.write(chance.bytes(Math.min(mebibyte, size - start)), 0, null, start)
  await file.close()
}

function islands(size: number): number[] {
  return [0, Math.floor(size / 2) + 1, 2 ** 32 - 17, size - mebibyte].filter(start => start >= 0 && start < size)
}

async function carry(
  title: string,
  { url, env, flags = [], uploadFlags = [], read, proof }: RunningLargeStore,
  { source, size, help, say, state }: Omit<LargeFileOptions, 'size'> & { source: string; size: number; state: string },
): Promise<boolean> {
  const nimctlEnv = { ...env, NIMCTL_STATE_DIR: state }
  const commands = {
    upload: ['upload', source, url, '--layout', 'plain', '--require', proof, ...uploadFlags],
    'validate store': ['validate', 'store', url],
    'validate store --deep': ['validate', 'store', url, '--deep'],
  }
  let met = true
  for (const [command, args] of Object.entries(commands)) {
    const { memory, seconds, cpuSeconds } = await measureNimctl([...args, ...flags, '--quiet'], nimctlEnv)
    const above = memory - help.memory
    met &&= above <= mostMemory
    const verdict = above <= mostMemory ? 'met' : 'NOT MET'
    say(
      `${title}, ${(size / 2 ** 30).toFixed(1)} GiB, ${command}: ${Math.round(above / mebibyte)} MiB above, ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s (${verdict})`,
    )
  }
  const original = join(source, name)
  for (const start of islands(size)) {
    const range = { start, end: Math.min(start + 2 * mebibyte, size) - 1 }
    await requireSame(read(name, range), createReadStream(original, range), `bytes ${range.start} to ${range.end}`)
  }
  await requireSame(read(name), createReadStream(original, { highWaterMark: mebibyte }), 'the whole')
  say(`${title}: another client reads the same bytes, whole and in ranges.`)
  await rm(state, { recursive: true })
  return met
}

async function requireSame(found: Promise<Readable>, expected: Readable, what: string): Promise<void> {
  const [one, other] = await Promise.all([hashOf(await found), hashOf(expected)])
  if (one !== other) throw new Error(`Another client reads something else: ${what}.`)
}

async function hashOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk)
  return hash.digest('hex')
}
