import { formatInventory, inventoryDigest } from '../inventory/format.ts'
import type { Layout, Links } from '../inventory/inventory.ts'
import type { Proof, Store } from '../stores/store.ts'
import { openDigestThreads } from '../system/digest-threads.ts'
import { withLocks } from '../system/lock.ts'
import type { Report } from '../system/progress.ts'
import { openBufferPool } from './buffer-pool.ts'
import { buildInventory } from './build-inventory.ts'
import { enterPhase, type Carried, type Counts, type Running } from './carried.ts'
import { findConcurrency, fixedConcurrency, type Concurrency } from './concurrency.ts'
import { copyAll, removeAll } from './copy-all.ts'
import { copyFromSource } from './copy-from-source.ts'
import { journalPath } from './journal.ts'
import { describeKey, publishInventory } from './marker.ts'
import { removeEmptyUploads } from './open-uploads.ts'
import { defaultPartSize } from './part-size.ts'
import type { PreparedUpload } from './prepare-upload.ts'
import { limitRate, unlimited } from './rate-limit.ts'
import { sendAll } from './send-all.ts'
import { settleSteps } from './settle.ts'
import type { Source } from './source.ts'
import { requireProof, verifyObjects, type Proved } from './verify.ts'

export interface UploadOptions {
  /** Requests in flight at once; absent: as many as bring more throughput. */
  concurrency?: number
  /** Bytes of buffers. */
  memory: number
  /** Bytes of a part. */
  partSize?: number
  /** Bytes a second, over all destinations. */
  limitRate?: number
  /** The weakest proof of arrival that is good enough. */
  require?: Proof
  signal: AbortSignal
  report: Report
}

export interface UploadedDestination extends Counts {
  url: string
  /** `IMAGE@sha256:…`, where the directory says which image it is of. */
  image?: string
  layout: Layout
  links: Links
  seconds: number
  verified: boolean
  proof: Record<Proof, number>
  inventoryDigest: string
}

/**
 * Carries out the plans of all destinations, reading each file once: blobs first, then what is copied on the servers,
 * then a look at what arrived, then the inventories. Preparing and uploading again after any interruption goes on
 * where it stopped. Whoever calls it holds the destinations (`holdDestinations`) since before the plan was made.
 *
 * @throws NimctlError `unavailable` when a store stays away after all retries, `check-failed` / `UPLOAD_UNPROVED`
 *   when what arrived is not what was sent or `require` is not reached. What is finished is kept, at every destination.
 */
export async function upload(
  source: Source,
  prepared: readonly PreparedUpload[],
  options: UploadOptions,
): Promise<UploadedDestination[]> {
  try {
    return await carryOut(source, prepared, options)
  } finally {
    // What was learnt is kept whatever happened.
    await Promise.all([source.close(), ...prepared.map(({ journal }) => journal.close())])
  }
}

/**
 * Holds destinations for one run on this host, whatever its source. Taken before anything is read that the plan is made
 * from: it would tell of what another run is about to change.
 *
 * @throws NimctlError `local` / `LOCK_HELD` naming the other process.
 */
export async function holdDestinations<T>(
  stores: readonly Store[],
  stateDirectory: string,
  run: () => Promise<T>,
): Promise<T> {
  const locks = stores.map(store => ({
    path: `${journalPath(stateDirectory, '', store.url)}.lock`,
    what: describeKey(store, ''),
  }))
  return await withLocks(locks, run)
}

async function carryOut(
  source: Source,
  prepared: readonly PreparedUpload[],
  options: UploadOptions,
): Promise<UploadedDestination[]> {
  const started = performance.now()
  const { signal, report } = options
  const total = (of: (plan: PreparedUpload['plan']) => number) => prepared.reduce((sum, { plan }) => sum + of(plan), 0)
  report({
    event: 'started',
    task: 'upload',
    totalBytes: total(plan => plan.totals.uploadBytes),
    totalFiles: total(plan => plan.totals.files),
  })
  const running = start(source, prepared, options)
  for (const one of running.carried) {
    const { uploadBytes: totalBytes, files: totalFiles } = one.prepared.plan.totals
    enterPhase(one, 'compare', { report, totals: { totalBytes, totalFiles } })
  }
  await settleSteps(running)
  for (const one of running.carried) await withdrawMarker(one, signal)
  for (const one of running.carried) await copyFromSource(one, running)
  for (const one of running.carried) enterPhase(one, 'send', { report, totals: { totalBytes: bytesToSend(one) } })
  try {
    await sendAll(running)
  } finally {
    await running.digests.close()
  }
  for (const one of running.carried) {
    enterPhase(one, 'copy', { report })
    await copyAll(one, running)
    await removeAll(one, running)
  }
  const done: UploadedDestination[] = []
  for (const one of running.carried) done.push(await finish(one, { running, options, started }))
  report({ event: 'ended', task: 'upload' })
  return done
}

