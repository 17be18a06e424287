import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import pMap from 'p-map'

import type { CacheEntry } from '../cache/cache-tree.ts'
import type { FinishedPart, Store, StoredObject, Upload } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'
import { combineCrc32c, crc32c } from '../system/hash.ts'
import type { Report } from '../system/progress.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Journal } from './journal.ts'
import { choosePartSize } from './part-size.ts'

export type FileEntry = CacheEntry & { type: 'file' }

export interface SendContext {
  root: string
  store: Store
  pool: BufferPool
  journal: Journal
  partSize: number | undefined
  /** Parts of one file in flight. */
  concurrency: number
  signal: AbortSignal
  report: Report
}

export interface SentFile {
  crc32c: number
  object: StoredObject
  /** Bytes, where the object went in parts. */
  partSize?: number
  /** Bytes that left this machine in this run. */
  sentBytes: number
}

/**
 * Sends one file, reading it once; its checksum is a by-product. A file of one part is put, a larger one goes in
 * parts, going on where a killed run stopped.
 *
 * @throws NimctlError `local` / `SOURCE_CHANGED` when the file changed since it was scanned.
 */
export async function sendFile(file: FileEntry, key: string, context: SendContext): Promise<SentFile> {
  const { capabilities } = context.store
  const partSize = choosePartSize(file.size, capabilities, context.partSize)
  const handle = await open(join(context.root, file.path)).catch((error: unknown) => {
    throw sourceChanged(context, file, error)
  })
  try {
    if (file.size <= Math.min(partSize, capabilities.maxPut)) return await putWhole(file, key, { ...context, handle })
    return await sendParts(file, key, { ...context, handle, partSize })
  } finally {
    await handle.close()
  }
}

async function putWhole(
  file: FileEntry,
  key: string,
  context: SendContext & { handle: FileHandle },
): Promise<SentFile> {
  const { store, pool, journal, signal, report } = context
  const { bytes, release } = await pool.lease(file.size)
  try {
    await readFully(bytes, 0, file, context)
    await checkUnchanged(file, context)
    const sum = crc32c(bytes)
    const object = await store.put(key, bytes, { crc32c: sum }, { signal })
    await journal.noteObject(key, sum)
    report({ event: 'bytes', key, bytes: file.size })
    return { crc32c: sum, object, sentBytes: file.size }
  } finally {
    release()
  }
}

async function sendParts(
  file: FileEntry,
  key: string,
  context: SendContext & { handle: FileHandle; partSize: number },
): Promise<SentFile> {
  const { journal, signal, report } = context
  const { upload, resumed } = await openOrResume(file, key, context)
  const parts = new Map(resumed.map(part => [part.number, part]))
  const numbers = Array.from({ length: Math.ceil(file.size / upload.partSize) }, (_, index) => index + 1)
  const missing = numbers.filter(number => !parts.has(number))
  for (const part of resumed) report({ event: 'bytes', key, bytes: part.size })

  await pMap(missing, async number => parts.set(number, await sendPart(number, file, { ...context, upload })), {
    concurrency: context.store.capabilities.parallelParts ? context.concurrency : 1,
    signal,
  })
  await checkUnchanged(file, context)

  const ordered = numbers.flatMap(number => parts.get(number) ?? [])
  const sum = ordered.reduce((total, part) => combineCrc32c(total, part.crc32c, part.size), 0)
  const object = await upload.complete({ crc32c: sum }, ordered, { signal })
  await journal.noteObject(key, sum)
  const sentBytes = missing.reduce((total, number) => total + (parts.get(number)?.size ?? 0), 0)
  return { crc32c: sum, object, partSize: upload.partSize, sentBytes }
}

async function openOrResume(
  file: FileEntry,
  key: string,
  context: SendContext & { partSize: number },
): Promise<{ upload: Upload; resumed: FinishedPart[] }> {
  const { store, journal, partSize, signal } = context
  const left = journal.unfinished(key)
  if (left !== undefined && left.source === identity(file)) {
    const upload = await store.openUpload(key, {
      size: file.size,
      partSize: left.saved.partSize,
      resume: left.saved,
      signal,
    })
    if (upload.saved.id === left.saved.id) return { upload, resumed: trustedParts(upload, left.parts) }
    await journal.noteUpload(upload.saved, identity(file))
    return { upload, resumed: [] }
  }
  const upload = await store.openUpload(key, { size: file.size, partSize, signal })
  await journal.noteUpload(upload.saved, identity(file))
  return { upload, resumed: [] }
}

/** Parts that the store has and whose checksum we noted when we sent them. */
function trustedParts(upload: Upload, noted: ReadonlyMap<number, FinishedPart>): FinishedPart[] {
  return upload.finished.flatMap(found => {
    const ours = noted.get(found.number)
    return ours !== undefined && ours.size === found.size && ours.etag === found.etag ? [ours] : []
  })
}

async function sendPart(
  number: number,
  file: FileEntry,
  context: SendContext & { handle: FileHandle; upload: Upload },
): Promise<FinishedPart> {
  const { pool, upload, journal, signal, report } = context
  const start = (number - 1) * upload.partSize
  const size = Math.min(upload.partSize, file.size - start)
  const { bytes, release } = await pool.lease(size)
  try {
    await readFully(bytes, start, file, context)
    const part = await upload.putPart(number, bytes, { crc32c: crc32c(bytes) }, { signal })
    await journal.notePart(upload.saved.key, part)
    report({ event: 'bytes', key: upload.saved.key, bytes: size })
    return part
  } finally {
    release()
  }
}

async function readFully(
  bytes: Uint8Array,
  position: number,
  file: FileEntry,
  context: SendContext & { handle: FileHandle },
): Promise<void> {
  let filled = 0
  while (filled < bytes.length) {
    context.signal.throwIfAborted()
    const { bytesRead } = await context.handle.read(bytes, filled, bytes.length - filled, position + filled)
    if (bytesRead === 0) throw sourceChanged(context, file)
    filled += bytesRead
  }
}

async function checkUnchanged(file: FileEntry, context: SendContext & { handle: FileHandle }): Promise<void> {
  const { size, mtimeMs, ino } = await context.handle.stat()
  if (size !== file.size || mtimeMs !== file.modifiedMs || ino !== file.inode) throw sourceChanged(context, file)
}

function sourceChanged({ root }: SendContext, file: FileEntry, cause?: unknown): NimctlError {
  return new NimctlError('local', 'SOURCE_CHANGED', {
    what: `${join(root, file.path)} changed while it was uploaded.`,
    next: 'Wait until nothing writes to the cache any more, then run the same command again.',
    cause,
  })
}

function identity({ path, size, modifiedMs, inode }: FileEntry): string {
  return `${size} ${modifiedMs} ${inode} ${path}`
}
