import { open } from 'node:fs/promises'

import { crc32c } from '../system/hash.ts'

/** Small enough to stay in the processor's cache between reading and summing. */
const chunkSize = 1024 * 1024

/** CRC32C of a file, read once into one buffer of 1 MiB. */
export async function hashFile(path: string, signal: AbortSignal): Promise<number> {
  const file = await open(path)
  try {
    const buffer = Buffer.allocUnsafe(chunkSize)
    for (let sum = 0; ;) {
      signal.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, chunkSize)
      if (bytesRead === 0) return sum
      sum = crc32c(buffer.subarray(0, bytesRead), sum)
    }
  } finally {
    await file.close()
  }
}
