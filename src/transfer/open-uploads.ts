import type { OpenUpload, SavedUpload, Store } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'

interface Place {
  store: Store
  key: string
}

/** What a run left whose journal is elsewhere or lost, or that was killed before it noted what it had begun. */
export async function findOpenUpload(
  place: Place,
  { size, partSize, signal }: { size: number; partSize: number; signal: AbortSignal },
): Promise<SavedUpload | undefined> {
  const { minPart, maxParts } = place.store.capabilities
  const [found] = await listOpen(place, signal)
  if (found === undefined) return undefined
  // Of one without parts, or with a short last one alone, nobody can tell the size.
  const known = found.partSize >= minPart && Math.ceil(size / found.partSize) <= maxParts
  return { key: place.key, id: found.id, partSize: known ? found.partSize : partSize }
}

/** Where the answer to a request that began an upload got lost, the retry began another one: the first stays empty. */
export async function removeEmptyUploads(place: Place, signal: AbortSignal): Promise<void> {
  for (const upload of await listOpen(place, signal)) {
    if (upload.partSize === 0) await place.store.abortUpload?.(upload, { signal })
  }
}

/** Those with parts first. Who may upload may not always list uploads: then nothing is found. */
async function listOpen({ store, key }: Place, signal: AbortSignal): Promise<OpenUpload[]> {
  try {
    const open = await Array.fromAsync(store.listUploads?.(key, { signal }) ?? [])
    return open.filter(upload => upload.key === key).toSorted((a, b) => b.partSize - a.partSize)
  } catch (error) {
    if (error instanceof NimctlError && error.category !== 'unavailable') return []
    throw error
  }
}
