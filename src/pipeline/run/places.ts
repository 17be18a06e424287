import type { ModelSettings } from '../config/model-settings.ts'
import type { ModelConfig } from '../config/schema.ts'
import { contentOf, type LockedModel } from '../lock.ts'
import type { PlacedDestination, StoredState, Toolbox } from './ports.ts'

/** Where a model goes. Layout `ngc` has its keys at the store's root; else each model has a prefix of its own. */
export function placesOf({ name }: ModelConfig, { upload }: Pick<ModelSettings, 'upload'>): PlacedDestination[] {
  return upload.map(destination => {
    const prefix = destination.prefix ?? (destination.layout === 'ngc' ? '' : name)
    return {
      ...destination,
      prefix,
      argument: prefix === '' ? `@${destination.store}` : `@${destination.store}/${prefix}`,
    }
  })
}

/** `matches`: complete, and what the lock says; `other`: something else, or not whole. */
type PlaceState = 'matches' | 'other' | 'empty'

export interface AskedPlace {
  place: PlacedDestination
  state: PlaceState
  stored?: StoredState
}

/** Asks each destination, by listing alone. */
export async function askPlaces(
  places: readonly PlacedDestination[],
  locked: LockedModel | undefined,
  { toolbox, signal }: { toolbox: Toolbox; signal: AbortSignal },
): Promise<AskedPlace[]> {
  return await Promise.all(
    places.map(async place => {
      const image = locked && { reference: locked.image, digest: locked.imageDigest }
      const stored = await toolbox.lookAt(place, image, signal)
      if (stored === undefined) return { place, state: 'empty' as const }
      return { place, stored, state: isAsLocked(stored, place, locked) ? ('matches' as const) : ('other' as const) }
    }),
  )
}

function isAsLocked(
  { inventory, complete }: StoredState,
  { layout = 'cache' }: PlacedDestination,
  locked: LockedModel | undefined,
) {
  const { header } = inventory
  if (locked === undefined || !complete || header.layout !== layout) return false
  return header.imageDigest === locked.imageDigest && contentOf(inventory).contentDigest === locked.contentDigest
}
