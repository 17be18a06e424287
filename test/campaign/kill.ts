import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

import { nimctl, startNimctl, type Outcome, type RunOptions } from '../e2e/nimctl.ts'
import { contentPhases, type Phase } from './phase.ts'
import type { Place } from './place.ts'
import type { KillPlan } from './plan-kills.ts'
import type { Exchange, Stage, Watcher } from './watcher.ts'

export interface KillResult {
  command: 'upload' | 'download'
  phase: Phase
  stage: Stage
  /** Content was on its way when it was killed. */
  bytesMoved: boolean
  /** Content that the killed run had begun and the next one sent or fetched again. */
  againBytes: number
  /** Empty: all is as it should be. */
  problems: string[]
}

interface Killed {
  exchanges: readonly Exchange[]
  bytesMoved: boolean
  problems: string[]
}

/** Runs nimctl until the planned moment and kills it there; resolves when the store has come to rest. */
export async function runAndKill(
  { watcher, env }: Place,
  args: readonly string[],
  { name, prefix, plan }: { name: string; prefix: string; plan: KillPlan },
): Promise<Killed> {
  let bytesMoved = false
  watcher.watch(prefix, {
    ...plan,
    strike() {
      bytesMoved = watcher.exchanges.some(({ phase, stage }) => contentPhases.has(phase) && stage !== 'passed')
      child.kill('SIGKILL')
    },
  })
  const child = startNimctl(args, { env: env(name), ...programOf(watcher) })
  const said = text(child.stderr ?? Readable.from([]))
  child.stdout?.resume()
  const [code, signal] = await once(child, 'exit')
  await watcher.idle()
  const problems = signal === 'SIGKILL' ? [] : [`It was not killed, and ended with ${code}: ${await said}`]
  return { exchanges: watcher.exchanges, bytesMoved, problems }
}

/** Runs nimctl to its end, and leaves what was seen of it with the watcher. */
export async function runWatched(
  { watcher, env }: Place,
  args: readonly string[],
  { name, prefix }: { name: string; prefix: string },
): Promise<Outcome> {
  watcher.watch(prefix)
  const outcome = await nimctl(args, { env: env(name), ...programOf(watcher) })
  await watcher.idle()
  return outcome
}

function programOf({ program }: Watcher): Pick<RunOptions, 'program'> {
  return program === undefined ? {} : { program }
}

/** What identifies a piece of content, and its bytes. */
function pieceOf({ key, number, start }: Exchange): string {
  return `${key} ${number ?? start}`
}

/** Bytes of the second run that the first had begun to carry. */
export function carriedAgain(first: readonly Exchange[], second: readonly Exchange[]): number {
  const begun = new Set(first.filter(({ phase }) => contentPhases.has(phase)).map(pieceOf))
  return second
    .filter(exchange => contentPhases.has(exchange.phase) && begun.has(pieceOf(exchange)))
    .reduce((sum, { size }) => sum + size, 0)
}

export function sameRecord(found: Record<string, string>, expected: Record<string, string>): string[] {
  const names = new Set([...Object.keys(found), ...Object.keys(expected)])
  return [...names].flatMap(name =>
    found[name] === expected[name] ? [] : [`${name} is ${found[name]}, not ${expected[name]}.`],
  )
}
