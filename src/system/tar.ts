const blockSize = 512

/**
 * The bytes of the first regular file in a tar archive: enough for what the engine sends when it is asked for one
 * file. Extended headers (pax, GNU long names) are passed over, since the name is known.
 *
 * @param name for the error message only.
 */
export function firstFileInTar(archive: Buffer, name: string): Buffer {
  let offset = 0
  while (offset + blockSize <= archive.length) {
    const header = archive.subarray(offset, offset + blockSize)
    const size = parseSize(header.subarray(124, 136))
    const type = String.fromCharCode(header[156] ?? 0)
    const start = offset + blockSize
    if ((type === '0' || type === '\0') && header[0] !== 0) {
      if (start + size > archive.length) break
      return archive.subarray(start, start + size)
    }
    offset = start + Math.ceil(size / blockSize) * blockSize
  }
  throw new Error(`The engine's archive of ${name} holds no complete file.`)
}

/** Octal text, or binary with the first bit set where the octal digits don't suffice (8 GiB). */
function parseSize(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(field.length - 8))
  return Number.parseInt(field.toString('latin1').replaceAll(/[\0 ]/g, '') || '0', 8)
}
