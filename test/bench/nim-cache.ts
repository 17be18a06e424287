import { join } from 'node:path'

import { formatBytes } from '../../src/cli/render/format.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import type { BenchContext } from './bench-context.ts'
import { requireRoom } from './disk-room.ts'
import { bytesOf, makeNimShapedCache, nimShapedBlobs } from './nim-shaped-cache.ts'
import { type Places, type Run, runRound } from './round.ts'
import { type Row, median } from './table.ts'
import { type Uploader, uploaders } from './uploaders.ts'

const kibibyte = 1024
const mebibyte = 1024 ** 2

/** A cache like those of NIMs, by nimctl and by what people use: once counted, then `rounds` times timed. */
export async function benchNimCache(
  { scale, rounds }: { scale: number; rounds: number },
  context: BenchContext,
): Promise<{ rows: Row[]; notes: string[] }> {
  const blobs = nimShapedBlobs(scale)
  const bytes = bytesOf(blobs)
  const tools = uploaders()
  const directory = makeTemporaryDirectory()
  try {
    const next = 'Use a smaller cache, such as --scale 0.25, or another disk: TMPDIR=/somewhere.'
    await requireRoom(directory.path, bytes.once + tools.length * bytes.followed, next)
    const shape = blobs.map(({ count, size }) => `${count} × ${formatBytes(size)}`).join(', ')
    const described = `A NIM-shaped cache of ${shape}: ${formatBytes(bytes.once)}, with links followed ${formatBytes(bytes.followed)}.`
    context.say(`Making it. ${described}`)
    const places = await makePlaces(directory.path, scale)

    context.say('What each sends, through a proxy that counts (times are worthless here)')
    const counted = await runRound(tools, { places, counting: true, context })
    const timed: Run[] = []
    for (let round = 0; round < rounds; round++) {
      context.say(`Round ${round + 1} of ${rounds}`)
      timed.push(...(await runRound(rotated(tools, round), { places, counting: false, context })))
    }
    return {
      rows: [...rowsOf('upload', { counted, timed }), ...rowsOf('again', { counted, timed })],
      notes: [
        described,
        `Time, CPU and memory are medians of ${rounds}; what is sent was counted in a run of its own.`,
        'Each tool has its own defaults; endpoint, region and keys come from the environment.',
        ...counted.map(describeRun),
      ],
    }
  } finally {
    directory.remove()
  }
}

async function makePlaces(work: string, scale: number): Promise<Places> {
  const places = { work, cache: join(work, 'cache'), warmUp: join(work, 'warm-up') }
  await makeNimShapedCache(places.cache, nimShapedBlobs(scale))
  await makeNimShapedCache(places.warmUp, nimShapedBlobs(1 / 64))
  return places
}

/** Each is first once: the server is empty for the first and full for the last. */
function rotated(tools: readonly Uploader[], by: number): Uploader[] {
  const first = by % tools.length
  return [...tools.slice(first), ...tools.slice(0, first)]
}

function rowsOf(kind: Run['kind'], { counted, timed }: { counted: readonly Run[]; timed: readonly Run[] }): Row[] {
  const row = (what: string, runs: readonly Run[], measure: (run: Run) => number): Row => {
    const of = (name: Uploader['name']) =>
      median(runs.filter(run => run.kind === kind && run.uploader === name).map(measure))
    return { what: `${kind}: ${what}`, nimctl: of('nimctl'), others: { 'aws s3': of('aws s3'), s5cmd: of('s5cmd') } }
  }
  return [
    row('time, s', timed, run => run.seconds),
    row('CPU, s', timed, run => run.cpuSeconds),
    row('peak memory, MiB', timed, run => run.peakMemory / mebibyte),
    kind === 'upload'
      ? row('sent, MiB', counted, run => (run.sent?.bytes ?? 0) / mebibyte)
      : row('sent, KiB', counted, run => (run.sent?.bytes ?? 0) / kibibyte),
    row('requests', counted, run => sum(Object.values(run.sent?.requests ?? {}))),
  ]
}

function describeRun({ kind, shown, sent }: Run): string {
  const requests = Object.entries(sent?.requests ?? {}).map(([method, count]) => `${count} ${method}`)
  return `${kind}: \`${shown}\` makes ${requests.join(', ')} requests.`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
