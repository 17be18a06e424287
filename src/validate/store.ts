import {
  archiveEntry,
  inventoryKey,
  keyOf,
  ngcInventoryKey,
  type InventoryEntry,
  type InventoryHeader,
} from '../inventory/inventory.ts'
import type { InventoryReader } from '../inventory/read.ts'
import type { Store } from '../stores/store.ts'
import type { Check, CheckLog, CheckReport } from '../system/check.ts'
import { NimctlError } from '../system/errors.ts'
import type { Sorter } from '../system/external-sort.ts'
import type { Report } from '../system/progress.ts'
import { compareStore, namedObject, type NamedObject } from '../transfer/compare.ts'
import { openKeySorter } from '../transfer/listing.ts'
import { chooseMarker, describeKey, listMarkers, streamInventory, type ImageDigest } from '../transfer/marker.ts'
import { checkReader, type ReadAs } from './readers/check-reader.ts'

export interface ValidateStoreRequest {
  store: Store
  /** `sha256:…` that the uploading side printed. */
  inventoryDigest?: string
  /** Ids, or unique beginnings, of profiles that must be there. */
  profiles: readonly string[]
  /** Which inventory, where images share a bucket (layout `ngc`). */
  image?: ImageDigest
  /** Who reads it, with which address; absent: nimctl alone. */
  readAs?: ReadAs
  /** Read contents back. */
  deep: boolean
  /** Where the verdicts go. */
  checks: CheckLog
  concurrency: number
  signal: AbortSignal
  report: Report
}

/**
 * Says whether what was uploaded is all there, without downloading it, and names every key that is not. However many
 * objects there are, inventory, listing and checks take temporary files instead of memory.
 */
export async function validateStore(request: ValidateStoreRequest): Promise<CheckReport> {
  const named = openKeySorter<NamedObject>()
  try {
    return await compareAll(request, named)
  } finally {
    await named.clear()
  }
}

async function compareAll(request: ValidateStoreRequest, named: Sorter<NamedObject>): Promise<CheckReport> {
  const { store, checks, concurrency, signal, report } = request
  const target = describeKey(store, '')
  report({ event: 'started', task: 'validate' })
  const inventory = await readInventories(request, named)
  await checkAsRead(request, inventory?.header, named)
  if (inventory === undefined) {
    report({ event: 'ended', task: 'validate' })
    return checks.report(target, { models: [], profiles: [], files: 0, bytes: 0 })
  }
  const { header } = inventory
  const aboutInventory = [...checkDigest(inventory, request), ...checkProfiles(header, request.profiles)]
  for (const check of aboutInventory) await checks.add(check)
  // A directory keeps no checksums, so its files are read: there is nothing else to ask.
  const deep = request.deep || store.url.protocol === 'file:'
  await compareStore(
    store,
    { named: named.read(), checks },
    { deep, markerKey: inventory.key, concurrency, signal, report },
  )
  report({ event: 'ended', task: 'validate' })
  const { models, files, bytes } = header
  const profiles = header.profiles.map(({ id }) => id)
  return checks.report(target, { models, profiles, files, bytes, inventoryDigest: inventory.digest })
}

async function checkAsRead(
  { store, readAs, checks, signal }: ValidateStoreRequest,
  header: InventoryHeader | undefined,
  named: Sorter<NamedObject>,
): Promise<void> {
  if (readAs === undefined) return
  await checkReader({ store, readAs, ...(header !== undefined && { header }), named: named.read(), checks, signal })
}

interface WholeInventory {
  key: string
  header: InventoryHeader
  /** `sha256:…` */
  digest: string
}

/**
 * Puts what the inventories name into `named`: the one that is meant, and those of other images in the same bucket.
 *
 * @returns `undefined` where the one that is meant is missing or damaged: then a check says so.
 */
