import type { ByteReader } from './byte-reader.ts'

export const zstdFrameMagic = 0xfd2fb528
/** The last four bits of the magic number are the writer's own. */
export const zstdSkippableMagic = 0x184d2a5

const dictionaryIdSize = [0, 1, 2, 4]
const contentSizeSize = [0, 2, 4, 8]

/**
 * The frames of a zstd stream in pieces that never cross the end of a frame, skippable ones left out (RFC 8878, 3).
 *
 * Node's decompressor drops what follows the end of a frame in the piece that it was given, without an error; podman
 * writes layers of one frame for each file (`zstd:chunked`). What is no frame is handed on, for the decompressor to refuse.
 */
export async function* zstdFrames(reader: ByteReader): AsyncGenerator<Buffer> {
  for (;;) {
    const magic = await reader.read(4)
    if (magic.length < 4) {
      if (magic.length > 0) yield magic
      return
    }
    const number = magic.readUInt32LE()
    if (number >>> 4 === zstdSkippableMagic) {
      const size = await reader.read(4)
      if (size.length < 4) return
      await reader.skip(size.readUInt32LE())
      continue
    }
    yield magic
    if (number === zstdFrameMagic) yield* restOfFrame(reader)
  }
}

async function* restOfFrame(reader: ByteReader): AsyncGenerator<Buffer> {
  const first = await reader.read(1)
  const [descriptor] = first
  if (descriptor === undefined) return
  const singleSegment = (descriptor & 0x20) !== 0
  const checksum = (descriptor & 0x04) !== 0
  const contentSize = contentSizeSize[descriptor >>> 6] ?? 0
  const windowSize = singleSegment ? 0 : 1
  const restOfHeader = await reader.read(
    windowSize + (dictionaryIdSize[descriptor & 0x03] ?? 0) + (contentSize === 0 && singleSegment ? 1 : contentSize),
  )
  yield Buffer.concat([first, restOfHeader])
  for (let last = false; !last;) {
    const header = await reader.read(3)
    yield header
    if (header.length < 3) return
    const bits = header.readUIntLE(0, 3)
    last = (bits & 1) === 1
    const repeatsOneByte = ((bits >>> 1) & 3) === 1
    yield await reader.read(repeatsOneByte ? 1 : bits >>> 3)
  }
  if (checksum) yield await reader.read(4)
}
