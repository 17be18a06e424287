import type { FinishedPart, FoundPart, Store, StoredObject, Sums, Upload } from '../stores/store.ts'
import type { Digests, DigestThreads } from '../system/digest-threads.ts'
import { NimctlError } from '../system/errors.ts'
import { forAll } from '../system/for-all.ts'
import { combineCrc32c, crc32c, md5 } from '../system/hash.ts'
import type { Report } from '../system/progress.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Concurrency } from './concurrency.ts'
import type { Journal } from './journal.ts'
import { findOpenUpload, removeEmptyUploads } from './open-uploads.ts'
import { choosePartSize } from './part-size.ts'
import type { RateLimit } from './rate-limit.ts'
import { forgetObject, noteObject } from './recorded-objects.ts'
import type { FileEntry, OpenFile, Source } from './source.ts'
import { openWholeDigests, type WholeDigests } from './whole-digests.ts'

/** Where a file goes: one object of one destination. */
export interface Target {
  store: Store
  /** Names the destination to people, without credentials. */
  url: string
  journal: Journal
  key: string
  onSent: (sent: SentObject) => void
}

interface SentObject {
  object: StoredObject
  /** Bytes of its parts, where it went in parts. */
  partSize?: number
  /** Bytes that left this machine in this run. */
  sentBytes: number
}

export interface SendContext {
  source: Source
  pool: BufferPool
  concurrency: Concurrency
  rateLimit: RateLimit
  /** For destinations that note digests. */
  digests: DigestThreads
  /** Bytes of a part, where somebody asked for it. */
  partSize: number | undefined
  signal: AbortSignal
  report: Report
}

/**
 * Sends one file to all its targets, reading it once, and returns its checksums. A file of one part is put; a larger one
 * goes in parts, going on where a killed run stopped. Then it has no digests: they take all bytes, in order.
 *
 * @throws NimctlError `local` / `SOURCE_CHANGED` when the file changed since it was scanned.
 */
export async function sendFile(file: FileEntry, targets: readonly Target[], context: SendContext): Promise<Sums> {
  const stores = targets.map(({ store }) => store)
  if (!goesInParts(file.size, stores, context.partSize)) return await putWhole(file, targets, context)
  const partSize = partSizeFor(file.size, stores, context.partSize)
  const opened = await context.source.open(file)
  try {
    return await sendInParts(file, targets, { ...context, opened, partSize })
  } finally {
    await opened.close()
  }
}

/** @param asked bytes of a part, where somebody asked for it. */
export function goesInParts(size: number, stores: readonly Store[], asked: number | undefined): boolean {
  const maxPut = Math.min(...stores.map(({ capabilities }) => capabilities.maxPut))
  return size > Math.min(partSizeFor(size, stores, asked), maxPut)
}

function partSizeFor(size: number, stores: readonly Store[], asked: number | undefined): number {
  return Math.max(...stores.map(({ capabilities }) => choosePartSize(size, capabilities, asked)))
}

interface OpenContext extends SendContext {
  opened: OpenFile
}

async function putWhole(file: FileEntry, targets: readonly Target[], context: SendContext): Promise<Sums> {
  const { source, pool, concurrency, rateLimit, signal, report } = context
  const { bytes, release } = await pool.lease(file.size)
  try {
    await source.readWhole(file, bytes, { signal })
    const sum = crc32c(bytes)
    const sums: Sums = { crc32c: sum, ...(noteDigests(targets) && (await digestsOf(bytes, context.digests))) }
    await Promise.all(
      targets.map(async ({ store, url, journal, key, onSent }) => {
        // Of a content that went in parts.
        const left = journal.unfinished(key)
        if (left !== undefined) await store.abortUpload?.(left.saved, { signal })
        await rateLimit(file.size, signal)
        await forgetObject({ store, journal, key })
        const object = await store.put(key, bytes, sums, { signal })
        await noteObject({ store, journal, key }, recorded(object, file.size, sum))
        concurrency.done(file.size)
        report({ event: 'bytes', destination: url, key, bytes: file.size })
        onSent({ object, sentBytes: file.size })
      }),
    )
    return sums
  } finally {
    release()
  }
}

