import { randomUUID } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode, NimctlError } from '../../system/errors.ts'
import { crc32c } from '../../system/hash.ts'
import { checkBytes, checkParts, checkTotal, uploadGone } from '../checksum.ts'
import type { FinishedPart, SavedUpload, Upload } from '../store.ts'
import { translated } from './errors.ts'
import { appendLine, createPartLog, readPartLog } from './part-log.ts'
import type { Paths } from './paths.ts'
import { bytesOf, isUploadId, logOf, removeUpload } from './uploads.ts'
import { makeAgainIfGone, moveIntoPlace } from './write.ts'

interface Begun {
  paths: Paths
  saved: SavedUpload
  size: number
  finished: FinishedPart[]
}

/** Parts are written in place into one incomplete file, which is renamed when all are there. */
export async function openFileUpload(
  paths: Paths,
  key: string,
  options: { size: number; partSize: number; resume?: SavedUpload; signal: AbortSignal },
): Promise<Upload> {
  const { size, partSize, resume, signal } = options
  await paths.pathOf(key)
  const begun = resume === undefined ? undefined : await findBegun(paths, resume, { key, size, signal })
  if (begun !== undefined) return openParts(begun)

  const saved: SavedUpload = { key, id: randomUUID(), partSize }
  await makeAgainIfGone(paths.incomplete, () =>
    createPartLog(logOf(paths, saved), { formatVersion: 1, key, size, partSize }),
  )
  await (await open(bytesOf(paths, saved), 'wx')).close()
  return openParts({ paths, saved, size, finished: [] })
}

function openParts({ paths, saved, size, finished }: Begun): Upload {
  const name = join(paths.root, saved.key)
  const remove = () => removeUpload(paths, saved)
  return {
    saved,
    partSize: saved.partSize,
    finished,

    async putPart(number, bytes, sums, { signal }) {
      signal.throwIfAborted()
      const part = { number, size: bytes.length, crc32c: sums.crc32c }
      checkBytes(bytes, sums, `Part ${number} of ${name}`)
      await translated('write', name, () => writePart(paths, saved, { part, bytes }))
      return part
    },

    async complete(sums, parts, { signal }) {
      signal.throwIfAborted()
      checkParts(parts, { size, partSize: saved.partSize, name })
      checkTotal(parts, sums, name)
      await translated('write', name, async () => {
        await syncBytes(paths, saved, name)
        await moveIntoPlace(bytesOf(paths, saved), await paths.pathOf(saved.key), { ifAbsent: false, key: saved.key })
        await remove()
      })
      return { key: saved.key, size }
    },

    abort: () => translated('write', name, remove),
  }
}

/** The part's bytes are on the disk before its line is in the log, so that the log never claims too much. */
async function writePart(
  paths: Paths,
  saved: SavedUpload,
  { part, bytes }: { part: FinishedPart; bytes: Uint8Array },
): Promise<void> {
  await withFile(bytesOf(paths, saved), { flags: 'r+', name: saved.key }, async file => {
    const start = (part.number - 1) * saved.partSize
    for (let done = 0; done < bytes.length;) {
      done += (await file.write(bytes, done, bytes.length - done, start + done)).bytesWritten
    }
    await file.datasync()
  })
  await withFile(logOf(paths, saved), { flags: 'a', name: saved.key }, file => appendLine(file, part))
}

async function syncBytes(paths: Paths, saved: SavedUpload, name: string): Promise<void> {
  await withFile(bytesOf(paths, saved), { flags: 'r+', name }, file => file.sync())
}

/**
 * Parts that the log claims are read back: a file that was cut or changed since claims too much. `undefined` where
 * nothing is left of the upload, or what lies there was begun for another file.
 */
async function findBegun(
  paths: Paths,
  saved: SavedUpload,
  { key, size, signal }: { key: string; size: number; signal: AbortSignal },
): Promise<Begun | undefined> {
  if (!isUploadId(saved.id)) return undefined
  try {
    const log = await readPartLog(logOf(paths, saved))
    if (log === undefined) return undefined
    const { header, parts } = log
    if (header.key !== key || header.size !== size || header.partSize !== saved.partSize) return undefined
    return { paths, saved, size, finished: await confirmedParts(paths, saved, { parts, signal }) }
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || isGone(error)) return undefined
    throw error
  }
}

async function confirmedParts(
  paths: Paths,
  saved: SavedUpload,
  { parts, signal }: { parts: FinishedPart[]; signal: AbortSignal },
): Promise<FinishedPart[]> {
  return await withFile(bytesOf(paths, saved), { flags: 'r', name: saved.key }, async file => {
    const buffer = Buffer.allocUnsafe(readBackBytes)
    const confirmed: FinishedPart[] = []
    for (const part of parts) {
      signal.throwIfAborted()
      const start = (part.number - 1) * saved.partSize
      if ((await crc32cOf(file, { start, size: part.size, buffer })) === part.crc32c) confirmed.push(part)
    }
    return confirmed
  })
}

function isGone(error: unknown): boolean {
  return error instanceof NimctlError && error.code === 'UPLOAD_GONE'
}

const readBackBytes = 1024 * 1024

/** `undefined` when the file ends before. */
async function crc32cOf(
  file: FileHandle,
  { start, size, buffer }: { start: number; size: number; buffer: Buffer },
): Promise<number | undefined> {
  let sum = 0
  for (let done = 0; done < size;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - done), start + done)
    if (bytesRead === 0) return undefined
    sum = crc32c(buffer.subarray(0, bytesRead), sum)
    done += bytesRead
  }
  return sum
}

/** @throws NimctlError `UPLOAD_GONE` where there is no such file. */
async function withFile<T>(
  path: string,
  { flags, name }: { flags: string; name: string },
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags).catch((error: unknown) => {
    throw errorCode(error) === 'ENOENT' ? uploadGone(name, { cause: error }) : error
  })
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}
