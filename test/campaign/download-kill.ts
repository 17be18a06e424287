import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { readTree } from '../e2e/trees.ts'
import { carriedAgain, runAndKill, runWatched, sameRecord, type KillResult } from './kill.ts'
import type { Place } from './place.ts'
import type { KillPlan } from './plan-kills.ts'

export function downloadArguments(place: Place, prefix: string, name: string, concurrency = 4): string[] {
  const url = place.url(prefix)
  return ['download', url, place.path(name), ...place.flags, '--concurrency', String(concurrency), '--json']
}

/** Kills a download of what lies below the prefix, runs it again to its end, and compares the directories. */
export async function killDownload(
  place: Place,
  { name, prefix, plan }: { name: string; prefix: string; plan: KillPlan },
): Promise<KillResult> {
  const directory = place.path(name)
  const args = downloadArguments(place, prefix, name, plan.concurrency)
  const killed = await runAndKill(place, args, { name, prefix, plan })
  const there = new Set(Object.keys(await readTree(directory).catch(() => ({}))))
  const noted = await countNotedParts(directory)

  const second = await runWatched(place, args, { name, prefix })
  const again = place.watcher.exchanges
  const ranges = again.filter(({ phase }) => phase === 'range')
  const inParts = new Set(ranges.filter(({ start }) => start !== 0 && start !== undefined).map(({ key }) => key))
  const answered = new Set(
    killed.exchanges
      .filter(({ phase, stage, key }) => phase === 'range' && stage === 'passed' && inParts.has(key))
      .map(({ key, start }) => `${key} ${start}`),
  )
  const problems = [
    ...killed.problems,
    ...(second.exitCode === 0
      ? []
      : [`The second run exited with ${second.exitCode}: ${second.stdout}${second.stderr}`]),
    ...ranges.filter(({ key }) => there.has(key)).map(({ key }) => `${key} was fetched again, and was there.`),
    ...(answered.size - noted > plan.concurrency ? [`Of ${answered.size} fetched ranges, ${noted} were kept.`] : []),
    ...sameRecord(await readTree(directory), place.tree),
  ]
  await rm(directory, { recursive: true, force: true })
  return {
    command: 'download',
    phase: plan.phase,
    stage: plan.stage,
    bytesMoved: killed.bytesMoved,
    againBytes: carriedAgain(killed.exchanges, ranges),
    problems,
  }
}

async function countNotedParts(directory: string): Promise<number> {
  const log = await readFile(join(directory, '.nimctl/incomplete/parts.jsonl'), 'utf8').catch(() => '')
  return log.split('\n').length - 1
}