async function readInventories(
  request: ValidateStoreRequest,
  named: Sorter<NamedObject>,
): Promise<WholeInventory | undefined> {
  const { store, checks, image, signal } = request
  const keys = await listMarkers(store, signal)
  const own = chooseMarker(store, keys, image)
  if (own === undefined) {
    await checks.add(missingInventory(request, keys))
    return undefined
  }
  const inventory = await readOwn(request, own, named)
  if (inventory === undefined) return undefined
  for (const key of keys.filter(other => other !== own)) await nameOthers(request, key, named)
  return inventory
}

async function readOwn(
  request: ValidateStoreRequest,
  key: string,
  named: Sorter<NamedObject>,
): Promise<WholeInventory | undefined> {
  const { store, checks, signal } = request
  try {
    const inventory = await streamInventory(store, { key, signal }, reader => nameObjects(reader, named))
    const found: Check = { name: 'store.inventory', status: 'ok', method: 'structure', path: key }
    await checks.add(inventory === undefined ? missingInventory(request, [key]) : found)
    return inventory === undefined ? undefined : { key, ...inventory }
  } catch (error) {
    if (!(error instanceof NimctlError) || error.code !== 'INVENTORY_INVALID') throw error
    const { message, why, next } = error
    await checks.add({
      name: 'store.inventory',
      status: 'failed',
      method: 'structure',
      path: key,
      found: [message, why].join(' '),
      ...(next !== undefined && { next }),
    })
    return undefined
  }
}

async function nameObjects(reader: InventoryReader, named: Sorter<NamedObject>): Promise<Omit<WholeInventory, 'key'>> {
  const { header, entries } = reader
  // It may be the second attempt.
  await named.clear()
  const add = async (entry: InventoryEntry): Promise<void> => {
    const object = namedObject(entry, header)
    if (object !== undefined) await named.add(object)
  }
  for (const entry of archiveEntry(header)) await add(entry)
  for await (const entry of entries) await add(entry)
  return { header, digest: reader.digest() }
}

async function nameOthers(
  { store, signal }: ValidateStoreRequest,
  key: string,
  named: Sorter<NamedObject>,
): Promise<void> {
  await streamInventory(store, { key, signal }, async ({ header, entries }) => {
    for await (const entry of entries) {
      const name = keyOf(entry, header)
      if (name !== undefined) await named.add({ key: name })
    }
  })
}

function missingInventory({ store, image }: ValidateStoreRequest, keys: readonly string[]): Check {
  return {
    name: 'store.inventory',
    status: 'failed',
    method: 'structure',
    path: image === undefined ? inventoryKey : ngcInventoryKey(image.reference, image.digest),
    expected: 'an inventory',
    found: keys.length > 0 ? keys.join(', ') : 'nothing',
    next: `The upload to ${describeKey(store, '')} did not end, or another tool made it: run nimctl upload.`,
  }
}

function checkDigest({ digest }: WholeInventory, { inventoryDigest }: ValidateStoreRequest): Check[] {
  if (inventoryDigest === undefined) return []
  const same = digest === inventoryDigest
  return [
    {
      name: 'store.inventory-digest',
      status: same ? 'ok' : 'failed',
      method: 'content',
      path: inventoryKey,
      expected: inventoryDigest,
      found: digest,
      ...(!same && {
        next: 'This is not the upload that the other side meant: compare times and images with nimctl list.',
      }),
    },
  ]
}

function checkProfiles(header: InventoryHeader, profiles: readonly string[]): Check[] {
  return profiles.map(asked => {
    const found = header.profiles.filter(({ id, description }) => id.startsWith(asked) || description === asked)
    const status = found.length === 1 ? 'ok' : 'failed'
    return {
      name: 'store.profile',
      status,
      method: 'structure',
      expected: asked,
      found: found.map(({ id }) => id).join(', ') || `only ${header.profiles.map(({ id }) => id).join(', ') || 'none'}`,
      ...(status === 'failed' && {
        next: 'Build and upload it: nimctl cache IMAGE DIR --profile ID, then nimctl upload.',
      }),
    }
  })
}
