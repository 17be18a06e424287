import {
  archiveEntry,
  inventoryKey,
  keyOf,
  ngcInventoryKey,
  type InventoryEntry,
  type InventoryHeader,
  type InventoryProfile,
} from '../inventory/inventory.ts'
import type { InventoryReader } from '../inventory/read.ts'
import type { Store } from '../stores/store.ts'
import type { Check, CheckLog, CheckReport, CheckSummary } from '../system/check.ts'
import { NimctlError } from '../system/errors.ts'
import type { Sorter } from '../system/external-sort.ts'
import type { Report } from '../system/progress.ts'
import { compareStore, namedObject, type NamedObject } from '../transfer/compare.ts'
import { openKeySorter } from '../transfer/listing.ts'
import { chooseMarker, describeKey, listMarkers, streamInventory, type ImageDigest } from '../transfer/marker.ts'
import { expectDirectory } from './against-directory.ts'
import { expectImage, modelFile, namesOf, type ModelFile } from './against-image.ts'
import { expectStore } from './against-store.ts'
import type { Against, AgainstRequest, Expectation } from './against.ts'
import { openModelWatch } from './model-watch.ts'
import { checkReader, type ReadAs } from './readers/check-reader.ts'
import { markSample, type Sample } from './sample.ts'
import { checkUnfinished } from './unfinished.ts'

export interface ValidateStoreRequest {
  store: Store
  /** What to compare with, instead of the store's own inventory, which then need not be there. */
  against?: Against
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
  /** Read some of them back, where `deep` does not read all. @param random as `Math.random`. */
  sample?: { size: Sample; random: () => number }
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
  const named = openNamed()
  request.report({ event: 'started', task: 'validate' })
  try {
    return await compareAll(request, named)
  } finally {
    request.report({ event: 'ended', task: 'validate' })
    await named.sorter.clear()
  }
}

/** What should be there, and how many objects of it have a content that is known. */
interface Named {
  sorter: Sorter<NamedObject>
  known: number
  /** Files of models, as an inventory has them; only those that an image may ask for. */
  modelFiles: ModelFile[]
}

function openNamed(): Named {
  return { sorter: openKeySorter<NamedObject>(), known: 0, modelFiles: [] }
}

function addNamed(named: Named, object: NamedObject): Promise<void> | undefined {
  if (object.expected !== undefined) named.known += 1
  return named.sorter.add(object)
}

async function forget(named: Named): Promise<void> {
  named.known = 0
  named.modelFiles = []
  await named.sorter.clear()
}

async function compareAll(request: ValidateStoreRequest, named: Named): Promise<CheckReport> {
  const { store, against, checks } = request
  const target = describeKey(store, '')
  const found = await readInventories(request, named)
  if (found === 'bad') {
    await checkAsRead(request, undefined, named)
    return checks.report(target, { models: [], profiles: [], files: 0, bytes: 0, ...(await askedBy(store)) })
  }
  const expectation = await expect(request, found, named)
  try {
    for (const check of aboutInventory(request, found, expectation)) await checks.add(check)
    await checkAsRead(request, found?.header, named)
    const read = await compareObjects(request, { found, expectation, named })
    if (checks.wants('store.unfinished-upload')) await checkUnfinished(store, request)
    const { models, profiles, files, bytes } = expectation
    return checks.report(target, {
      models,
      profiles: profiles.map(({ id }) => id),
      files,
      bytes,
      ...(found !== undefined && { inventoryDigest: found.digest }),
      ...(against !== undefined && { against: describeAgainst(against) }),
      ...(read.files > 0 && { read }),
      ...(await askedBy(store)),
    })
  } finally {
    await expectation.close?.()
  }
}

async function compareObjects(
  request: ValidateStoreRequest,
  { found, expectation, named }: { found: WholeInventory | undefined; expectation: Expectation; named: Named },
): Promise<NonNullable<CheckSummary['read']>> {
  const { store, sample, checks, concurrency, signal, report } = request
  const { layout, sums, isExtra } = expectation
  const read = { files: 0, bytes: 0 }
  const watch = openModelWatch(found?.header)
  const objects =
    sample === undefined
      ? named.sorter.read()
      : markSample(named.sorter.read(), { sample: sample.size, total: named.known, random: sample.random })
  await compareStore(
    store,
    { named: objects, checks },
    {
      // A directory keeps no checksums, so its files are read: there is nothing else to ask.
      deep: request.deep || store.url.protocol === 'file:',
      ...(found !== undefined && { markerKey: found.key }),
      layout,
      ...(sums !== undefined && { sums }),
      ...(isExtra !== undefined && { isExtra }),
      onListed: watch.see,
      onRead(bytes) {
        read.files += 1
        read.bytes += bytes
      },
      concurrency,
      signal,
      report,
    },
  )
  for (const check of watch.checks()) await checks.add(check)
  return read
}

async function askedBy(store: Store): Promise<Pick<CheckSummary, 'authenticatedAs'>> {
  const authenticatedAs = await store.identity?.()
  return authenticatedAs === undefined ? {} : { authenticatedAs }
}

function describeAgainst(against: Against): string {
  if (against.type === 'directory') return against.directory
  return against.type === 'store' ? describeKey(against.store, '') : against.reference
}

