import type { Phase } from './phase.ts'

/** How far a step is when something is to happen. */
export type Stage =
  /** The store has not seen it. */
  | 'arrived'
  /** Some bytes have passed: of what is sent, or of the answer where nothing is sent. */
  | 'halfway'
  /** The store has answered; nimctl does not know. */
  | 'answered'
  /** nimctl has the answer. */
  | 'passed'

export interface Moment {
  phase: Phase
  /** Of the steps of this phase, from 0. */
  nth: number
  stage: Stage
  /** Of the bytes, for `halfway`. */
  fraction: number
  strike: () => void
}

/** One step at a store: a request, or what comes in its place. */
export interface Exchange {
  phase: Phase
  key: string
  /** Of a part, from 1. */
  number: number | undefined
  /** First byte of what is read. */
  start: number | undefined
  /** Bytes that are sent, or read. */
  size: number
  stage: Stage
}

/** Sees every step of nimctl at a store, and lets something happen at a chosen point of one. */
export interface Watcher {
  /** Forgets what was, and strikes at a moment to come. */
  watch(prefix: string, moment?: Moment): void
  /** All since `watch`, in order. */
  readonly exchanges: readonly Exchange[]
  /** Resolves when the store has ended with all that reached it, and all of it was seen. */
  idle(): Promise<void>
  /** What has to run nimctl to be able to see it. */
  readonly program?: readonly [string, ...string[]]
  stop(): void
}

/** The steps since `watch`, and the moment that is waited for. */
export interface Steps {
  readonly all: Exchange[]
  /** Of the bytes of this one, when `halfway` is the moment; else all of them. */
  readonly halfOf: (exchange: Exchange) => number
  readonly reach: (exchange: Exchange, stage: Stage) => void
}

export function openSteps(moment: Moment | undefined): Steps {
  const all: Exchange[] = []
  let waiting = moment
  return {
    all,
    halfOf: ({ phase }) => (waiting?.stage === 'halfway' && waiting.phase === phase ? waiting.fraction : 1),
    reach(exchange, stage) {
      exchange.stage = stage
      if (waiting === undefined || waiting.phase !== exchange.phase || waiting.stage !== stage) return
      if (all.filter(({ phase }) => phase === exchange.phase).indexOf(exchange) !== waiting.nth) return
      const { strike } = waiting
      waiting = undefined
      strike()
    },
  }
}
