import { crc32c, md5 } from '../../system/hash.ts'

/**
 * What WebHDFS can tell of a file: the MD5 over the MD5s of its blocks, each over the CRC32Cs of 512 bytes
 * (reference/uploaders.md, 5d). It depends on the size of the blocks.
 */
const chunk = 512

/** Blocks, and so parts, are multiples of this. */
export const blockUnit = chunk

/** Of one block, 32 hex digits. */
export function blockChecksum(bytes: Uint8Array): string {
  const count = Math.ceil(bytes.length / chunk)
  const sums = Buffer.allocUnsafe(4 * count)
  for (let index = 0; index < count; index++) {
    sums.writeUInt32BE(crc32c(bytes.subarray(index * chunk, (index + 1) * chunk)), 4 * index)
  }
  return hex(md5(sums))
}

/**
 * Of a whole file, from those of its blocks in order. Hadoop takes the MD5 of the buffer that holds them, to its end:
 * it has 32 bytes, doubles when it is full, and is filled up with zeros (FileChecksumHelper, DataOutputBuffer).
 */
export function combinedChecksum(blocks: readonly string[]): string {
  const sums = Buffer.from(blocks.join(''), 'hex')
  let capacity = 32
  while (capacity < sums.length) capacity *= 2
  return hex(md5(sums, Buffer.alloc(capacity - sums.length)))
}

export function fileChecksum(bytes: Uint8Array, blockSize: number): string {
  const count = Math.ceil(bytes.length / blockSize)
  const blocks = Array.from({ length: count }, (_, index) =>
    blockChecksum(bytes.subarray(index * blockSize, (index + 1) * blockSize)),
  )
  return combinedChecksum(blocks)
}

/**
 * The MD5 in an answer to GETFILECHECKSUM: behind the bytes of a chunk (4) and the chunks of a block (8).
 *
 * @returns `undefined` where it is of another kind, as with other chunks, CRC32 or erasure coding.
 */
export function readChecksum({ algorithm, bytes }: { algorithm: string; bytes: string }): string | undefined {
  if (!/^MD5-of-\d+MD5-of-512CRC32C$/.test(algorithm)) return undefined
  return /^[0-9a-f]{24}([0-9a-f]{32})/i.exec(bytes)?.[1]?.toLowerCase()
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
