import { randomUUID } from 'node:crypto'

import { NimctlError } from '../../system/errors.ts'
import { checkBytes, checkParts, checkTotal, uploadGone } from '../checksum.ts'
import type { FinishedPart, FoundPart, SavedUpload, Upload } from '../store.ts'
import { blockChecksum, blockUnit, combinedChecksum } from './checksum.ts'
import { pathOf } from './location.ts'
import { publish } from './publish.ts'
import type { Progress, Session } from './session.ts'
import { type Status, statPath } from './status.ts'
import { isUploadId, partsPath, removeUpload } from './uploads.ts'
import { appendTo, createFile } from './write.ts'

/**
 * A file to which parts are appended, in order. Each is a block, so that its share of the file's checksum can be told
 * when it is sent and need not be told again.
 */
export async function openHdfsUpload(
  session: Session,
  key: string,
  { size, partSize, resume, signal }: { size: number; partSize: number; resume?: SavedUpload; signal: AbortSignal },
): Promise<Upload> {
  const to = pathOf(session, key)
  signal.throwIfAborted()
  const left = resume === undefined ? undefined : await findLeft(session, { saved: { ...resume, key }, size, signal })
  const { saved, arrived } = left ?? (await beginUpload(session, { key, partSize, signal }))
  const name = session.describe(to)
  const from = partsPath(session, saved)
  const file = openFile(session, { path: from, name, arrived })
  const progress: Progress = {}
  return {
    saved,
    partSize: saved.partSize,
    finished: partsWithin(arrived, { size, partSize: saved.partSize }),

    async putPart(number, bytes, sums, options) {
      options.signal.throwIfAborted()
      // HDFS checks the whole only.
      checkBytes(bytes, sums, `Part ${number} of ${name}`)
      await file.write(bytes, (number - 1) * saved.partSize, options.signal)
      return { number, size: bytes.length, crc32c: sums.crc32c, note: blockChecksum(bytes) }
    },

    async complete(sums, parts, options) {
      options.signal.throwIfAborted()
      checkParts(parts, { size, partSize: saved.partSize, name })
      checkTotal(parts, sums, name)
      const note = { crc32c: sums.crc32c, checksum: combinedChecksum(blocksOf(parts, name)) }
      const publication = { key, from, to, size, note, progress, signal: options.signal }
      const object = await publish(session, publication).catch((error: unknown) => {
        throw startOver(error)
      })
      await removeUpload(session, saved)
      return object
    },

    async abort() {
      file.forget()
      await removeUpload(session, saved)
    },
  }
}

interface Begun {
  saved: SavedUpload
  /** Bytes that are there. */
  arrived: number
}

async function beginUpload(
  session: Session,
  { key, partSize, signal }: { key: string; partSize: number; signal: AbortSignal },
): Promise<Begun> {
  const saved = { key, id: randomUUID(), partSize: Math.ceil(partSize / blockUnit) * blockUnit }
  await createFile(session, partsPath(session, saved), { blockSize: saved.partSize, signal })
  return { saved, arrived: 0 }
}

/** `undefined` where nothing is left, or what lies there can't become this file. */
async function findLeft(
  session: Session,
  { saved, size, signal }: { saved: SavedUpload; size: number; signal: AbortSignal },
): Promise<Begun | undefined> {
  if (!isUploadId(saved.id)) return undefined
  const status = await settle(session, partsPath(session, saved), signal)
  if (status === undefined || !status.isFile || status.size > size) return undefined
  // The size of its blocks is that of its parts, whoever forgot it.
  return { saved: { ...saved, partSize: status.blockSize }, arrived: status.size }
}

/**
 * What is there once nobody else writes any more: a killed writer's file is closed by the datanode when it notices, or
 * by the namenode a minute later, and until then the length that it tells is too short. `undefined` where it is gone.
 *
 * @throws NimctlError `unavailable` / `FILE_STILL_OPEN`.
 */
async function settle(session: Session, path: string, signal: AbortSignal): Promise<Status | undefined> {
  try {
    await appendTo(session, path, { signal })
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND') return undefined
    throw error
  }
  return await statPath(session, path, signal)
}

interface PartsFile {
  /** What had arrived before is not sent again. */
  write(bytes: Uint8Array, start: number, signal: AbortSignal): Promise<void>
  /** Whatever is written next, the server is asked before. */
  forget(): void
}

function openFile(
  session: Session,
  { path, name, arrived: known }: { path: string; name: string; arrived: number },
): PartsFile {
  /** Not known while a request is on its way, and after one that failed. */
  let arrived: number | undefined = known
  return {
    async write(bytes, start, signal) {
      const end = start + bytes.length
      const from = arrived ?? (await settle(session, path, signal))?.size
      if (from === undefined) throw uploadGone(name)
      arrived = from
      if (from >= end) return
      if (from < start) throw uploadGone(name, { why: `It has ${from} bytes, and the next part begins at ${start}.` })
      arrived = undefined
      await appendTo(session, path, { bytes: bytes.subarray(from - start), signal }).catch((error: unknown) => {
        throw goneIfAbsent(error, name)
      })
      arrived = end
    },
    forget: () => (arrived = undefined),
  }
}

function partsWithin(arrived: number, { size, partSize }: { size: number; partSize: number }): FoundPart[] {
  const count = arrived === size ? Math.ceil(size / partSize) : Math.floor(arrived / partSize)
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    size: Math.min(partSize, size - index * partSize),
  }))
}

function blocksOf(parts: readonly FinishedPart[], name: string): string[] {
  return parts.map(({ note }) => {
    if (note === undefined) throw uploadGone(name, { why: 'The checksums of its parts are not known.' })
    return note
  })
}

function goneIfAbsent(error: unknown, name: string): unknown {
  const absent = error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND'
  return absent ? uploadGone(name, { cause: error }) : error
}

/** What HDFS has is not what was sent: moving it once more gives the same. */
function startOver(error: unknown): unknown {
  if (!(error instanceof NimctlError) || error.code !== 'CHECKSUM_MISMATCH') return error
  const { category, code, message, why, cause } = error
  return new NimctlError(category, code, { what: message, why, cause, mend: 'new-upload' })
}
