import { exitCodes, type ErrorCategory } from '../../system/errors.ts'
import type { StepName } from '../config/schema.ts'

/** What a run says of an error: the fields that the failed command printed. */
export interface StepError {
  category: ErrorCategory
  code: string
  exitCode: number
  what: string
  why?: string
  next?: string
}

/**
 * `done` changed something or proved something; `present`: the world and the lock say that nothing is due; `off`: the file
 * does not ask for it, or the run not for this step; `planned`: a dry run.
 */
type StepStatus = 'done' | 'present' | 'off' | 'planned' | 'failed' | 'not-reached'

export interface StepResult {
  step: StepName
  status: StepStatus
  /** As a person would type it. */
  commands: string[]
  seconds: number
  /** To move, or moved. */
  bytes?: number
  error?: StepError
}

export interface ModelResult {
  name: string
  image: string
  imageDigest?: string
  profiles: string[]
  ok: boolean
  steps: StepResult[]
}

export interface RunResult {
  ok: boolean
  dryRun: boolean
  /** Of the worst failure; 0 where all went well. */
  exitCode: number
  models: ModelResult[]
  /** A dry run: what the steps that are due would move. */
  totals: { cacheBytes: number; uploadBytes: number; diskBytes: number; seconds?: number }
}

/** From the worst on: a bug, this machine, a missing tool, no permission; what only has to be tried again comes last. */
const bySeverity: readonly ErrorCategory[] = [
  'unexpected',
  'local',
  'missing-tool',
  'auth',
  'usage',
  'not-found',
  'check-failed',
  'unavailable',
]

export function worstExitCode(errors: readonly StepError[]): number {
  const worst = bySeverity.find(category => errors.some(error => error.category === category))
  return worst === undefined ? 0 : exitCodes[worst]
}
