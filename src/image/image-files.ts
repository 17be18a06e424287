import { createReadStream } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'

import { NimctlError } from '../system/errors.ts'
import { translateFileError } from '../system/files.ts'
import { type ByteReader, readBytes } from './layers/byte-reader.ts'
import { decompress, isCompressed } from './layers/decompress.ts'
import { TarDamaged, tarEntries } from './layers/tar-entries.ts'

/** The files of a directory or of an archive, by their paths in there. */
export interface ImageFiles {
  /** Bytes; `undefined` where there is no such file. */
  size(path: string): Promise<number | undefined>
  open(path: string, signal: AbortSignal): AsyncIterable<Buffer>
}

export function directoryFiles(directory: string): ImageFiles {
  return {
    async size(path) {
      const found = await stat(join(directory, path)).catch((error: unknown) => absentOrThrow(error, directory))
      return found?.isFile() === true ? found.size : undefined
    },
    open: (path, signal) => createReadStream(join(directory, path), { signal }),
  }
}

/** Where a file lies in an archive. */
interface Place {
  start: number
  size: number
}

/**
 * An archive's files, by a list that is made once: of a plain one only the headers are read for it. A compressed one is
 * unpacked from its beginning each time; nothing is written.
 *
 * @throws NimctlError `not-found` / `PATH_NOT_FOUND`; `check-failed` / `IMAGE_DAMAGED` where it is no whole archive.
 */
export async function archiveFiles(path: string, signal: AbortSignal): Promise<ImageFiles> {
  const compressed = await readFirst(path)
  const places = await listArchive(path, compressed, signal)
  return {
    size: async name => places.get(posix.normalize(name))?.size,
    open: (name, openSignal) => {
      const { start, size } = places.get(posix.normalize(name)) ?? { start: 0, size: 0 }
      if (size === 0) return nothing()
      if (!compressed) return createReadStream(path, { start, end: start + size - 1, signal: openSignal })
      return cut(decompress(createReadStream(path, { signal: openSignal })), { start, size })
    },
  }
}

async function readFirst(path: string): Promise<boolean> {
  return await withFile(path, async file => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return isCompressed(buffer.subarray(0, bytesRead))
  })
}

async function listArchive(path: string, compressed: boolean, signal: AbortSignal): Promise<Map<string, Place>> {
  const places = new Map<string, Place>()
  const links: { path: string; target: string }[] = []
  const note = async (reader: ByteReader) => {
    for await (const { path: name, type, start, size, target } of tarEntries(reader)) {
      if (type === 'file') places.set(name, { start, size })
      if (type === 'link') links.push({ path: name, target: posix.join(posix.dirname(name), target) })
    }
  }
  try {
    if (compressed) await note(readBytes(decompress(createReadStream(path, { signal }))))
    else await withFile(path, file => note(seek(file)))
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof TarDamaged)) throw error
    throw new NimctlError('check-failed', 'IMAGE_DAMAGED', {
      what: `${path} is no whole archive.`,
      why: error.message,
      next: 'Make it anew, or copy it anew.',
      cause: error,
    })
  }
  // `docker save` once wrote a layer that two images share as a link.
  for (const link of links) {
    const place = places.get(link.target)
    if (place !== undefined) places.set(link.path, place)
  }
  return places
}

async function withFile<Result>(path: string, use: (file: FileHandle) => Promise<Result>): Promise<Result> {
  const file = await open(path).catch((error: unknown) => {
    throw translateFileError(error, path)
  })
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

/** What is passed over is not read. */
function seek(file: FileHandle): ByteReader {
  let position = 0
  return {
    async read(length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
      position += bytesRead
      return buffer.subarray(0, bytesRead)
    },
    async skip(length) {
      const { size } = await file.stat()
      const skipped = Math.min(length, size - position)
      position += skipped
      return skipped
    },
  }
}

async function* cut(bytes: AsyncGenerator<Buffer>, { start, size }: Place): AsyncGenerator<Buffer> {
  const reader = readBytes(bytes)
  await reader.skip(start)
  for (let left = size; left > 0;) {
    const piece = await reader.read(Math.min(left, pieceSize))
    if (piece.length === 0) return
    left -= piece.length
    yield piece
  }
}

const pieceSize = 256 * 1024

async function* nothing(): AsyncGenerator<Buffer> {}

function absentOrThrow(error: unknown, directory: string): undefined {
  const translated = translateFileError(error, directory)
  if (translated instanceof NimctlError && translated.code === 'PATH_NOT_FOUND') return undefined
  throw translated
}

/**
 * A short file whole; `undefined` where there is none.
 *
 * @throws NimctlError `check-failed` / `IMAGE_DAMAGED` where it is longer than `limit`.
 */
export async function readShort(
  files: ImageFiles,
  path: string,
  { limit, image, signal }: { limit: number; image: string; signal: AbortSignal },
): Promise<Buffer | undefined> {
  const size = await files.size(path)
  if (size === undefined) return undefined
  if (size > limit) {
    throw new NimctlError('check-failed', 'IMAGE_DAMAGED', {
      what: `${path} in ${image} is too long to be what it should be.`,
      why: `It has ${size} bytes; ${limit} are taken at most.`,
    })
  }
  return Buffer.concat(await Array.fromAsync(files.open(path, signal)))
}
