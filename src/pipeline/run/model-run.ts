import { rm } from 'node:fs/promises'

import * as v from 'valibot'

import { readCacheRecord } from '../../cache/record.ts'
import { scanCacheTree } from '../../cache/scan.ts'
import { exitCodes, NimctlError } from '../../system/errors.ts'
import type { Report } from '../../system/progress.ts'
import { variablesOf } from '../config/model-settings.ts'
import { type StepName, stepNames } from '../config/schema.ts'
import { contentOf, type LockedModel, type MirroredImage, updateLock } from '../lock.ts'
import { waitForLock } from '../wait-for-lock.ts'
import { commandsOf } from './commands.ts'
import type { DiskBudget } from './disk-budget.ts'
import { failureOf } from './outcome.ts'
import type { ModelPlan } from './plan.ts'
import type { CommandOutcome, Toolbox } from './ports.ts'
import type { ModelResult, StepError, StepResult } from './result.ts'
import { choiceArgs } from './step-args.ts'

export interface ModelRunOptions {
  lockFile: string
  frozen: boolean
  /** Remove the cache from this disk once it is in the stores. */
  release: boolean
  disk: DiskBudget
  timeoutsMs: Partial<Record<StepName, number>>
  toolbox: Toolbox
  signal: AbortSignal
  report: Report
}

const mirrorResult = v.object({
  images: v.tuple([
    v.pipe(
      v.object({
        destination: v.string(),
        digest: v.string(),
        platformDigests: v.array(v.object({ platform: v.string(), digest: v.string() })),
      }),
      v.transform(({ platformDigests, ...image }) => ({ ...image, platforms: platformDigests })),
    ),
  ]),
})

/** Carries out what is due for a model, in the order of the flow. A failed step ends it; what is finished is kept. */
export async function runModel(plan: ModelPlan, options: ModelRunOptions): Promise<ModelResult> {
  const { model, resolved, due } = plan
  const steps: StepResult[] = []
  const free = due.has('cache') ? await options.disk.acquire(plan.resolved.bytes ?? 0) : () => {}
  try {
    const noted: Noted = {}
    for (const step of stepNames)
      steps.push(await takeStep(step, { plan, options, noted, failed: steps.some(isFailed) }))
  } finally {
    free()
  }
  return {
    name: model.name,
    image: model.image,
    imageDigest: resolved.imageDigest,
    profiles: resolved.profiles,
    ok: !steps.some(isFailed),
    steps,
  }
}

function isFailed({ status }: StepResult): boolean {
  return status === 'failed'
}

/** What one step learns for the lock. */
interface Noted {
  mirrored?: MirroredImage
}

interface Place {
  plan: ModelPlan
  options: ModelRunOptions
  noted: Noted
  failed: boolean
}

async function takeStep(step: StepName, { plan, options, noted, failed }: Place): Promise<StepResult> {
  const nothing = { step, commands: [], seconds: 0 }
  if (failed) return { ...nothing, status: plan.due.has(step) ? 'not-reached' : 'off' }
  if (!plan.due.has(step)) return { ...nothing, status: isWanted(step, plan) ? 'present' : 'off' }
  const beganMs = performance.now()
  const commands = commandsOf(step, plan)
  const error = await carryOut(step, { commands, plan, options, noted })
  return {
    step,
    status: error === undefined ? 'done' : 'failed',
    commands: commands.map(args => ['nimctl', ...args].join(' ')),
    seconds: Math.round((performance.now() - beganMs) / 100) / 10,
    ...(error && { error }),
  }
}

/** What is not due although the file asks for it is there already. */
function isWanted(step: StepName, { settings }: ModelPlan): boolean {
  if (step === 'mirror') return settings.mirror !== undefined
  return (step === 'cache' || step === 'upload') && settings.upload.length > 0
}

async function carryOut(
  step: StepName,
  { commands, plan, options, noted }: Omit<Place, 'failed'> & { commands: string[][] },
): Promise<StepError | undefined> {
  const timeoutMs = options.timeoutsMs[step]
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
  const signal = timeout === undefined ? options.signal : AbortSignal.any([options.signal, timeout])
  try {
    for (const args of commands) {
      const document = await waitForLock(() => runCommand(args, { plan, options, signal }), signal)
      if (step === 'mirror') noted.mirrored = v.parse(mirrorResult, document).images[0]
    }
    if (step === 'cache' && options.frozen) await checkCache(plan)
    if (step === 'upload') await noteUpload(plan, options, noted)
    return undefined
  } catch (error) {
    options.signal.throwIfAborted()
    if (timeout?.aborted === true) return timedOut(step, timeoutMs ?? 0)
    if (error instanceof NimctlError) return describe(error)
    throw error
  }
}

