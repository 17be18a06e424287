import { NimctlError } from '../../system/errors.ts'
import type { Report } from '../../system/progress.ts'
import { type ModelSettings, settingsOf } from '../config/model-settings.ts'
import type { Config, ModelConfig, StepName } from '../config/schema.ts'
import type { LockedModel } from '../lock.ts'
import { askPlaces, type AskedPlace, placesOf } from './places.ts'
import type { Toolbox } from './ports.ts'
import { isLocked, lockChanges, type Resolved, resolveLocked, resolveModel } from './resolve.ts'

/** What is due for a model, decided before anything is changed. */
export interface ModelPlan {
  model: ModelConfig
  settings: ModelSettings
  /** Of the cache on this machine. */
  directory: string
  resolved: Resolved
  /** The lock's word, where it speaks of this image and choice. */
  locked?: LockedModel
  places: AskedPlace[]
  due: ReadonlySet<StepName>
}

export interface PlanOptions {
  config: Config
  locked: LockedModel | undefined
  directory: string
  steps: readonly StepName[]
  /** Refuse what differs from the lock. */
  frozen: boolean
  /** Ask anew what the lock says. */
  update: boolean
  /** Bytes that caches may take on this disk. */
  maxDisk?: number
  toolbox: Toolbox
  signal: AbortSignal
  report: Report
}

/**
 * The destinations are asked first: what lies there as the lock says is neither mirrored, nor downloaded, nor sent again.
 *
 * @throws NimctlError `check-failed` / `LOCK_MISSING`, `LOCK_CHANGED`; `local` / `DISK_LIMIT`; what asking image and stores throws.
 */
export async function planModel(model: ModelConfig, options: PlanOptions): Promise<ModelPlan> {
  const { config, directory, frozen, update } = options
  const settings = settingsOf(model, config)
  const trusted = !update && isLocked(model, settings, options.locked) ? options.locked : undefined
  if (frozen && trusted === undefined) throw lockMissing(model)
  const resolved = await resolve(model, { settings, trusted, options })
  const locked = trusted ?? sameAs(options.locked, resolved)
  const places = await askPlaces(placesOf(model, settings), locked, options)
  const mirrored = await isMirrored(settings, { locked, places, options })
  const due = stepsDue(settings, { places, mirrored, steps: options.steps })
  if (due.has('cache')) checkSize(model, resolved, options.maxDisk)
  return { model, settings, directory, resolved, ...(locked && { locked }), places, due }
}

function checkSize({ name }: ModelConfig, { bytes = 0 }: Resolved, maxDisk = Number.POSITIVE_INFINITY): void {
  if (bytes <= maxDisk) return
  throw new NimctlError('local', 'DISK_LIMIT', {
    what: `The cache of ${name} needs ${bytes} bytes, and --max-disk permits ${maxDisk}.`,
    next: 'Permit more, or choose fewer profiles.',
  })
}

async function resolve(
  model: ModelConfig,
  { settings, trusted, options }: { settings: ModelSettings; trusted: LockedModel | undefined; options: PlanOptions },
): Promise<Resolved> {
  if (trusted === undefined) return await resolveModel(model, settings, options)
  if (!options.frozen) return trusted
  const resolved = await resolveLocked(model, settings, { ...options, locked: trusted })
  const changes = lockChanges(trusted, resolved)
  if (changes.length > 0) throw lockChanged(model, changes)
  return resolved
}

/** A lock that was asked anew and says the same still knows the files. */
function sameAs(locked: LockedModel | undefined, resolved: Resolved): LockedModel | undefined {
  return locked !== undefined && lockChanges(locked, resolved).length === 0 ? locked : undefined
}

/** Where all destinations have the model, the mirror alone is asked: nobody outside. */
async function isMirrored(
  { mirror }: ModelSettings,
  { locked, places, options }: { locked: LockedModel | undefined; places: readonly AskedPlace[]; options: PlanOptions },
): Promise<boolean> {
  const { mirrored } = locked ?? {}
  if (mirror === undefined || mirrored === undefined || places.some(({ state }) => state !== 'matches')) return false
  if (!mirrored.destination.startsWith(mirror.to.replace(/^docker:\/\//, ''))) return false
  return (await options.toolbox.digestOf(mirrored.destination, mirror, options.signal)) === mirrored.digest
}

function stepsDue(
  { mirror, upload, emit }: ModelSettings,
  { places, mirrored, steps }: { places: readonly AskedPlace[]; mirrored: boolean; steps: readonly StepName[] },
): Set<StepName> {
  const missing = places.some(({ state }) => state !== 'matches') || upload.length === 0
  const asked: Record<StepName, boolean> = {
    mirror: mirror !== undefined && !mirrored,
    profiles: true,
    // From one destination the others are filled without NGC.
    cache: missing && !places.some(({ state }) => state === 'matches'),
    upload: upload.length > 0 && missing,
    validate: upload.length > 0,
    emit: emit.length > 0,
  }
  return new Set(steps.filter(step => asked[step]))
}

function lockMissing({ name, image }: ModelConfig): NimctlError {
  return new NimctlError('check-failed', 'LOCK_MISSING', {
    what: `The lock has no word of ${name} with ${image} and these profiles.`,
    why: 'With --locked only what the lock says is done.',
    next: 'Run without --locked where NGC is reachable, and commit nimctl.lock.',
  })
}

function lockChanged({ name }: ModelConfig, changes: readonly string[]): NimctlError {
  return new NimctlError('check-failed', 'LOCK_CHANGED', {
    what: `${name} is not what the lock says.`,
    why: changes.join('; '),
    next: 'nimctl diff shows all changes; nimctl run --update takes them over.',
  })
}
