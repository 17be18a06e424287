import type { Seeded } from '../seeded.ts'
import { contentPhases, type Phase } from './phase.ts'
import type { Exchange, Moment, Stage } from './watcher.ts'

export type KillPlan = Omit<Moment, 'strike'> & { concurrency: number }

/** Out of a hundred kills; what is left hits content on its way. */
const shares: Partial<Record<Phase, number>> = { create: 3, complete: 3, copy: 3, inventory: 3, put: 20 }

/** After their last answer the run ends, and may end before it is killed. */
const lastPhases: ReadonlySet<Phase> = new Set(['inventory', 'range'])

/**
 * So many kills, each phase hit by its share and at least once, as far as the kills suffice.
 *
 * @param phases those that an upload to this store has.
 * @param calm the requests of a run that was left alone: they say how many of a phase there are to choose from.
 */
export function planUploadKills(
  kills: number,
  { phases, calm, random }: { phases: readonly Phase[]; calm: readonly Exchange[]; random: Seeded },
): KillPlan[] {
  const rare = phases.flatMap(phase =>
    Array.from({ length: Math.max(1, Math.floor(((shares[phase] ?? 0) * kills) / 100)) }, () => phase),
  )
  const chosen = rare.length < kills ? rare : random.shuffle(rare).slice(0, Math.max(0, kills - 1))
  const parts = Array.from({ length: kills - chosen.length }, (): Phase => 'part')
  return plan([...chosen, ...parts], calm, random)
}

export function planDownloadKills(kills: number, calm: readonly Exchange[], random: Seeded): KillPlan[] {
  return plan(
    Array.from({ length: kills }, (): Phase => 'range'),
    calm,
    random,
  )
}

function plan(phases: readonly Phase[], calm: readonly Exchange[], random: Seeded): KillPlan[] {
  return random.shuffle(phases).map(phase => {
    const available = calm.filter(exchange => exchange.phase === phase).length
    if (available === 0) throw new Error(`No request of a calm run is a ${phase}.`)
    const afterwards: Stage[] = lastPhases.has(phase) ? [] : ['passed']
    const inside: Stage[] = contentPhases.has(phase) ? Array.from({ length: 7 }, () => 'halfway') : []
    return {
      phase,
      nth: random.below(available),
      stage: random.pick<Stage>(['arrived', 'answered', ...afterwards, ...inside]),
      fraction: random.fraction(),
      concurrency: random.pick([2, 4, 8]),
    }
  })
}
