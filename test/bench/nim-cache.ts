import { join } from 'node:path'

import { formatBytes } from '../../src/cli/render/format.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { type BenchContext, isOther, type Part, type ServerName, startServer } from './context.ts'
import { requireRoom } from './disk-room.ts'
import { bestPeer, ours, race, type Results } from './race.ts'
import { commonRows, describeRuns } from './rows.ts'
import { figures, type Goal, type Row } from './table.ts'
import { type MadeCache, makeNimCache, nimCache } from './trees.ts'

/** A cache as a NIM fills it: to a sink that knows CopyObject, and to real servers, who have to write it down. */
export async function benchNimCache(servers: readonly ServerName[], context: BenchContext): Promise<Part> {
  const work = makeTemporaryDirectory()
  const part: Part = { rows: [], notes: [] }
  try {
    const real = servers.some(name => name !== 'sink')
    const peers = context.tools.filter(({ sinkOnly }) => sinkOnly !== true).length
    const each = 9 * 1024 ** 3 * context.scale
    await requireRoom(work.path, each + (real ? each * peers : 0), 'Use a smaller cache, such as --scale 0.25.')
    context.say('Making a NIM cache')
    const cache = await makeNimCache(join(work.path, 'cache'), context.scale)
    part.notes.push(
      `NIM cache: ${nimCache.blobs} blobs, each with ${nimCache.names} further names, and small files: ${formatBytes(cache.uniqueBytes)}, with links followed ${formatBytes(cache.followedBytes)}.`,
    )
    for (const where of servers) {
      const server = await startServer(where, context)
      if (server === undefined) {
        part.notes.push(`NIM cache: ${where} could not be had.`)
        continue
      }
      try {
        const name = `NIM cache, ${server.name}`
        const { peers: speakers } = server
        const tools = context.tools.filter(({ name: tool, sinkOnly }) =>
          speakers === undefined || tool === 'nimctl' ? where === 'sink' || sinkOnly !== true : speakers.includes(tool),
        )
        const { directory } = cache
        const results = await race(
          tools,
          {
            name,
            server,
            work: work.path,
            directory,
            layout: 'cache',
            command: (tool, to) => tool.tree?.(directory, to),
          },
          // A real server keeps what it is sent on this disk: it is sent once.
          where === 'sink' ? context : { ...context, rounds: 1 },
        )
        part.rows.push(wallRow(name, results, goalOf(where, results, cache)))
        if (where === 'sink') part.rows.push(sentRow(name, results, cache))
        part.rows.push(...commonRows(name, results, context).filter(({ what }) => !what.includes(': sent, ')))
        part.notes.push(...describeRuns(name, results))
      } finally {
        await server.stop()
      }
    }
    return part
  } finally {
    work.remove()
  }
}

/** The issue has none for other stores than S3. */
function goalOf(where: ServerName, results: Results, { uniqueBytes, followedBytes }: MadeCache): Goal | undefined {
  if (isOther(where)) return undefined
  const found = ours(results).seconds / bestPeer(results).seconds
  if (where === 'sink') return { text: '≤ 0.3 × best peer', found, atMost: 0.3 }
  const share = uniqueBytes / followedBytes
  return { text: `≤ 1.1 × best peer × ${share.toFixed(3)} (its unique bytes)`, found, atMost: 1.1 * share }
}

function wallRow(name: string, results: Results, goal: Goal | undefined): Row {
  return { what: `${name}: wall, s`, figures: figures(results, ({ seconds }) => seconds), ...(goal && { goal }) }
}

/** Heads of requests and the inventory are 0.2% of it; twice the bytes of one small blob would show. */
function sentRow(name: string, results: Results, { uniqueBytes }: MadeCache): Row {
  const sent = figures(results, ({ stats }) => (stats === undefined ? undefined : stats.bytes / uniqueBytes))
  const found = sent.nimctl ?? Number.NaN
  return {
    what: `${name}: bytes sent / unique bytes`,
    figures: sent,
    goal: { text: '= 1.00', found, atMost: 1.005, atLeast: 0.995 },
  }
}