/** @throws NimctlError what the command says of itself. */
async function runCommand(
  args: readonly string[],
  { plan, options, signal }: { plan: ModelPlan; options: ModelRunOptions; signal: AbortSignal },
): Promise<CommandOutcome['document']> {
  // Another step's store or registry is no business of the container's variables.
  const env = args[0] === 'cache' ? variablesOf(plan.settings) : {}
  const outcome = await options.toolbox.command(args, { signal, report: options.report, env })
  const error = failureOf(outcome)
  if (error !== undefined) throw new NimctlError(error.category, error.code, error)
  return outcome.document
}

/** The lock takes what arrived; with --locked it must be what the lock says. */
async function noteUpload(
  plan: ModelPlan,
  { toolbox, signal, lockFile, frozen, release }: ModelRunOptions,
  { mirrored = plan.locked?.mirrored }: Noted,
) {
  const { model, settings, resolved } = plan
  const image = { reference: model.image, digest: resolved.imageDigest }
  const [first] = plan.places
  const stored = first && (await toolbox.lookAt(first.place, image, signal))
  if (stored === undefined) return
  const content = contentOf(stored.inventory)
  if (frozen && content.contentDigest !== plan.locked?.contentDigest)
    throw contentChanged(plan, changedFile(plan, content))
  if (!frozen) {
    const locked = {
      image: model.image,
      imageDigest: resolved.imageDigest,
      ...(mirrored && { mirrored }),
      choice: choiceArgs(settings).join(' '),
      profiles: resolved.profiles,
      ...content,
    }
    await updateLock(lockFile, { name: model.name, model: locked, signal })
  }
  if (release) await releaseCache(plan)
}

/**
 * Before anything is sent: names and sizes must be those of the lock. In a hub tree the names are the contents' hashes.
 *
 * @throws NimctlError `check-failed` / `LOCK_CHANGED`.
 */
async function checkCache(plan: ModelPlan): Promise<void> {
  const { entries } = await scanCacheTree(plan.directory)
  const found = new Map(entries.flatMap(entry => (entry.type === 'file' ? [[entry.path, entry.size]] : [])))
  const changed = plan.locked?.files.find(({ path, size }) => found.get(path) !== size)
  if (changed !== undefined || found.size !== plan.locked?.files.length) throw contentChanged(plan, changed?.path)
}

/** Nothing is removed but what `nimctl cache` filled. */
async function releaseCache({ directory }: ModelPlan): Promise<void> {
  if ((await readCacheRecord(directory)) !== undefined) await rm(directory, { recursive: true, force: true })
}

/** The first file that is not what the lock says. */
function changedFile({ locked }: ModelPlan, { files }: Pick<LockedModel, 'files'>): string | undefined {
  const known = new Map(locked?.files.map(file => [file.path, `${file.size} ${file.crc32c}`]))
  return files.find(file => known.get(file.path) !== `${file.size} ${file.crc32c}`)?.path
}

function contentChanged({ model }: ModelPlan, changed: string | undefined): NimctlError {
  return new NimctlError('check-failed', 'LOCK_CHANGED', {
    what: `${model.name} has other files than the lock says.`,
    why: changed === undefined ? 'There are more files, or fewer.' : `${changed} differs.`,
    next: 'nimctl diff shows all changes; nimctl run --update takes them over.',
  })
}

function timedOut(step: StepName, timeoutMs: number): StepError {
  return {
    category: 'unavailable',
    code: 'STEP_TIMED_OUT',
    exitCode: exitCodes.unavailable,
    what: `The step ${step} did not end within ${timeoutMs / 1000} s.`,
    next: 'The same command goes on; or give it more under run.timeouts.',
  }
}

function describe({ category, code, message, why, next }: NimctlError): StepError {
  return {
    category,
    code,
    exitCode: exitCodes[category],
    what: message,
    ...(why !== undefined && { why }),
    ...(next !== undefined && { next }),
  }
}
