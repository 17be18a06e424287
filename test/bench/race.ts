import { execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { BenchContext } from './context.ts'
import { type Command, type Measured, measure } from './measure.ts'
import type { Server, Stats } from './server.ts'
import type { Place, Tool, ToolName } from './tools.ts'

export interface Run extends Measured {
  command: Command
  to: Place
  /** Where the server counts. */
  stats?: Stats
}

/** The best of several runs: what else the machine does only adds. Memory is the most that any run took. */
export type Results = Map<ToolName, Run>

interface Race {
  name: string
  server: Server
  /** For logs, and for nimctl's state. */
  work: string
  /** What is uploaded: nimctl's notes in it are removed before each run. */
  directory: string
  command: (tool: Tool, to: Place) => Command | undefined
  /** To where peers brought it in another race; nimctl brings it there first, and its notes of that count. */
  again?: Results
  layout?: 'cache' | 'plain'
}

/** How much slower than the best peer a peer may be to run again: it won't be the best. */
const hopeless = 1.2

/** All tools in turns, each to a bucket of its own. */
export async function race(tools: readonly Tool[], race: Race, context: BenchContext): Promise<Results> {
  const { server, work, directory, layout } = race
  context.say(`${race.name} to ${server.name}`)
  const env = { ...server.env, XDG_STATE_HOME: join(work, 'state'), AZCOPY_LOG_LOCATION: work }
  const settled = { ...env, AZCOPY_JOB_PLAN_LOCATION: join(work, 'plans') }
  const results: Results = new Map()
  for (let round = 0; round < context.rounds; round++) {
    const best = Math.min(...[...results].filter(([name]) => isPeer(name)).map(([, { seconds }]) => seconds))
    for (const tool of tools) {
      const former = results.get(tool.name)
      if (former !== undefined && isPeer(tool.name) && former.seconds > best * hopeless) continue
      const to = (isPeer(tool.name) ? race.again?.get(tool.name)?.to : undefined) ?? {
        server,
        bucket: await server.newBucket(`${tool.name}-${raceNumber++}`),
        prefix: 'models',
        ...(layout && { layout }),
      }
      const command = race.command(tool, to)
      if (command === undefined) continue
      await rm(join(directory, '.nimctl'), { recursive: true, force: true })
      if (race.again !== undefined && !isPeer(tool.name)) await measure(command, { env: settled, work })
      // What the run before left to be written to the disk would slow down this one.
      execFileSync('sync', ['-f', work])
      try {
        const run = await runOnce({ command, to }, { server, env: settled, work })
        context.say(`  ${run.seconds.toFixed(2)} s, ${run.cpuSeconds.toFixed(2)} CPU s: ${command.shown}`)
        results.set(tool.name, better(former, run))
      } catch (error) {
        if (tool.name === 'nimctl') throw error
        context.say(`  ${tool.name} failed: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  await rm(join(directory, '.nimctl'), { recursive: true, force: true })
  return results
}

let raceNumber = 1

async function runOnce(
  { command, to }: Pick<Run, 'command' | 'to'>,
  { server, env, work }: { server: Server; env: Record<string, string>; work: string },
): Promise<Run> {
  const before = await server.take?.()
  const measured = await measure(command, { env, work })
  const stats = await server.take?.()
  if (before === undefined || stats === undefined) return { ...measured, command, to }
  return { ...measured, command, to, stats: { ...stats, cpuSeconds: stats.cpuSeconds - before.cpuSeconds } }
}

function better(one: Run | undefined, other: Run): Run {
  if (one === undefined) return other
  const best = other.seconds < one.seconds ? other : one
  return {
    ...best,
    cpuSeconds: Math.min(one.cpuSeconds, other.cpuSeconds),
    peakMemory: Math.max(one.peakMemory, other.peakMemory),
  }
}

const isPeer = (name: ToolName) => name !== 'nimctl' && name !== 'curl'

/** The fastest of those that do the whole work: curl neither checks nor knows directories. */
export function bestPeer(results: Results): Run {
  const peers = [...results].filter(([name]) => isPeer(name)).map(([, run]) => run)
  return peers.reduce((best, run) => (run.seconds < best.seconds ? run : best))
}

export function ours(results: Results): Run {
  const run = results.get('nimctl')
  if (run === undefined) throw new Error('nimctl was not measured.')
  return run
}
