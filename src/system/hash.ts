import { createHash } from 'node:crypto'

import { crc32c as nativeCrc32c } from '@node-rs/crc32'

/**
 * CRC32C (Castagnoli) as an unsigned 32-bit number.
 *
 * @param start the checksum of what came before, to continue it.
 */
export function crc32c(bytes: Uint8Array, start = 0): number {
  return nativeCrc32c(bytes, start)
}

/**
 * The CRC32C of two byte strings put one behind the other, from their checksums alone: the first is moved up by the
 * second's length (multiplied by x^(8·length) modulo the polynomial), then both are added. Takes O(log length).
 * Method: crc32_combine of zlib, https://github.com/madler/zlib/blob/develop/crc32.c
 *
 * @param secondLength in bytes.
 */
export function combineCrc32c(first: number, second: number, secondLength: number): number {
  let shift = x0
  let square = x8
  // Division, because lengths go beyond what JavaScript's bit operations hold.
  for (let length = secondLength; length > 0; length = Math.floor(length / 2)) {
    if (length % 2 === 1) shift = multiply(square, shift)
    square = multiply(square, square)
  }
  return (multiply(shift, first) ^ second) >>> 0
}

/** Four bytes in network order and base64: how S3 and GCS write a CRC32C. */
export function crc32cToBase64(checksum: number): string {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(checksum)
  return bytes.toString('base64')
}

/** `undefined` when the text is not four bytes in base64, as the composite checksums of S3 (`…==-2`) are not. */
export function crc32cFromBase64(text: string): number | undefined {
  return /^[A-Za-z0-9+/]{6}==$/.test(text) ? Buffer.from(text, 'base64').readUInt32BE() : undefined
}

/** Eight lower-case digits, the form of the inventory. */
export function crc32cToHex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0')
}

/** MD5, 16 bytes. */
export function md5(...pieces: Uint8Array[]): Uint8Array {
  const hash = createHash('md5')
  for (const piece of pieces) hash.update(piece)
  return hash.digest()
}

// Polynomials modulo 2 with the highest bit for x^0, as reflected CRCs hold them.
const castagnoli = 0x82f63b78
const x0 = 0x80000000
const x8 = 0x00800000

/** a · b modulo the Castagnoli polynomial. */
function multiply(a: number, b: number): number {
  let product = 0
  let factor = b
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) product ^= factor
    factor = factor & 1 ? (factor >>> 1) ^ castagnoli : factor >>> 1
  }
  return product >>> 0
}
