import { createWriteStream } from 'node:fs'
import { chmod, lstat, mkdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import pMap from 'p-map'

import type { Inventory, InventoryEntry } from '../inventory/inventory.ts'
import { ownFolder } from '../inventory/inventory.ts'
import type { Store } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'
import { ensureWritableDirectory, translateFileError } from '../system/files.ts'
import { crc32c } from '../system/hash.ts'
import type { Report } from '../system/progress.ts'
import { hashFile } from './hash-file.ts'
import { openKnownSums, type KnownSums } from './known-sums.ts'
import { describeKey } from './marker.ts'
import { restoreCacheRecord } from './restore-record.ts'
import { absent, openTarget, type TargetDirectory } from './target-directory.ts'

type FileEntry = InventoryEntry & { type: 'file' }

export interface DownloadRequest {
  store: Store
  inventory: Inventory
  directory: string
  stateDirectory: string
  concurrency: number
  signal: AbortSignal
  report: Report
}

export interface DownloadResult {
  dir: string
  files: number
  bytes: number
  skippedFiles: number
  seconds: number
}

/**
 * Brings an uploaded cache back: every file checked against the inventory while it arrives, links and modes restored.
 * A file becomes visible when it is whole; what a former run has begun is gone on with.
 *
 * @throws NimctlError `check-failed` / `DOWNLOAD_DAMAGED` when an object is not what the inventory says;
 *   `local` when the disk is full or not writable. What is finished is kept.
 */
export async function download(request: DownloadRequest): Promise<DownloadResult> {
  const { inventory, concurrency, signal, report } = request
  const started = performance.now()
  const root = resolve(request.directory)
  await ensureWritableDirectory(root)
  const files = inventory.entries.filter(entry => entry.type === 'file')
  report({ event: 'started', task: 'download', totalBytes: inventory.header.bytes, totalFiles: files.length })

  const knownSums = await openKnownSums(root, request.stateDirectory)
  const target: Target = { ...request, knownSums, place: openTarget(await realpath(root)) }
  const result = { files: 0, bytes: 0, skippedFiles: 0 }
  const biggestFirst = files.toSorted((a, b) => b.size - a.size)
  await pMap(
    biggestFirst,
    async entry => {
      const skipped = await fetchFile(entry, target)
      if (skipped) result.skippedFiles += 1
      else {
        result.files += 1
        result.bytes += entry.size
      }
      report({ event: 'finished', key: entry.path, action: skipped ? 'skipped' : 'downloaded' })
    },
    { concurrency, signal },
  )
  for (const entry of inventory.entries) {
    if (entry.type === 'link') await target.place.makeLink(entry.path, entry.target)
    else if (entry.type === 'directory') await target.place.makeFolder(entry.path, entry.mode)
  }
  await rm(join(target.place.root, ownFolder, 'incomplete'), { recursive: true, force: true })
  await restoreCacheRecord(target.place.root, inventory.header)
  report({ event: 'ended', task: 'download' })
  return { dir: root, ...result, seconds: Math.round(performance.now() - started) / 1000 }
}

interface Target extends DownloadRequest {
  place: TargetDirectory
  knownSums: KnownSums
}

/** Returns whether the file was there already. */
async function fetchFile(entry: FileEntry, target: Target): Promise<boolean> {
  const { root } = target.place
  const path = join(root, entry.path)
  await target.place.makeParent(entry.path)
  if (await isThere(path, entry, target)) return true
  const incomplete = join(root, ownFolder, 'incomplete', `${entry.crc32c}-${entry.size}-${encodeName(entry.path)}`)
  await mkdir(dirname(incomplete), { recursive: true })
  try {
    const sum = await receive(incomplete, entry, target)
    if (sum !== Number.parseInt(entry.crc32c, 16)) {
      await rm(incomplete, { force: true })
      throw damaged(entry, target)
    }
    await chmod(incomplete, entry.mode)
    await rename(incomplete, path)
  } catch (error) {
    throw translateFileError(error, path)
  }
  await remember(path, entry, target.knownSums)
  return false
}

/** Appends to what a former run left; its bytes are read from disk, not fetched again. */
async function receive(incomplete: string, entry: FileEntry, { store, signal, report }: Target): Promise<number> {
  const key = entry.key ?? entry.path
  const present = await sizeOf(incomplete)
  const start = present <= entry.size ? present : 0
  let sum = start > 0 ? await hashFile(incomplete, signal) : 0
  report({ event: 'bytes', key: entry.path, bytes: start })
  let received = start
  if (start < entry.size || entry.size === 0) {
    const body = entry.size === 0 ? undefined : await store.read(key, { start, end: entry.size - 1 }, { signal })
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        sum = crc32c(chunk, sum)
        received += chunk.length
        report({ event: 'bytes', key: entry.path, bytes: chunk.length })
        done(undefined, chunk)
      },
    })
    const file = createWriteStream(incomplete, { flags: start > 0 ? 'a' : 'w', flush: true })
    if (body === undefined) await new Promise<void>((done, fail) => file.on('error', fail).end(done))
    else await pipeline(body, count, file, { signal })
  }
  if (received !== entry.size) {
    throw new NimctlError('unavailable', 'STORE_READ_CUT', {
      what: `The store ended ${describeKey(store, key)} after ${received} of ${entry.size} bytes.`,
      next: 'Run the same command again: it goes on where it stopped.',
    })
  }
  return sum
}

async function isThere(path: string, entry: FileEntry, { knownSums, signal }: Target): Promise<boolean> {
  const found = await lstat(path).catch(absent)
  if (found === undefined || !found.isFile() || found.size !== entry.size) return false
  const file = {
    type: 'file' as const,
    path: entry.path,
    size: found.size,
    mode: 0,
    modifiedMs: found.mtimeMs,
    inode: found.ino,
  }
  const sum = knownSums.get(file) ?? (await hashFile(path, signal))
  if (sum !== Number.parseInt(entry.crc32c, 16)) return false
  await knownSums.add(file, sum)
  return true
}

async function remember(path: string, entry: FileEntry, knownSums: KnownSums): Promise<void> {
  const { size, mtimeMs, ino } = await stat(path)
  const file = { type: 'file' as const, path: entry.path, size, mode: entry.mode, modifiedMs: mtimeMs, inode: ino }
  await knownSums.add(file, Number.parseInt(entry.crc32c, 16))
}

async function sizeOf(path: string): Promise<number> {
  return (await lstat(path).catch(absent))?.size ?? 0
}

/** One flat name a file, within what file systems allow. */
function encodeName(path: string): string {
  return encodeURIComponent(path).slice(-120)
}

function damaged(entry: FileEntry, { store }: Target): NimctlError {
  const key = entry.key ?? entry.path
  return new NimctlError('check-failed', 'DOWNLOAD_DAMAGED', {
    what: `${describeKey(store, key)} is not what was uploaded.`,
    why: `Its CRC32C differs from ${entry.crc32c}, which the inventory states.`,
    next: 'Remove it and upload the cache again: nimctl upload sends what is missing.',
  })
}
