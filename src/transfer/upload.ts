import { join } from 'node:path'

import pMap from 'p-map'

import { formatInventory, inventoryDigest } from '../inventory/format.ts'
import type { Layout, Links } from '../inventory/inventory.ts'
import type { Proof, Store } from '../stores/store.ts'
import type { Report } from '../system/progress.ts'
import { openBufferPool } from './buffer-pool.ts'
import { buildInventory } from './build-inventory.ts'
import { hashFile } from './hash-file.ts'
import { journalPath, openJournal, type Journal } from './journal.ts'
import { withLock } from './lock.ts'
import { publishInventory } from './marker.ts'
import { defaultPartSize } from './part-size.ts'
import type { TransferStep } from './plan.ts'
import type { PreparedUpload } from './prepare-upload.ts'
import { sendFile, type SentFile } from './send-file.ts'
import { requireProof, verifyObjects, type Expected } from './verify.ts'

export interface UploadOptions {
  /** Requests in flight at once. */
  concurrency: number
  /** Bytes of buffers. */
  memory: number
  /** Bytes of a part. */
  partSize?: number
  /** The weakest proof of arrival that is good enough. */
  require?: Proof
  signal: AbortSignal
  report: Report
}

interface Counts {
  uploadedFiles: number
  /** That left this machine in this run. */
  uploadedBytes: number
  copiedFiles: number
  copiedBytes: number
  skippedFiles: number
  deletedFiles: number
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

interface Carried {
  counts: Counts
  /** CRC32C by path of the source file. */
  sums: Map<string, number>
  partSizes: Map<string, number>
  /** What has to be proved at the end, by key. */
  expected: Map<string, Expected>
}

/**
 * Carries out a plan: blobs first, then what is copied on the server, then a look at what arrived, then the inventory.
 * Preparing and uploading again after any interruption goes on where it stopped.
 *
 * @throws NimctlError `unavailable` when the store stays away after all retries, `check-failed` / `UPLOAD_UNPROVED`
 *   when what arrived is not what was sent or `require` is not reached. What is finished is kept.
 */
export async function upload(prepared: PreparedUpload, options: UploadOptions): Promise<UploadedDestination> {
  const path = journalPath(prepared.stateDirectory, prepared.tree.root, prepared.store.url)
  return await withLock(`${path}.lock`, prepared.url, async () => carryOut(prepared, options, await openJournal(path)))
}

async function carryOut(
  prepared: PreparedUpload,
  options: UploadOptions,
  journal: Journal,
): Promise<UploadedDestination> {
  const started = performance.now()
  const { plan, store, published, markerKey } = prepared
  const { report, signal } = options
  report({ event: 'started', task: 'upload', totalBytes: plan.totals.uploadBytes, totalFiles: plan.totals.files })

  const carried = await readUnknown(prepared, options)
  const changes = carried.steps.filter(step => step.action !== 'skip')
  // A reader must never take a prefix for complete while it changes.
  if (changes.length > 0 && published !== undefined) await store.remove(markerKey, { signal })
  await sendAll(carried, prepared, { ...options, journal })
  await copyAll(carried, prepared, options)
  await removeAll(carried, prepared, options)

  const proof = await verifyObjects(store, carried.expected, { signal, concurrency: options.concurrency })
  requireProof(proof, options.require)
  const inventory = buildInventory(prepared, carried)
  const unchanged = changes.length === 0 && published?.digest === inventoryDigest(formatInventory(inventory))
  const digest = unchanged ? published.digest : await publishInventory(store, markerKey, { inventory, signal })
  await journal.remove()
  report({ event: 'ended', task: 'upload' })

  return {
    url: prepared.url,
    ...(prepared.record !== undefined && { image: `${prepared.record.image}@${prepared.record.imageDigest}` }),
    layout: prepared.layout,
    links: prepared.links,
    ...carried.counts,
    seconds: Math.round(performance.now() - started) / 1000,
    verified: true,
    proof: proof.counts,
    inventoryDigest: digest,
  }
}

/** Reads files of which nothing is known but that seem to be there already; those that differ after all are sent. */
async function readUnknown(
  prepared: PreparedUpload,
  { concurrency, signal, report }: UploadOptions,
): Promise<Carried & { steps: TransferStep[] }> {
  const { tree, plan, knownSums, stored } = prepared
  const carried: Carried = {
    counts: { uploadedFiles: 0, uploadedBytes: 0, copiedFiles: 0, copiedBytes: 0, skippedFiles: 0, deletedFiles: 0 },
    sums: new Map(),
    partSizes: new Map(),
    expected: new Map(),
  }
  for (const { source } of prepared.wanted) {
    const sum = knownSums.get(source)
    if (sum !== undefined) carried.sums.set(source.path, sum)
  }
  const sources = new Map(
    plan.steps.flatMap(step =>
      step.action === 'skip' ? [[step.wanted.source.path, step.wanted.source] as const] : [],
    ),
  )
  await pMap(
    [...sources.values()].filter(source => !carried.sums.has(source.path)),
    async source => {
      const sum = await hashFile(join(tree.root, source.path), signal)
      carried.sums.set(source.path, sum)
      await knownSums.add(source, sum)
    },
    { concurrency, signal },
  )

  const steps = plan.steps.map((step): TransferStep => {
    if (step.action !== 'skip' || step.reason !== 'same-size') return step
    const remote = stored.get(step.key)?.crc32c ?? prepared.recordedSums.get(step.key)
    if (remote === carried.sums.get(step.wanted.source.path)) return step
    return redo(step)
  })
  for (const step of steps) {
    if (step.action !== 'skip') continue
    carried.counts.skippedFiles += 1
    expect(carried, step.key, { size: step.bytes, crc32c: carried.sums.get(step.wanted.source.path) })
    report({ event: 'finished', key: step.key, action: 'skipped' })
  }
  return { ...carried, steps }
}

function redo({ key, bytes, wanted }: TransferStep & { action: 'skip' }): TransferStep {
  const { copyFrom } = wanted
  if (copyFrom !== undefined) return { action: 'copy', key, bytes, from: copyFrom, reason: 'different', wanted }
  return { action: 'upload', key, bytes, reason: 'different', wanted }
}

async function sendAll(
  carried: Carried & { steps: TransferStep[] },
  { tree, store, knownSums }: PreparedUpload,
  options: UploadOptions & { journal: Journal },
): Promise<void> {
  const { concurrency, memory, partSize, journal, signal, report } = options
  const pool = openBufferPool({ budget: memory, slabSize: partSize ?? defaultPartSize, maxLeases: concurrency })
  const context = { root: tree.root, store, pool, journal, partSize, concurrency, signal, report }
  const uploads = carried.steps.filter(step => step.action === 'upload')
  await pMap(
    uploads,
    async ({ key, wanted }) => {
      const sent: SentFile = await sendFile(wanted.source, key, context)
      await knownSums.add(wanted.source, sent.crc32c)
      carried.sums.set(wanted.source.path, sent.crc32c)
      if (sent.partSize !== undefined) carried.partSizes.set(wanted.source.path, sent.partSize)
      carried.counts.uploadedFiles += 1
      carried.counts.uploadedBytes += sent.sentBytes
      expect(carried, key, { size: wanted.source.size, crc32c: sent.crc32c })
      report({ event: 'finished', key, action: 'uploaded' })
    },
    { concurrency, signal },
  )
}

async function copyAll(
  carried: Carried & { steps: TransferStep[] },
  { store }: PreparedUpload,
  { concurrency, signal, report }: UploadOptions,
): Promise<void> {
  const copies = carried.steps.filter(step => step.action === 'copy')
  await pMap(
    copies,
    async ({ key, from, bytes, wanted }) => {
      await store.copy(from, key, { signal })
      carried.counts.copiedFiles += 1
      carried.counts.copiedBytes += bytes
      expect(carried, key, { size: bytes, crc32c: carried.sums.get(wanted.source.path) })
      report({ event: 'finished', key, action: 'copied' })
    },
    { concurrency, signal },
  )
}

async function removeAll(
  carried: Carried & { steps: TransferStep[] },
  { store }: { store: Store },
  { concurrency, signal, report }: UploadOptions,
): Promise<void> {
  const deletes = carried.steps.filter(step => step.action === 'delete')
  await pMap(
    deletes,
    async ({ key }) => {
      await store.remove(key, { signal })
      carried.counts.deletedFiles += 1
      report({ event: 'finished', key, action: 'removed' })
    },
    { concurrency, signal },
  )
}

function expect(carried: Carried, key: string, { size, crc32c }: { size: number; crc32c: number | undefined }): void {
  carried.expected.set(key, { size, ...(crc32c !== undefined && { crc32c }) })
}
