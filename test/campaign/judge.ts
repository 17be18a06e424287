import type { KillResult } from './kill.ts'
import type { Phase } from './phase.ts'

/** What a campaign promises holds of many kills; fewer are judged by what went wrong alone. */
const fullRun = 200

const leastMoved = 0.8

const leastOfPhase = 5

/**
 * What speaks against a campaign, a sentence each; empty: it shows what it is there to show.
 *
 * @param phases those that an upload to this store has, beside `part`.
 */
export function judgeCampaign(results: readonly KillResult[], phases: readonly Phase[]): string[] {
  const troubled = results.filter(({ problems }) => problems.length > 0).length
  return [
    ...(results.length === 0 ? ['Nothing was killed.'] : []),
    ...(troubled > 0 ? [`After ${troubled} of ${results.length} kills something was not as it should be.`] : []),
    ...(results.length < fullRun
      ? []
      : [...judgeMoved(results), ...['part' as const, ...phases].flatMap(phase => judgePhase(results, phase))]),
  ]
}

function judgeMoved(results: readonly KillResult[]): string[] {
  const moved = results.filter(({ bytesMoved }) => bytesMoved).length
  if (moved >= leastMoved * results.length) return []
  return [`Bytes moved at ${moved} of ${results.length} kills: less than ${leastMoved * 100}%.`]
}

function judgePhase(results: readonly KillResult[], phase: Phase): string[] {
  const hit = results.filter(result => result.phase === phase).length
  return hit >= leastOfPhase ? [] : [`${phase} was hit ${hit} times, not ${leastOfPhase}.`]
}
