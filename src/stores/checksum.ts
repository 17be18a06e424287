import { type Mend, NimctlError } from '../system/errors.ts'
import { combineCrc32c, crc32c, crc32cToHex } from '../system/hash.ts'
import type { FinishedPart, Sums } from './store.ts'

/** For stores that check nothing themselves: what arrived, against what was sent. */
export function checkBytes(bytes: Uint8Array, sums: Sums, name: string): void {
  const found = crc32c(bytes)
  if (found !== sums.crc32c) throw checksumMismatch(name, { expected: sums.crc32c, found })
}

/** The CRC32C of a whole object follows from those of its parts. Sending anything again doesn't mend a difference. */
export function checkTotal(parts: readonly FinishedPart[], sums: Sums, name: string): void {
  const found = parts.reduce((sum, part) => combineCrc32c(sum, part.crc32c, part.size), 0)
  if (found !== sums.crc32c) throw checksumMismatch(name, { expected: sums.crc32c, found, mend: 'not' })
}

/** @param mend by default the bytes changed on the way, so sending them again mends it. */
export function checksumMismatch(
  name: string,
  { expected, found, mend = 'same' }: { expected: number; found: number; mend?: Mend },
): NimctlError {
  return new NimctlError('unavailable', 'CHECKSUM_MISMATCH', {
    what: `${name} did not arrive as it was sent.`,
    why: `The CRC32C should be ${crc32cToHex(expected)} and is ${crc32cToHex(found)}.`,
    mend,
  })
}

/** The store forgot the upload, or what was saved belongs to something else: only a new one helps. */
export function uploadGone(name: string, { why, cause }: { why?: string; cause?: unknown } = {}): NimctlError {
  return new NimctlError('unavailable', 'UPLOAD_GONE', {
    what: `The begun upload of ${name} is no longer there.`,
    why: why ?? 'It was completed, aborted, or cleaned up.',
    next: 'Run the same command again: it begins a new one.',
    mend: 'new-upload',
    cause,
  })
}

/** @throws NimctlError `unavailable` when parts are missing or not of one size. */
export function checkParts(parts: readonly FinishedPart[], { size, partSize, name }: PartsShape): void {
  const wrong = parts.some((part, index) => {
    const start = index * partSize
    return part.number !== index + 1 || part.size !== Math.min(partSize, size - start)
  })
  const total = parts.reduce((sum, part) => sum + part.size, 0)
  if (!wrong && total === size) return
  throw new NimctlError('unavailable', 'UPLOAD_INCOMPLETE', {
    what: `The upload of ${name} can't be completed: its parts don't make up the whole.`,
    why: `${size} bytes are to arrive, ${total} did in ${parts.length} parts.`,
    mend: 'new-upload',
  })
}

interface PartsShape {
  size: number
  partSize: number
  name: string
}
