import type { Store, StoredObject } from '../stores/store.ts'

/** Every object under a prefix, in the order of keys, page by page. */
export async function* listObjects(store: Store, prefix: string, signal: AbortSignal): AsyncGenerator<StoredObject> {
  let cursor: string | undefined
  do {
    const page = await store.list(prefix, cursor, { signal })
    yield* page.objects
    cursor = page.cursor
  } while (cursor !== undefined)
}
