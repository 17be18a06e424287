import pMap from 'p-map'

import { exitCodes, NimctlError } from '../../system/errors.ts'
import type { Report } from '../../system/progress.ts'
import { type Config, type ModelConfig, type StepName, stepNames } from '../config/schema.ts'
import { type Lock, readLock } from '../lock.ts'
import { commandsOf } from './commands.ts'
import { openDiskBudget } from './disk-budget.ts'
import { runModel } from './model-run.ts'
import { type ModelPlan, planModel } from './plan.ts'
import type { Toolbox } from './ports.ts'
import { type ModelResult, type RunResult, type StepError, type StepResult, worstExitCode } from './result.ts'

export interface RunRequest {
  config: Config
  lockFile: string
  /** Where the cache of a model lies on this machine. */
  directoryOf: (model: ModelConfig) => string
  steps: readonly StepName[]
  /** Names of models; absent: all. */
  only?: readonly string[]
  /** The part of the models that this process takes: parts are counted from 0, or from 1. */
  shard?: { index: number; count: number }
  frozen: boolean
  update: boolean
  keepGoing: boolean
  dryRun: boolean
  /** Models at once. */
  parallel: number
  /** Bytes of all caches on this disk; a model's is removed once it is in the stores. */
  maxDisk?: number
  timeoutsMs: Partial<Record<StepName, number>>
  /** Bytes a second, for the hours that a plan names. */
  ratePerSecond: number
  toolbox: Toolbox
  signal: AbortSignal
  report: Report
}

/**
 * Brings every model of the file where the file wants it. What is there is left; so the same command goes on after any
 * interruption, also on another machine.
 *
 * @throws NimctlError `usage` / `MODEL_UNKNOWN`; what concerns one model stands in its result.
 */
export async function run(request: RunRequest): Promise<RunResult> {
  const lock = await readLock(request.lockFile)
  const models = chooseModels(request)
  const planned = await pMap(models, model => tryPlan(model, { lock, request }), { concurrency: 4 })
  const totals = totalsOf(
    planned.flatMap(({ plan }) => plan ?? []),
    request,
  )
  const results = request.dryRun ? planned.map(one => showPlan(one)) : await carryOut(planned, request)
  const errors = results.flatMap(({ steps }) => steps.flatMap(({ error }) => error ?? []))
  return { ok: errors.length === 0, dryRun: request.dryRun, exitCode: worstExitCode(errors), models: results, totals }
}

type Planned =
  | { model: ModelConfig; plan: ModelPlan; error?: never }
  | { model: ModelConfig; plan?: never; error: StepError }

async function tryPlan(model: ModelConfig, { lock, request }: { lock: Lock; request: RunRequest }): Promise<Planned> {
  try {
    const directory = request.directoryOf(model)
    return { model, plan: await planModel(model, { ...request, directory, locked: lock.models[model.name] }) }
  } catch (error) {
    request.signal.throwIfAborted()
    if (!(error instanceof NimctlError)) throw error
    const { category, code, message: what, why, next } = error
    return {
      model,
      error: { category, code, exitCode: exitCodes[category], what, ...(why && { why }), ...(next && { next }) },
    }
  }
}

/** @throws NimctlError `usage` / `MODEL_UNKNOWN`. */
function chooseModels({ config, only, shard }: RunRequest): ModelConfig[] {
  const names = config.models.map(({ name }) => name)
  const unknown = only?.find(name => !names.includes(name))
  if (unknown !== undefined)
    throw new NimctlError('usage', 'MODEL_UNKNOWN', {
      what: `The file has no model ${unknown}.`,
      next: `There are: ${names.join(', ')}`,
    })
  const wanted = config.models.filter(({ name }) => only?.includes(name) ?? true)
  return shard === undefined ? wanted : wanted.filter((_, index) => index % shard.count === shard.index % shard.count)
}

async function carryOut(planned: readonly Planned[], request: RunRequest): Promise<ModelResult[]> {
  const disk = openDiskBudget(request.maxDisk)
  let failed = planned.some(({ error }) => error !== undefined)
  return await pMap(
    planned,
    async ({ model, plan, error }) => {
      if (plan === undefined) return notPlanned(model, error)
      if (failed && !request.keepGoing) return showPlan({ model, plan }, 'not-reached')
      request.report({ event: 'log', source: model.name, line: describe(plan) })
      const result = await runModel(plan, { ...request, disk, release: request.maxDisk !== undefined })
      failed ||= !result.ok
      return result
    },
    { concurrency: request.parallel },
  )
}

function describe({ due }: ModelPlan): string {
  return due.size === 0 ? 'nothing is due' : `due: ${[...due].join(', ')}`
}

function notPlanned({ name, image }: ModelConfig, error: StepError): ModelResult {
  const steps = stepNames.map(step => ({ step, commands: [], seconds: 0, status: 'not-reached' as const }))
  const failing = { step: 'profiles' as const, commands: [], seconds: 0, status: 'failed' as const, error }
  return { name, image, profiles: [], ok: false, steps: steps.map(step => (step.step === 'profiles' ? failing : step)) }
}

function showPlan({ model, plan, error }: Planned, status: 'planned' | 'not-reached' = 'planned'): ModelResult {
  if (plan === undefined) return notPlanned(model, error)
  const steps = stepNames.map((step): StepResult => {
    const due = plan.due.has(step)
    const commands = due ? commandsOf(step, plan).map(args => ['nimctl', ...args].join(' ')) : []
    const { bytes } = plan.resolved
    const moves = due && (step === 'cache' || step === 'upload') && bytes !== undefined
    return { step, status: due ? status : 'off', commands, seconds: 0, ...(moves && { bytes }) }
  })
  const { imageDigest, profiles } = plan.resolved
  return { name: model.name, image: model.image, imageDigest, profiles, ok: true, steps }
}

function totalsOf(plans: readonly ModelPlan[], { maxDisk, parallel, ratePerSecond }: RunRequest): RunResult['totals'] {
  const bytesOf = (step: StepName) =>
    plans.filter(({ due }) => due.has(step)).map(({ resolved }) => resolved.bytes ?? 0)
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const caches = bytesOf('cache')
  const cacheBytes = sum(caches)
  const uploadBytes = sum(bytesOf('upload'))
  // Where caches are released, no more of them lie there than are worked on.
  const most = sum(caches.toSorted((a, b) => b - a).slice(0, parallel))
  const diskBytes = maxDisk === undefined ? cacheBytes : Math.min(maxDisk, most)
  return { cacheBytes, uploadBytes, diskBytes, seconds: Math.ceil((cacheBytes + uploadBytes) / ratePerSecond) }
}