function noteDigests(targets: readonly Target[]): boolean {
  return targets.some(({ store }) => store.capabilities.notesDigests === true)
}

async function digestsOf(bytes: Uint8Array, threads: DigestThreads) {
  const running = threads.begin()
  await running.add(bytes)
  return await running.end()
}

/** An upload at one target, and the parts that are there. */
interface Sending {
  target: Target
  upload: Upload
  parts: Map<number, FinishedPart>
  /** Parts that the store has and no journal tells of: they count once they equal ours. */
  candidates: Map<number, FoundPart>
  sentBytes: number
}

async function sendInParts(
  file: FileEntry,
  targets: readonly Target[],
  context: OpenContext & { partSize: number },
): Promise<Sums> {
  const sendings = await Promise.all(targets.map(target => openOrResume(file, target, context)))
  let sums: Sums = { crc32c: 0 }
  // A resumed upload keeps the part size of its first run: those of the same size share each reading.
  for (const group of groupByPartSize(sendings)) sums = { ...sums, ...(await sendGroup(file, group, context)) }
  return sums
}

async function sendGroup(file: FileEntry, sendings: readonly Sending[], context: OpenContext): Promise<Sums> {
  const partSize = sendings[0]?.upload.partSize ?? file.size
  const numbers = Array.from({ length: Math.ceil(file.size / partSize) }, (_, index) => index + 1)
  const missing = numbers.filter(number => sendings.some(({ parts }) => !parts.has(number)))
  const parallel = sendings.every(({ target }) => target.store.capabilities.parallelParts)
  const wanted = noteDigests(sendings.map(({ target }) => target)) && missing.length === numbers.length
  const whole = wanted ? openWholeDigests(context.digests.begin()) : undefined
  try {
    const sendOne = (number: number, signal: AbortSignal) =>
      sendPart(number, { file, partSize, sendings, whole }, { ...context, signal })
    await forAll(missing, sendOne, {
      concurrency: parallel ? Number.POSITIVE_INFINITY : 1,
      signal: context.signal,
    })
    await context.opened.checkUnchanged()
    const digests = await whole?.end()
    const sums = await Promise.all(
      sendings.map(sending => completeUpload(file, sending, { numbers, digests, context })),
    )
    return sums[0] ?? { crc32c: 0 }
  } finally {
    whole?.drop()
  }
}

async function completeUpload(
  file: FileEntry,
  { target, upload, parts, sentBytes }: Sending,
  { numbers, digests, context }: { numbers: readonly number[]; digests: Digests | undefined; context: SendContext },
): Promise<Sums> {
  const ordered = numbers.flatMap(number => parts.get(number) ?? [])
  const sum = ordered.reduce((total, part) => combineCrc32c(total, part.crc32c, part.size), 0)
  const sums: Sums = { crc32c: sum, ...digests }
  const object = await upload.complete(sums, ordered, { signal: context.signal })
  await removeEmptyUploads(target, context.signal)
  await noteObject(target, recorded(object, file.size, sum))
  target.onSent({ object, partSize: upload.partSize, sentBytes })
  return sums
}

