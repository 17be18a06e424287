import pMap from 'p-map'

import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import { settingsOf } from './config/model-settings.ts'
import type { Config, ModelConfig } from './config/schema.ts'
import { type LockedModel, readLock } from './lock.ts'
import { askPlaces, placesOf } from './run/places.ts'
import type { Toolbox } from './run/ports.ts'
import { isLocked, type Resolved, resolveLocked } from './run/resolve.ts'

/** What is not the same between file, lock, images and stores. */
export interface Change {
  model: string
  change:
    | 'not-locked'
    | 'not-in-file'
    | 'choice-changed'
    | 'image-moved'
    | 'image-gone'
    | 'profile-vanished'
    | 'profile-new'
    | 'destination-empty'
    | 'destination-differs'
  /** The profile or the destination. */
  what?: string
  expected?: string
  found?: string
}

export interface DiffRequest {
  config: Config
  lockFile: string
  directoryOf: (model: ModelConfig) => string
  toolbox: Toolbox
  signal: AbortSignal
  report: Report
}

/**
 * Compares the file with its lock, the lock with the images as they are now, and with what lies at the destinations.
 * Nothing is changed.
 */
export async function diff(request: DiffRequest): Promise<Change[]> {
  const { models } = await readLock(request.lockFile)
  const { config } = request
  const changes = await pMap(config.models, model => compare(model, { locked: models[model.name], request }), {
    concurrency: 4,
  })
  const known = new Set(config.models.map(({ name }) => name))
  const leftOver = Object.keys(models).filter(name => !known.has(name))
  return [...changes.flat(), ...leftOver.map((model): Change => ({ model, change: 'not-in-file' }))]
}

async function compare(
  model: ModelConfig,
  { locked, request }: { locked: LockedModel | undefined; request: DiffRequest },
): Promise<Change[]> {
  const settings = settingsOf(model, request.config)
  const { name } = model
  if (locked === undefined) return [{ model: name, change: 'not-locked' }]
  const changed = isLocked(model, settings, locked)
    ? []
    : [{ model: name, change: 'choice-changed' as const, expected: `${locked.image} ${locked.choice}` }]
  const resolved = await ask(model, locked, request)
  const places = await askPlaces(placesOf(model, settings), locked, request)
  return [
    ...changed,
    ...(resolved === undefined
      ? [{ model: name, change: 'image-gone' as const, what: model.image }]
      : imageChanges(name, locked, resolved)),
    ...places.flatMap(({ place, state }): Change[] => {
      if (state === 'matches') return []
      const change = state === 'empty' ? 'destination-empty' : 'destination-differs'
      return [{ model: name, change, what: place.argument, expected: locked.contentDigest }]
    }),
  ]
}

async function ask(model: ModelConfig, locked: LockedModel, request: DiffRequest): Promise<Resolved | undefined> {
  try {
    const directory = request.directoryOf(model)
    return await resolveLocked(model, settingsOf(model, request.config), { ...request, directory, locked })
  } catch (error) {
    if (error instanceof NimctlError && error.category === 'not-found') return undefined
    throw error
  }
}

function imageChanges(model: string, locked: LockedModel, resolved: Resolved): Change[] {
  const vanished = locked.profiles.filter(id => !resolved.profiles.includes(id))
  const added = resolved.profiles.filter(id => !locked.profiles.includes(id))
  const moved = locked.imageDigest !== resolved.imageDigest
  return [
    ...(moved
      ? [{ model, change: 'image-moved' as const, expected: locked.imageDigest, found: resolved.imageDigest }]
      : []),
    ...vanished.map(what => ({ model, change: 'profile-vanished' as const, what })),
    ...added.map(what => ({ model, change: 'profile-new' as const, what })),
  ]
}