function start(source: Source, prepared: readonly PreparedUpload[], options: UploadOptions): Running {
  const { concurrency: asked, memory, partSize, limitRate: rate, signal, report } = options
  const concurrency: Concurrency = asked === undefined ? findConcurrency() : fixedConcurrency(asked)
  return {
    source,
    carried: prepared.map(one => ({
      prepared: one,
      counts: { uploadedFiles: 0, uploadedBytes: 0, copiedFiles: 0, copiedBytes: 0, skippedFiles: 0, deletedFiles: 0 },
      steps: [],
      partSizes: new Map(),
      noted: new Map(),
      expected: new Map(),
      sent: new Map(),
    })),
    sums: new Map(),
    digests: openDigestThreads(),
    pool: openBufferPool({
      budget: memory,
      slabSize: partSize ?? defaultPartSize,
      shared: prepared.some(({ store }) => store.capabilities.notesDigests === true),
      maxLeases: concurrency.limit,
    }),
    concurrency,
    rateLimit: rate === undefined ? unlimited : limitRate(rate),
    partSize,
    signal,
    report,
  }
}

/** What was read may have shown that more has to be sent than the plan says. */
function bytesToSend({ steps }: Carried): number {
  return steps.reduce((sum, { action, bytes }) => (action === 'upload' ? sum + bytes : sum), 0)
}

/** A reader must never take a prefix for complete while it changes. */
async function withdrawMarker({ prepared, steps }: Carried, signal: AbortSignal): Promise<void> {
  if (prepared.published === undefined || steps.every(({ action }) => action === 'skip')) return
  await prepared.store.remove(prepared.markerKey, { signal })
}

async function finish(
  one: Carried,
  { running, options, started }: { running: Running; options: UploadOptions; started: number },
): Promise<UploadedDestination> {
  const { prepared, counts, steps, partSizes, noted } = one
  const { store, published, markerKey, journal, record } = prepared
  const { signal, report } = options
  const { url: destination } = prepared
  const changed = steps.some(({ action }) => action !== 'skip')
  await removeOverdue(prepared, signal)
  enterPhase(one, 'verify', { report, totals: { totalFiles: one.expected.size } })
  const proved = await verifyObjects(store, one.expected, {
    signal,
    onChecked: key => report({ event: 'finished', destination, key, action: 'checked' }),
    // Nothing has changed since the plan was made from the listing.
    ...(!changed && { listed: prepared.stored }),
  })
  noteProved(one, proved)
  requireProof(proved, options.require)
  const archivedSums = (await prepared.archive?.readSums(signal)) ?? new Map<string, number>()
  enterPhase(one, 'publish', { report })
  const inventory = buildInventory(prepared, { sums: running.sums, noted, partSizes, archivedSums })
  const unchanged = !changed && published?.digest === inventoryDigest(formatInventory(inventory))
  const digest = unchanged ? published.digest : await publishInventory(store, markerKey, { inventory, signal })
  await journal.finish()
  enterPhase(one, 'done', { report })
  return {
    url: destination,
    ...(record !== undefined && { image: `${record.image}@${record.imageDigest}` }),
    layout: prepared.layout,
    links: prepared.links,
    ...counts,
    seconds: Math.round(performance.now() - started) / 1000,
    verified: true,
    proof: proved.counts,
    inventoryDigest: digest,
  }
}

/**
 * Uploads that nobody goes on with, as their objects are whole: of a run that ended at their very end, also before it
 * could look for empty ones, or overtaken by another host.
 */
async function removeOverdue({ store, journal }: PreparedUpload, signal: AbortSignal): Promise<void> {
  for (const saved of journal.allUnfinished()) {
    await store.abortUpload?.(saved, { signal })
    await removeEmptyUploads({ store, key: saved.key }, signal)
  }
}

/** What still has this ETag next time needs no question then. */
function noteProved({ prepared: { journal }, expected }: Carried, { objects }: Proved): void {
  for (const { key, size, etag } of objects) {
    const sum = expected.get(key)?.crc32c
    if (etag === undefined || sum === undefined || journal.objects.get(key)?.etag === etag) continue
    journal.noteObject(key, { crc32c: sum, size, etag })
  }
}
