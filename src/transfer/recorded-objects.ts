import type { Store } from '../stores/store.ts'
import type { Journal, RecordedObject } from './journal.ts'

interface Place {
  store: Store
  journal: Journal
  key: string
}

/**
 * Notes an object that is there whole. Resolves when the note is on the disk, where the store can't say what the object
 * holds: after a kill nobody else knows.
 */
export async function noteObject(place: Place, object: RecordedObject): Promise<void> {
  place.journal.noteObject(place.key, object)
  await flushIfNeeded(place)
}

/** Before an object is replaced: if a kill comes between, its note must not be believed of the content that follows. */
export async function forgetObject(place: Place): Promise<void> {
  if (!place.journal.objects.has(place.key)) return
  place.journal.forgetObject(place.key)
  await flushIfNeeded(place)
}

async function flushIfNeeded({ store, journal }: Place): Promise<void> {
  if (store.capabilities.statProof !== 'full-checksum') await journal.flush()
}
