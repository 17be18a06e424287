import { lstat, realpath, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { Inventory, InventoryEntry } from '../inventory/inventory.ts'
import { ownFolder } from '../inventory/inventory.ts'
import type { Store } from '../stores/store.ts'
import { ensureWritableDirectory } from '../system/files.ts'
import { forAll } from '../system/for-all.ts'
import type { Report } from '../system/progress.ts'
import { openBufferPool } from './buffer-pool.ts'
import { checkNames } from './check-names.ts'
import { openFileHasher, type FileHasher } from './hash-file.ts'
import { openKnownSums, type KnownSums } from './known-sums.ts'
import { openPartLog } from './part-log.ts'
import { defaultPartSize } from './part-size.ts'
import { receiveFile, type ReceiveContext } from './receive-file.ts'
import { restoreCacheRecord } from './restore-record.ts'
import { absent, openTarget, type TargetDirectory } from './target-directory.ts'

type FileEntry = InventoryEntry & { type: 'file' }

export interface DownloadRequest {
  store: Store
  inventory: Inventory
  directory: string
  stateDirectory: string
  /** Requests in flight. */
  concurrency: number
  /** Bytes of buffers. */
  memory: number
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

interface Target extends ReceiveContext {
  place: TargetDirectory
  knownSums: KnownSums
  hasher: FileHasher
}

/** Files that are open at once; how many of their requests are in flight, the pool decides. */
const openFiles = 64

/**
 * Brings an uploaded cache back: every file checked against the inventory while it arrives, links and modes restored.
 * A file becomes visible when it is whole; what a former run has begun is gone on with.
 *
 * @throws NimctlError `check-failed` / `DOWNLOAD_DAMAGED` when an object is not what the inventory says;
 *   `usage` / `NAMES_COLLIDE` when this file system can't hold the names; `local` when the disk is full or not
 *   writable. What is finished is kept.
 */
export async function download(request: DownloadRequest): Promise<DownloadResult> {
  const { inventory, stateDirectory, store, concurrency, memory, signal, report } = request
  const started = performance.now()
  const root = resolve(request.directory)
  await ensureWritableDirectory(root)
  await checkNames(inventory.entries, root)
  const files = inventory.entries.filter(entry => entry.type === 'file')
  report({ event: 'started', task: 'download', totalBytes: inventory.header.bytes, totalFiles: files.length })

  const place = openTarget(await realpath(root))
  const incomplete = join(place.root, ownFolder, 'incomplete')
  const parts = await openPartLog(join(incomplete, 'parts.jsonl'))
  const knownSums = await openKnownSums(place.root, stateDirectory)
  const hasher = openFileHasher()
  const pool = openBufferPool({ budget: memory, slabSize: defaultPartSize, maxLeases: () => concurrency })
  const target: Target = { store, place, incomplete, parts, knownSums, hasher, pool, signal, report }
  try {
    const counts = await fetchAll(files, target)
    for (const entry of inventory.entries) {
      if (entry.type === 'link') await place.makeLink(entry.path, entry.target)
      else if (entry.type === 'directory') await place.makeFolder(entry.path, entry.mode)
    }
    await restoreCacheRecord(place.root, inventory.header)
    await parts.close()
    await rm(incomplete, { recursive: true, force: true })
    report({ event: 'ended', task: 'download' })
    return { dir: root, ...counts, seconds: Math.round(performance.now() - started) / 1000 }
  } finally {
    await Promise.all([parts.close(), knownSums.close(), hasher.close()])
  }
}

async function fetchAll(
  files: readonly FileEntry[],
  target: Target,
): Promise<Pick<DownloadResult, 'files' | 'bytes' | 'skippedFiles'>> {
  const counts = { files: 0, bytes: 0, skippedFiles: 0 }
  const biggestFirst = files.toSorted((a, b) => b.size - a.size)
  await forAll(
    biggestFirst,
    async (entry, signal) => {
      await target.place.makeParent(entry.path)
      const path = join(target.place.root, entry.path)
      const skipped = await isThere(path, entry, { ...target, signal })
      if (skipped) {
        counts.skippedFiles += 1
        target.report({ event: 'bytes', key: entry.path, bytes: entry.size, resumed: true })
      } else {
        await receiveFile(path, entry, { ...target, signal })
        await remember(path, entry, target.knownSums)
        counts.files += 1
        counts.bytes += entry.size
      }
      target.report({ event: 'finished', key: entry.path, action: skipped ? 'skipped' : 'downloaded' })
    },
    { concurrency: openFiles, signal: target.signal },
  )
  return counts
}

async function isThere(path: string, entry: FileEntry, { knownSums, hasher, signal }: Target): Promise<boolean> {
  const found = await lstat(path).catch(absent)
  if (found === undefined || !found.isFile() || found.size !== entry.size) return false
  const { size, mtimeMs: modifiedMs, ino: inode } = found
  const file = { type: 'file' as const, path: entry.path, size, mode: entry.mode, modifiedMs, inode }
  const sum = knownSums.get(file) ?? (await hasher.hash(path, { size, signal }))
  if (sum !== Number.parseInt(entry.crc32c, 16)) return false
  knownSums.add(file, sum)
  return true
}

async function remember(path: string, entry: FileEntry, knownSums: KnownSums): Promise<void> {
  const { size, mtimeMs: modifiedMs, ino: inode } = await stat(path)
  const file = { type: 'file' as const, path: entry.path, size, mode: entry.mode, modifiedMs, inode }
  knownSums.add(file, Number.parseInt(entry.crc32c, 16))
}
