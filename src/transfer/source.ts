import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'

import type { CacheEntry, CacheTree } from '../cache/cache-tree.ts'
import { unreadable } from '../cache/scan.ts'
import type { Store } from '../stores/store.ts'
import { errorCode, NimctlError } from '../system/errors.ts'
import { openFileHasher } from './hash-file.ts'
import { identity, openKnownSums } from './known-sums.ts'

export type FileEntry = CacheEntry & { type: 'file' }

export interface OpenFile {
  /**
   * Fills `bytes` from `position` on.
   *
   * @throws NimctlError `local` / `SOURCE_CHANGED` when the file is shorter, `CACHE_UNREADABLE` when the disk fails.
   */
  read(bytes: Uint8Array, position: number, options: { signal: AbortSignal }): Promise<void>
  /** A former run sent this range, and it is not read again. @param size in bytes. */
  noteSent(position: number, size: number, crc32c: number): void
  /** @throws NimctlError `local` / `SOURCE_CHANGED` */
  checkUnchanged(): Promise<void>
  close(): Promise<void>
}

/** The files of a tree as one: layout `tar`. */
export interface Archive {
  /** What is sent, in place of the files; it is no entry of the tree. */
  file: FileEntry
  /** Where the content of a file begins in it, in bytes. */
  offsetOf(path: string): number
  /**
   * CRC32C by path of every file in it; what did not pass by while it was sent is read now.
   *
   * @throws NimctlError `local` / `SOURCE_CHANGED`, `check-failed` / `SOURCE_DAMAGED`.
   */
  readSums(signal: AbortSignal): Promise<ReadonlyMap<string, number>>
}

/** Where files come from: a directory, or a store that nimctl uploaded to. */
export interface Source {
  tree: CacheTree
  /** Where the files are objects: what a destination of the same service copies without their bytes coming here. */
  origin?: Origin
  /** Then it is the one file that can be opened, hashed and identified. */
  archive?: Archive
  /** CRC32C where it is known without reading. */
  sumOf(file: FileEntry): number | undefined
  /** Computed by reading, once, or by the way while the file was sent. */
  noteSum(file: FileEntry, crc32c: number): void
  /** CRC32C by reading. @throws NimctlError as `open` */
  hash(file: FileEntry, signal: AbortSignal): Promise<number>
  /** @throws NimctlError `local` / `CACHE_UNREADABLE`, or `SOURCE_CHANGED` when it is gone. */
  open(file: FileEntry): Promise<OpenFile>
  /** Fills `bytes` with all of it. @throws NimctlError `local` / `SOURCE_CHANGED` */
  readWhole(file: FileEntry, bytes: Uint8Array, options: { signal: AbortSignal }): Promise<void>
  /** Another text as soon as the content may be another. */
  identityOf(file: FileEntry): string
  close(): Promise<void>
}

export interface Origin {
  store: Store
  keyOf(file: FileEntry): string
}

export async function openDirectorySource(tree: CacheTree, stateDirectory: string): Promise<Source> {
  const known = await openKnownSums(tree.root, stateDirectory)
  const hasher = openFileHasher()
  const small = openSmallReader(tree.root)
  return {
    tree,
    sumOf: file => known.get(file),
    noteSum: (file, crc32c) => known.add(file, crc32c),
    async hash(file, signal) {
      const path = join(tree.root, file.path)
      return await hasher.hash(path, { size: file.size, signal }).catch((error: unknown) => {
        throw whyUnread(path, error)
      })
    },
    open: file => openFile(tree.root, file),
    async readWhole(file, bytes, { signal }) {
      if (file.size <= largestSmall && small.isQuick()) return small.read(file, bytes)
      const opened = await openFile(tree.root, file)
      try {
        await opened.read(bytes, 0, { signal })
        await opened.checkUnchanged()
      } finally {
        await opened.close()
      }
    },
    identityOf: identity,
    async close() {
      await Promise.all([known.close(), hasher.close()])
    },
  }
}

async function openFile(root: string, file: FileEntry): Promise<OpenFile> {
  const path = join(root, file.path)
  const fail = (error: unknown): never => {
    throw whyUnread(path, error)
  }
  const handle = await open(path).catch(fail)
  return {
    async read(bytes, position, { signal }) {
      let filled = 0
      while (filled < bytes.length) {
        signal.throwIfAborted()
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, position + filled).catch(fail)
        if (bytesRead === 0) throw sourceChanged(path)
        filled += bytesRead
      }
    },
    noteSent() {},
    async checkUnchanged() {
      if (isChanged(file, await handle.stat())) throw sourceChanged(path)
    },
    close: () => handle.close(),
  }
}

/** It was there when the directory was scanned. */
function whyUnread(path: string, error: unknown): unknown {
  const code = errorCode(error) ?? ''
  if (['ENOENT', 'ENOTDIR', 'ESTALE'].includes(code)) return sourceChanged(path, error)
  return /^E[A-Z]+$/.test(code) ? unreadable(path, error) : error
}

/** Of larger ones, reading costs more than what is around it. */
const largestSmall = 64 * 1024

/** From memory and local disks a small file comes in a fraction of it. */
const quickMs = 1

/**
 * Reads small files with the calls that block: with the others, each costs four times what is spent on it here. That
 * holds up everything else, so it is done only as long as files come quickly on the average of the last few.
 */
function openSmallReader(root: string) {
  let averageMs = 0
  return {
    isQuick: () => averageMs < quickMs,
    read(file: FileEntry, bytes: Uint8Array): void {
      const startedMs = performance.now()
      const path = `${root}/${file.path}`
      try {
        readSmall(path, file, bytes)
      } catch (error) {
        throw whyUnread(path, error)
      }
      averageMs += (performance.now() - startedMs - averageMs) / 16
    },
  }
}

function readSmall(path: string, file: FileEntry, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'r')
  try {
    for (let filled = 0; filled < bytes.length;) {
      const count = readSync(descriptor, bytes, filled, bytes.length - filled, filled)
      if (count === 0) throw sourceChanged(path)
      filled += count
    }
    if (isChanged(file, fstatSync(descriptor))) throw sourceChanged(path)
  } finally {
    closeSync(descriptor)
  }
}

function isChanged(file: FileEntry, { size, mtimeMs, ino }: Stats): boolean {
  return size !== file.size || mtimeMs !== file.modifiedMs || ino !== file.inode
}

function sourceChanged(path: string, cause?: unknown): NimctlError {
  return new NimctlError('local', 'SOURCE_CHANGED', {
    what: `${path} changed, or is gone, while it was uploaded.`,
    next: 'Wait until nothing writes to the cache any more, then run the same command again.',
    cause,
  })
}