async function openOrResume(
  file: FileEntry,
  target: Target,
  { source, opened, partSize, signal, report }: OpenContext & { partSize: number },
): Promise<Sending> {
  const { store, url, journal, key } = target
  const identity = source.identityOf(file)
  const left = journal.unfinished(key)
  const noted = left !== undefined && left.source === identity ? left : undefined
  // Of a content that the file no longer has.
  if (left !== undefined && noted === undefined) await store.abortUpload?.(left.saved, { signal })
  const resume = noted?.saved ?? (await findOpenUpload(target, { size: file.size, partSize, signal }))
  const upload = await store.openUpload(key, {
    size: file.size,
    partSize: resume?.partSize ?? partSize,
    ...(resume !== undefined && { resume }),
    signal,
  })
  const resumed = upload.saved.id === resume?.id
  const trusted = resumed && noted !== undefined ? trustedParts(upload, noted.parts) : []
  const noticed = new Set(trusted.map(({ number }) => number))
  const found = resumed ? upload.finished.filter(({ number }) => !noticed.has(number)) : []
  if (!resumed || noted === undefined) await journal.noteUpload(upload.saved, identity)
  for (const { number, size, crc32c: sum } of trusted) {
    opened.noteSent((number - 1) * upload.partSize, size, sum)
    report({ event: 'bytes', destination: url, key, bytes: size, resumed: true })
  }
  return {
    target,
    upload,
    parts: new Map(trusted.map(part => [part.number, part])),
    candidates: new Map(found.map(part => [part.number, part])),
    sentBytes: 0,
  }
}

/** Parts that the store has and whose checksum we noted when we sent them. */
function trustedParts(upload: Upload, noted: ReadonlyMap<number, FinishedPart>): FinishedPart[] {
  return upload.finished.flatMap(found => {
    const ours = noted.get(found.number)
    return ours !== undefined && ours.size === found.size && ours.etag === found.etag ? [ours] : []
  })
}

function groupByPartSize(sendings: readonly Sending[]): Sending[][] {
  return [...Map.groupBy(sendings, ({ upload }) => upload.partSize).values()]
}

interface GroupOfParts {
  file: FileEntry
  partSize: number
  sendings: readonly Sending[]
  whole: WholeDigests | undefined
}

async function sendPart(
  number: number,
  { file, partSize, sendings, whole }: GroupOfParts,
  { pool, opened, concurrency, rateLimit, signal, report }: OpenContext,
): Promise<void> {
  const start = (number - 1) * partSize
  const size = Math.min(partSize, file.size - start)
  const { bytes, release } = await pool.lease(size)
  try {
    await opened.read(bytes, start, { signal })
    const sums: Sums = { crc32c: crc32c(bytes) }
    const added = whole?.add(number, bytes, signal)
    // A request may fail before anybody waits for it.
    added?.catch(() => {})
    await Promise.all(
      sendings
        .filter(({ parts }) => !parts.has(number))
        .map(async sending => {
          const there = isOurs(sending.candidates.get(number), bytes, sums)
          if (!there) await rateLimit(size, signal)
          const part = there ?? (await sending.upload.putPart(number, bytes, sums, { signal }))
          await sending.target.journal.notePart(sending.target.key, part)
          sending.parts.set(number, part)
          if (!there) sending.sentBytes += size
          concurrency.done(size)
          const { url, key } = sending.target
          report({ event: 'bytes', destination: url, key, bytes: size, ...(there && { resumed: true }) })
        }),
    )
    await added
  } finally {
    release()
  }
}

/** By the checksum that the store lists, or by an ETag that is the part's MD5. */
function isOurs(found: FoundPart | undefined, bytes: Uint8Array, sums: Sums): FinishedPart | undefined {
  if (found === undefined || found.size !== bytes.length) return undefined
  const same =
    found.crc32c === undefined ? found.etag === Buffer.from(md5(bytes)).toString('hex') : found.crc32c === sums.crc32c
  const { number, size, etag } = found
  return same ? { number, size, crc32c: sums.crc32c, ...(etag !== undefined && { etag }) } : undefined
}

function recorded({ etag }: StoredObject, size: number, sum: number) {
  return { crc32c: sum, size, ...(etag !== undefined && { etag }) }
}

/** Whether a new upload of the file mends it: the old one is gone, or holds what it should not. */
export function needsNewUpload(error: unknown): boolean {
  return error instanceof NimctlError && error.mend === 'new-upload'
}
