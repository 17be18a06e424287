import { formatInventory, inventoryDigest } from '../inventory/format.ts'
import {
  inventoryKey,
  ngcInventoryKey,
  ownFolder,
  type Inventory,
  type InventoryHeader,
} from '../inventory/inventory.ts'
import { checkWhole, collectInventory, readInventory, type InventoryReader } from '../inventory/read.ts'
import type { Store } from '../stores/store.ts'
import { errorCode, isRetryable, NimctlError } from '../system/errors.ts'
import { crc32c } from '../system/hash.ts'
import { canList, listObjects } from './listing.ts'

export interface PublishedInventory {
  inventory: Inventory
  /** `sha256:…` of its bytes. */
  digest: string
}

/** The inventory under a key; `undefined` when there is none, which means: not complete. */
export async function readPublishedInventory(
  store: Store,
  key: string,
  signal: AbortSignal,
): Promise<PublishedInventory | undefined> {
  return await streamInventory(store, { key, signal }, collect)
}

async function collect(reader: InventoryReader): Promise<PublishedInventory> {
  return { inventory: await collectInventory(reader), digest: reader.digest() }
}

const mostBrokenAnswers = 5

/**
 * Hands on the inventory under a key while it arrives, so that it need not fit into memory.
 *
 * @param use is called again, and begins anew, when the answer breaks off.
 * @returns `undefined` when there is none.
 */
export async function streamInventory<T>(
  store: Store,
  { key, signal }: { key: string; signal: AbortSignal },
  use: (reader: InventoryReader) => Promise<T>,
): Promise<T | undefined> {
  try {
    for (let attempt = 1; ; attempt++) {
      const body = await store.read(key, undefined, { signal })
      try {
        return await use(await readInventory(body, describeKey(store, key)))
      } catch (error) {
        // Opening a request again is the store's own business; a body that breaks off is ours.
        if (!isRetryable(error) || attempt === mostBrokenAnswers) throw error
      } finally {
        body.destroy()
      }
    }
  } catch (error) {
    // A bucket that is not there is another matter than a key that is not there.
    if (error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND') return undefined
    if (errorCode(error) === 'ABORT_ERR') signal.throwIfAborted()
    throw error
  }
}

/** Names one of several images that share a bucket (layout `ngc`). */
export interface ImageDigest {
  /** The image reference without digest. */
  reference: string
  /** `sha256:…` */
  digest: string
}

/**
 * The keys of all inventories under a store's prefix: one, or one an image in layout `ngc`, which only a store that can
 * be listed has.
 */
export async function listMarkers(store: Store, signal: AbortSignal): Promise<string[]> {
  if (!canList(store)) return (await store.stat(inventoryKey, { signal })) === undefined ? [] : [inventoryKey]
  const keys: string[] = []
  for await (const { key } of listObjects(store, ownFolder, signal)) if (key.endsWith('.jsonl')) keys.push(key)
  return keys
}

/**
 * The key of the inventory that is meant; `undefined` where it is not there.
 *
 * @param keys as `listMarkers` gives them.
 * @throws NimctlError `usage` / `INVENTORY_AMBIGUOUS` when several images share the bucket and none was named.
 */
export function chooseMarker(
  store: Store,
  keys: readonly string[],
  image: ImageDigest | undefined,
): string | undefined {
  const wanted = image === undefined ? undefined : ngcInventoryKey(image.reference, image.digest)
  if (wanted !== undefined) return keys.find(key => key === wanted || key === inventoryKey)
  if (keys.length <= 1) return keys[0]
  throw new NimctlError('usage', 'INVENTORY_AMBIGUOUS', {
    what: `${describeKey(store, '')} holds several images: ${keys.join(', ')}.`,
    next: 'Say which one, as nimctl list shows them: --image IMAGE@sha256:…',
  })
}

/**
 * The inventory of a store, for what can't do without. All its entries are in memory: some 450 bytes each.
 *
 * @throws NimctlError `check-failed` / `INVENTORY_MISSING`, `usage` / `INVENTORY_AMBIGUOUS`.
 */
export async function requireInventory(
  store: Store,
  image: ImageDigest | undefined,
  signal: AbortSignal,
): Promise<PublishedInventory> {
  return await requireMarker(store, { image, signal }, collect)
}

/** As `requireInventory`, for whom the header and the digest are enough. */
export async function requireHeader(
  store: Store,
  image: ImageDigest | undefined,
  signal: AbortSignal,
): Promise<{ header: InventoryHeader; digest: string }> {
  return await requireMarker(store, { image, signal }, checkWhole)
}

async function requireMarker<T>(
  store: Store,
  { image, signal }: { image: ImageDigest | undefined; signal: AbortSignal },
  use: (reader: InventoryReader) => Promise<T>,
): Promise<T> {
  const keys = await listMarkers(store, signal)
  const key = chooseMarker(store, keys, image)
  const found = key === undefined ? undefined : await streamInventory(store, { key, signal }, use)
  if (found !== undefined) return found
  throw new NimctlError('check-failed', 'INVENTORY_MISSING', {
    what: `There is no inventory${image === undefined ? '' : ` of ${image.reference}`} in ${describeKey(store, '')}, so nobody can say whether it is complete.`,
    why:
      keys.length > 0
        ? `There is ${keys.join(', ')}.`
        : 'It is written last: an upload did not end, or another tool made it.',
    next: 'Run nimctl upload again where the cache is.',
  })
}

/** Goes up last: with it the prefix is complete. Returns its digest. */
export async function publishInventory(
  store: Store,
  key: string,
  { inventory, signal }: { inventory: Inventory; signal: AbortSignal },
): Promise<string> {
  const bytes = Buffer.from(formatInventory(inventory))
  await store.put(key, bytes, { crc32c: crc32c(bytes) }, { signal })
  return inventoryDigest(bytes)
}

/** The place of an object for people: the store's URL and the key. */
export function describeKey(store: Store, key: string): string {
  const { protocol, host, pathname } = store.url
  return `${protocol}//${host}${pathname.endsWith('/') ? pathname : `${pathname}/`}${key}`
}
