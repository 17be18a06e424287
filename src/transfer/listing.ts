import type { Store, StoredObject } from '../stores/store.ts'
import { openSorter, type Sorter } from '../system/external-sort.ts'
import { compareUtf8 } from '../system/utf8-order.ts'

/** Every object under a prefix, page by page, in the order that the store's `sortedListing` tells. */
export async function* listObjects(store: Store, prefix: string, signal: AbortSignal): AsyncGenerator<StoredObject> {
  let cursor: string | undefined
  do {
    const page = await store.list(prefix, cursor, { signal })
    yield* page.objects
    cursor = page.cursor
  } while (cursor !== undefined)
}

/** A sorter for what has keys: in their UTF-8 order, as inventories and sorted listings are. */
export function openKeySorter<T extends { key: string }>(): Sorter<T> {
  return openSorter<T>((a, b) => compareUtf8(a.key, b.key))
}

/** Every object under a prefix in the UTF-8 order of keys, whatever the store's own order: that may take a temporary file. */
export async function* listSorted(store: Store, prefix: string, signal: AbortSignal): AsyncGenerator<StoredObject> {
  if (store.capabilities.sortedListing) return yield* ascending(listObjects(store, prefix, signal))
  const objects = openKeySorter<StoredObject>()
  try {
    for await (const object of listObjects(store, prefix, signal)) await objects.add(object)
    yield* objects.read()
  } finally {
    await objects.clear()
  }
}

/** What is merged in the wrong order would be missed. */
async function* ascending(objects: AsyncIterable<StoredObject>): AsyncGenerator<StoredObject> {
  let last = ''
  for await (const object of objects) {
    if (compareUtf8(last, object.key) >= 0) throw new Error(`The store lists ${object.key} behind ${last}.`)
    last = object.key
    yield object
  }
}