/** What should lie there: by the inventory, or by what it is compared with. */
async function expect(
  request: ValidateStoreRequest,
  found: WholeInventory | undefined,
  named: Named,
): Promise<Expectation> {
  const { store, against, image, profiles: asked, signal } = request
  const add = (object: NamedObject) => addNamed(named, object)
  const place: AgainstRequest = { store, header: found?.header, add, signal }
  switch (against?.type) {
    case 'directory':
      return await expectDirectory(against, place)
    case 'store':
      return await expectStore({ store: against.store, image }, place)
    case 'image': {
      const modelFiles = found === undefined ? undefined : named.modelFiles
      return await expectImage({ manifest: against.manifest, asked }, place, modelFiles)
    }
    case undefined:
      return headerOf(found)
  }
}

function headerOf(found: WholeInventory | undefined): Expectation {
  if (found === undefined) throw new Error('Nothing is there to compare with.')
  const { layout, models, profiles, files, bytes } = found.header
  return { layout, models, profiles, files, bytes }
}

function aboutInventory(
  request: ValidateStoreRequest,
  found: WholeInventory | undefined,
  expectation: Expectation,
): Check[] {
  const { against, profiles } = request
  const ofImage = against?.type === 'image'
  return [
    ...(found === undefined ? [] : checkDigest(found, request)),
    ...(found === undefined ? [] : checkImage(found, against, expectation)),
    ...(ofImage ? [] : checkProfiles(expectation.profiles, profiles)),
    ...(expectation.checks ?? []),
  ]
}

/** An inventory of another image than what it is compared with: all that it says is about something else. */
function checkImage({ key, header }: WholeInventory, against: Against | undefined, expectation: Expectation): Check[] {
  const known = { name: 'store.image', method: 'structure', path: key } as const
  const next = 'Another image was uploaded here: upload the one that is meant to a prefix of its own.'
  if (against?.type === 'image') {
    const ids = new Set(against.manifest.profiles.map(({ id }) => id))
    const foreign = header.profiles.filter(({ id }) => !ids.has(id))
    if (foreign.length === 0) return [{ ...known, status: 'ok' }]
    const found = `profiles that it does not have: ${foreign.map(({ id }) => id).join(', ')}`
    return [{ ...known, status: 'failed', expected: against.reference, found, next }]
  }
  const { imageDigest: expected } = expectation
  if (expected === undefined || header.imageDigest === undefined) return []
  if (expected === header.imageDigest) return [{ ...known, status: 'ok' }]
  return [{ ...known, status: 'failed', expected, found: header.imageDigest, next }]
}

async function checkAsRead(
  { store, readAs, checks, signal }: ValidateStoreRequest,
  header: InventoryHeader | undefined,
  { sorter }: Named,
): Promise<void> {
  if (readAs === undefined) return
  await checkReader({ store, readAs, ...(header !== undefined && { header }), named: sorter.read(), checks, signal })
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
 * @returns `bad` where the one that is meant is missing or damaged: then a check says so; `undefined` where none is there
 *   and none is needed.
 */
async function readInventories(
  request: ValidateStoreRequest,
  named: Named,
): Promise<WholeInventory | 'bad' | undefined> {
  const { store, checks, image, signal, against, inventoryDigest } = request
  const keys = await listMarkers(store, signal)
  const own = chooseMarker(store, keys, image)
  if (own === undefined) {
    if (against !== undefined && inventoryDigest === undefined) return undefined
    await checks.add(missingInventory(request, keys))
    return 'bad'
  }
  const inventory = await readOwn(request, own, named)
  if (inventory === undefined) return 'bad'
  for (const key of keys.filter(other => other !== own)) await nameOthers(request, key, named)
  return inventory
}

async function readOwn(request: ValidateStoreRequest, key: string, named: Named): Promise<WholeInventory | undefined> {
  const { store, checks, signal } = request
  try {
    const inventory = await streamInventory(store, { key, signal }, reader =>
      nameObjects(reader, named, request.against),
    )
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

async function nameObjects(
  reader: InventoryReader,
  named: Named,
  against: Against | undefined,
): Promise<Omit<WholeInventory, 'key'>> {
  const { header, entries } = reader
  // It may be the second attempt.
  await forget(named)
  // A directory or another store says by itself what should be there.
  const counts = against === undefined || against.type === 'image'
  const names = against?.type === 'image' ? namesOf(against.manifest) : undefined
  const add = async (entry: InventoryEntry): Promise<void> => {
    const object = counts ? namedObject(entry, header) : undefined
    if (object !== undefined) await addNamed(named, object)
    if (names !== undefined) named.modelFiles.push(...modelFile(entry, header).filter(({ file }) => names.has(file)))
  }
  for (const entry of archiveEntry(header)) await add(entry)
  for await (const entry of entries) await add(entry)
  return { header, digest: reader.digest() }
}

async function nameOthers({ store, signal }: ValidateStoreRequest, key: string, { sorter }: Named): Promise<void> {
  await streamInventory(store, { key, signal }, async ({ header, entries }) => {
    for await (const entry of entries) {
      const name = keyOf(entry, header)
      if (name !== undefined) await sorter.add({ key: name })
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

function checkProfiles(known: readonly InventoryProfile[], profiles: readonly string[]): Check[] {
  return profiles.map(asked => {
    const found = known.filter(({ id, description }) => id.startsWith(asked) || description === asked)
    const status = found.length === 1 ? 'ok' : 'failed'
    return {
      name: 'store.profile',
      status,
      method: 'structure',
      expected: asked,
      found: found.map(({ id }) => id).join(', ') || `only ${known.map(({ id }) => id).join(', ') || 'none'}`,
      ...(status === 'failed' && {
        next: 'Build and upload it: nimctl cache IMAGE DIR --profile ID, then nimctl upload.',
      }),
    }
  })
}
