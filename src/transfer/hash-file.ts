import { open, type FileHandle } from 'node:fs/promises'

import { forAll } from '../system/for-all.ts'
import { openHashPool, type HashPool } from '../system/hash-pool.ts'
import { combineCrc32c, crc32c } from '../system/hash.ts'

export interface FileHasher {
  /**
   * CRC32C of a file's first `size` bytes, or of all where it has become shorter.
   *
   * @throws what opening or reading threw, with its `code`; the signal's reason.
   */
  hash(path: string, options: { size: number; signal: AbortSignal }): Promise<number>
  /** Nothing may be under way. */
  close(): Promise<void>
}

const mebibyte = 1024 * 1024

/** Handing over to another thread costs more than to sum so much. */
const smallFile = mebibyte

/** What starting a thread for each core costs, in bytes that are summed meanwhile. */
const bytesBeforeThreads = 64 * mebibyte

/** Long against handing over, short against waiting for it after an interruption. */
const rangeBytes = 16 * mebibyte

/** Hashes in this thread until there is enough for all cores; then large files are cut, so that one keeps all busy. */
export function openFileHasher(): FileHasher {
  const pool = openHashPool()
  let bytesHere = 0
  return {
    async hash(path, { size, signal }) {
      signal.throwIfAborted()
      const file = await open(path)
      try {
        const here = size < smallFile || bytesHere + size <= bytesBeforeThreads
        if (!here) return await hashOnPool(file, { size, pool, signal })
        bytesHere += size
        return await hashHere(file, { size, signal })
      } finally {
        await file.close()
      }
    },
    close: () => pool.close(),
  }
}

async function hashHere(file: FileHandle, { size, signal }: { size: number; signal: AbortSignal }): Promise<number> {
  const buffer = Buffer.allocUnsafe(Math.min(size, mebibyte))
  let sum = 0
  for (let position = 0; position < size;) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - position), position)
    if (bytesRead === 0) break
    sum = crc32c(buffer.subarray(0, bytesRead), sum)
    position += bytesRead
  }
  return sum
}

async function hashOnPool(
  file: FileHandle,
  { size, pool, signal }: { size: number; pool: HashPool; signal: AbortSignal },
): Promise<number> {
  const starts = Array.from({ length: Math.ceil(size / rangeBytes) }, (_, index) => index * rangeBytes)
  const ranges = await forAll(
    starts,
    (start, stop) => pool.sumRange({ fd: file.fd, start, end: Math.min(size, start + rangeBytes) }, stop),
    { concurrency: pool.threads, signal },
  )
  return ranges.reduce((sum, range) => combineCrc32c(sum, range.sum, range.bytes), 0)
}
