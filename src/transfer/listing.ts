import type { Store, StoredObject } from '../stores/store.ts'
import { openSorter, type Sorter } from '../system/external-sort.ts'
import { forAll } from '../system/for-all.ts'
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

/** Those objects of these keys that are there: by listing, or where the store lists nothing, by asking for each. */
export async function findObjects(
  store: Store,
  keys: ReadonlySet<string> | ReadonlyMap<string, unknown>,
  signal: AbortSignal,
): Promise<Map<string, StoredObject>> {
  const found = new Map<string, StoredObject>()
  if (canList(store)) {
    for await (const object of listObjects(store, '', signal)) if (keys.has(object.key)) found.set(object.key, object)
  }
  for (const [key, object] of await findUnlisted(store, keys.keys(), { found, signal })) found.set(key, object)
  return found
}

/** Those objects of these keys that are there and that a listing does not show. */
export async function findUnlisted(
  store: Store,
  keys: Iterable<string>,
  { found, signal }: { found: ReadonlyMap<string, unknown>; signal: AbortSignal },
): Promise<Map<string, StoredObject>> {
  const unlisted = new Map<string, StoredObject>()
  const items = Array.from(keys, key => ({ key })).filter(({ key }) => !found.has(key) && isUnlisted(store, key))
  for await (const { key, object } of askEach(store, items, signal)) if (object !== undefined) unlisted.set(key, object)
  return unlisted
}

/** That it is not in a listing says nothing. */
export function isUnlisted({ capabilities }: Store, key: string): boolean {
  if (capabilities.listing === 'no-dot-names') return key.startsWith('.') || key.includes('/.')
  return capabilities.listing === 'none'
}

export function canList({ capabilities }: Store): boolean {
  return capabilities.listing !== 'none'
}

const asksAtOnce = 32

/** Asks a store for each of these, and gives them on in their order with what is there. */
export async function* askEach<T extends { key: string }>(
  store: Store,
  items: Iterable<T> | AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T & { object: StoredObject | undefined }> {
  const ask = async (item: T, stop: AbortSignal) => ({ ...item, object: await store.stat(item.key, { signal: stop }) })
  for await (const batch of batches(items)) yield* await forAll(batch, ask, { concurrency: asksAtOnce, signal })
}

/** Enough for many requests beside each other; the last ones of a batch are waited for before the next one begins. */
const batchSize = 1000

export async function* batches<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < batchSize) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
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
