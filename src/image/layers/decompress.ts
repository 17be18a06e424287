import { pipeline, Readable, type Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'

import { readBytes } from './byte-reader.ts'
import { zstdFrameMagic, zstdFrames, zstdSkippableMagic } from './zstd-frames.ts'

const chunkSize = 256 * 1024

/**
 * What lies in a file, whether it is stored as it is, with gzip or with zstd. Its first bytes say so; media types of
 * layers are not always right about it. Holds some chunks at a time, whatever they unpack to.
 */
export async function* decompress(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { magic, whole } = await peek(source)
  if (isGzip(magic)) yield* through(whole, createGunzip({ chunkSize }))
  else if (isZstd(magic)) yield* through(zstdFrames(readBytes(whole)), createZstdDecompress({ chunkSize }))
  else yield* whole
}

/** @param magic the first four bytes. */
export function isCompressed(magic: Buffer): boolean {
  return isGzip(magic) || isZstd(magic)
}

function isGzip(magic: Buffer): boolean {
  return magic[0] === 0x1f && magic[1] === 0x8b
}

function isZstd(magic: Buffer): boolean {
  const number = magic.length === 4 ? magic.readUInt32LE() : 0
  return number === zstdFrameMagic || number >>> 4 === zstdSkippableMagic
}

async function peek(source: AsyncIterable<Buffer>): Promise<{ magic: Buffer; whole: AsyncGenerator<Buffer> }> {
  const iterator = source[Symbol.asyncIterator]()
  let begun = Buffer.alloc(0)
  while (begun.length < 4) {
    const { done, value } = await iterator.next()
    if (done === true) break
    begun = Buffer.concat([begun, value])
  }
  const whole = async function* () {
    try {
      yield begun
      for (;;) {
        const { done, value } = await iterator.next()
        if (done === true) return
        yield value
      }
    } finally {
      await iterator.return?.()
    }
  }
  return { magic: begun.subarray(0, 4), whole: whole() }
}

/** An error of the source comes out as it is. */
async function* through(source: AsyncIterable<Buffer>, transform: Transform): AsyncGenerator<Buffer> {
  // No callback is needed: what fails reaches who reads the transform.
  pipeline(Readable.from(source, { highWaterMark: 1 }), transform, () => {})
  for await (const chunk of transform as AsyncIterable<Buffer>) yield chunk
}
