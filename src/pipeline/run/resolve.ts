import * as v from 'valibot'

import { NimctlError } from '../../system/errors.ts'
import type { Report } from '../../system/progress.ts'
import { type ModelSettings, variablesOf } from '../config/model-settings.ts'
import type { ModelConfig } from '../config/schema.ts'
import type { LockedModel } from '../lock.ts'
import { failureOf } from './outcome.ts'
import type { Toolbox } from './ports.ts'
import { cacheArgs, choiceArgs } from './step-args.ts'

/** What a model of the file is, this time: which image, which profiles. */
export interface Resolved {
  imageDigest: string
  /** Empty for images without profiles. */
  profiles: string[]
  /** To download, where somebody could say. */
  bytes?: number
}

const plan = v.object({
  imageDigest: v.string(),
  profiles: v.array(v.string()),
  bytes: v.exactOptional(v.number()),
})

export interface ResolveOptions {
  directory: string
  toolbox: Toolbox
  signal: AbortSignal
  report: Report
}

/**
 * Asks the image's registry what the tag is now, and which profiles the choice means. Nothing is downloaded.
 *
 * @throws NimctlError what `nimctl cache --dry-run` says.
 */
export async function resolveModel(
  { image }: ModelConfig,
  settings: ModelSettings,
  { directory, toolbox, signal, report }: ResolveOptions,
): Promise<Resolved> {
  const choice = choiceArgs(settings)
  const args = [...cacheArgs(image, directory, { cache: settings.cache, choice }), '--dry-run']
  const outcome = await toolbox.command(args, { signal, report, env: variablesOf(settings) })
  const error = failureOf(outcome)
  if (error !== undefined) throw new NimctlError(error.category, error.code, error)
  return v.parse(plan, outcome.document)
}

const listing = v.object({ imageDigest: v.string(), profiles: v.array(v.object({ id: v.string() })) })

/** As `resolveModel`; where a profile that is named is gone, what is left of those that are locked. */
export async function resolveLocked(
  model: ModelConfig,
  settings: ModelSettings,
  { locked, ...options }: ResolveOptions & { locked: LockedModel },
): Promise<Resolved> {
  try {
    return await resolveModel(model, settings, options)
  } catch (error) {
    if (!(error instanceof NimctlError) || error.code !== 'PROFILE_UNKNOWN') throw error
    const outcome = await options.toolbox.command(['profiles', model.image], options)
    if (outcome.exitCode !== 0) throw error
    const { imageDigest, profiles } = v.parse(listing, outcome.document)
    return { imageDigest, profiles: locked.profiles.filter(id => profiles.some(profile => profile.id === id)) }
  }
}

/** Whether the lock speaks of this image and this choice; the digest itself is the lock's business. */
export function isLocked({ image }: ModelConfig, settings: ModelSettings, locked: LockedModel | undefined): boolean {
  return locked?.image === image && locked.choice === choiceArgs(settings).join(' ')
}

/** What the lock says and the world doesn't. Empty: the same. */
export function lockChanges(locked: LockedModel, resolved: Resolved): string[] {
  const missing = locked.profiles.filter(id => !resolved.profiles.includes(id))
  const added = resolved.profiles.filter(id => !locked.profiles.includes(id))
  return [
    ...(locked.imageDigest === resolved.imageDigest
      ? []
      : [`${locked.image} was ${locked.imageDigest}, and is now ${resolved.imageDigest}`]),
    ...missing.map(id => `profile ${id} is no longer chosen`),
    ...added.map(id => `profile ${id} is chosen now`),
  ]
}
