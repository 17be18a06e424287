import { createReadStream } from 'node:fs'

import { crc32c } from '../system/hash.ts'

const chunkSize = 1024 * 1024

/** CRC32C of a file, read once in chunks of 1 MiB. */
export async function hashFile(path: string, signal: AbortSignal): Promise<number> {
  let sum = 0
  for await (const chunk of createReadStream(path, { highWaterMark: chunkSize, signal })) sum = crc32c(chunk, sum)
  return sum
}
