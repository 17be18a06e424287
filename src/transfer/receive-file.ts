import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import type { InventoryEntry } from '../inventory/inventory.ts'
import type { Store } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'
import { translateFileError } from '../system/files.ts'
import { forAll } from '../system/for-all.ts'
import { combineCrc32c, crc32c } from '../system/hash.ts'
import type { Report } from '../system/progress.ts'
import type { BufferPool } from './buffer-pool.ts'
import { describeKey } from './marker.ts'
import type { PartLog } from './part-log.ts'
import { defaultPartSize } from './part-size.ts'
import { readRange } from './read-range.ts'

type FileEntry = InventoryEntry & { type: 'file' }

export interface ReceiveContext {
  store: Store
  /** Where files grow until they are whole; on the same file system as their place. */
  incomplete: string
  parts: PartLog
  pool: BufferPool
  signal: AbortSignal
  report: Report
}

/**
 * Fetches one file in ranges beside each other, and puts it in its place when it is whole and what the inventory says.
 *
 * @throws NimctlError `check-failed` / `DOWNLOAD_DAMAGED`; `local` as `translateFileError` says.
 */
export async function receiveFile(path: string, entry: FileEntry, context: ReceiveContext): Promise<void> {
  const name = nameOf(entry)
  const growing = join(context.incomplete, name)
  try {
    await mkdir(context.incomplete, { recursive: true })
    const file = await open(growing, constants.O_RDWR | constants.O_CREAT, 0o600)
    try {
      const sum = await receiveParts(entry, { ...context, file, name })
      if (sum !== Number.parseInt(entry.crc32c, 16)) throw damaged(entry, context.store)
      await file.chmod(entry.mode)
      if (entry.size > defaultPartSize) await file.datasync()
    } finally {
      await file.close()
    }
    await rename(growing, path)
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'DOWNLOAD_DAMAGED') await rm(growing, { force: true })
    throw translateFileError(error, path)
  }
}

interface Growing extends ReceiveContext {
  file: FileHandle
  name: string
}

/** Returns the CRC32C of the whole. */
async function receiveParts(entry: FileEntry, context: Growing): Promise<number> {
  const count = Math.ceil(entry.size / defaultPartSize)
  const sums = await forAll(
    Array.from({ length: count }, (_, index) => index + 1),
    (number, signal) => receivePart(number, entry, { ...context, signal }),
    { concurrency: Number.POSITIVE_INFINITY, signal: context.signal },
  )
  return sums.reduce((total, sum, index) => combineCrc32c(total, sum, sizeOf(index + 1, entry)), 0)
}

async function receivePart(number: number, entry: FileEntry, context: Growing): Promise<number> {
  const { store, pool, parts, file, name, signal, report } = context
  const size = sizeOf(number, entry)
  const position = (number - 1) * defaultPartSize
  const { bytes, release } = await pool.lease(size)
  try {
    const noted = parts.of(name).get(number)
    if (noted !== undefined && (await isOnDisk(file, { bytes, position, sum: noted }))) {
      report({ event: 'bytes', key: entry.path, bytes: size, resumed: true })
      return noted
    }
    const from = (entry.offset ?? 0) + position
    await readRange(store, { key: entry.key ?? entry.path, bytes, position: from, signal, report })
    const sum = crc32c(bytes)
    await writeFully(file, bytes, position)
    if (entry.size > defaultPartSize) await parts.add(name, number, sum)
    report({ event: 'bytes', key: entry.path, bytes: size })
    return sum
  } finally {
    release()
  }
}

/** A log can say more than the disk kept. */
async function isOnDisk(
  file: FileHandle,
  { bytes, position, sum }: { bytes: Buffer; position: number; sum: number },
): Promise<boolean> {
  const { bytesRead } = await file.read(bytes, 0, bytes.length, position)
  return bytesRead === bytes.length && crc32c(bytes) === sum
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

function sizeOf(number: number, { size }: FileEntry): number {
  return Math.min(defaultPartSize, size - (number - 1) * defaultPartSize)
}

/** Another content never goes on with these parts. */
function nameOf({ path, size, crc32c: sum }: FileEntry): string {
  return createHash('sha256').update(`${path}\0${size}\0${sum}`).digest('hex').slice(0, 32)
}

function damaged(entry: FileEntry, store: Store): NimctlError {
  const object = describeKey(store, entry.key ?? entry.path)
  return new NimctlError('check-failed', 'DOWNLOAD_DAMAGED', {
    what: `${entry.offset === undefined ? object : `${entry.path} in ${object}`} is not what was uploaded.`,
    why: `Its CRC32C differs from ${entry.crc32c}, which the inventory states.`,
    next: 'Remove it and upload the cache again: nimctl upload sends what is missing.',
  })
}
