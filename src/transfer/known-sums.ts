import { createHash } from 'node:crypto'
import { access, constants, stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { CacheEntry } from '../cache/cache-tree.ts'
import { ownFolder } from '../inventory/inventory.ts'
import { openAppendLog, readLog } from '../system/append-log.ts'
import { errorCode, NimctlError } from '../system/errors.ts'

type FileEntry = CacheEntry & { type: 'file' }

/** CRC32C of files, remembered between runs; a file whose size, time or inode changed is unknown again. */
export interface KnownSums {
  get(file: FileEntry): number | undefined
  /** Written soon, so that a killed run has not read for nothing. */
  add(file: FileEntry, crc32c: number): void
  /** They only save work: a disk that is full is no reason to fail. */
  close(): Promise<void>
}

/** Kept in `ROOT/.nimctl/`; of a cache that is read-only, in the state directory. */
export async function openKnownSums(root: string, stateDirectory: string): Promise<KnownSums> {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 32)
  const inside = join(root, ownFolder, 'sums.jsonl')
  const path = (await takesOurFolder(root)) ? inside : join(stateDirectory, 'sums', `${name}.jsonl`)
  const { values, wholeBytes } = await readLog(path, parseLine)
  const sums = new Map(values.map(known => [known.path, known]))
  const log = openAppendLog(path, { wholeBytes, sync: false })
  let failed = false
  const flush = async (): Promise<void> => {
    try {
      if (!failed) await log.flush()
    } catch (error) {
      if (!(error instanceof NimctlError)) throw error
      failed = true
    }
  }
  let flushing = Promise.resolve()

  return {
    get: file => sumOf(sums.get(file.path), file),
    add(file, crc32c) {
      if (sumOf(sums.get(file.path), file) === crc32c) return
      const { path, size, modifiedMs, inode } = file
      sums.set(path, { path, size, modifiedMs, inode, crc32c })
      log.add(JSON.stringify({ file: identity(file), crc32c }))
      flushing = flush()
    },
    async close() {
      await flushing
      await flush()
      if (!failed) await log.close()
    },
  }
}

/** Identifies a content without reading it: whoever changes a file changes its size, its time or its inode. */
export function identity({ path, size, modifiedMs, inode }: FileEntry): string {
  return `${size} ${modifiedMs} ${inode} ${path}`
}

/** Whether `.nimctl/` is there and can be written, or could be made. Nothing is made for asking. */
async function takesOurFolder(root: string): Promise<boolean> {
  const folder = join(root, ownFolder)
  const written = (await stat(folder).catch(absent)) === undefined ? `${root}/` : folder
  return await access(written, constants.W_OK).then(
    () => true,
    () => false,
  )
}

function absent(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
  throw error
}

interface KnownSum {
  path: string
  size: number
  modifiedMs: number
  inode: number
  crc32c: number
}

function sumOf(known: KnownSum | undefined, { size, modifiedMs, inode }: FileEntry): number | undefined {
  const same = known?.size === size && known.modifiedMs === modifiedMs && known.inode === inode
  return same ? known.crc32c : undefined
}

/** The parts of an identity are compared as numbers: to write them costs more than all else here. */
function parseLine(value: unknown): KnownSum | undefined {
  if (typeof value !== 'object' || value === null || !('file' in value) || !('crc32c' in value)) return undefined
  const { file, crc32c } = value
  if (typeof file !== 'string' || typeof crc32c !== 'number') return undefined
  const [, size, modifiedMs, inode, path] = /^(\S+) (\S+) (\S+) ([^]*)$/.exec(file) ?? []
  if (path === undefined) return undefined
  return { path, size: Number(size), modifiedMs: Number(modifiedMs), inode: Number(inode), crc32c }
}
