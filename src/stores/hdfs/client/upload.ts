import { NimctlError } from '../../../system/errors.ts'
import { checkBytes, checkParts, checkTotal, uploadGone } from '../../checksum.ts'
import type { FoundPart, SavedUpload, Upload } from '../../store.ts'
import { openAppend, settle } from './append.ts'
import { shellPathOf } from './paths.ts'
import { type Progress, publish } from './publish.ts'
import type { Session } from './session.ts'
import { newUploadId, partSizeOf, partsPath, removeUpload, tidyUpload } from './uploads.ts'

/**
 * A file to which one call of the shell appends, as long as parts come: a start of Java for each would cost more than most
 * parts. So a part is finished when it flows, and the file's length tells a later run how far it came.
 */
export async function openShellUpload(
  session: Session,
  key: string,
  { size, partSize, resume, signal }: { size: number; partSize: number; resume?: SavedUpload; signal: AbortSignal },
): Promise<Upload> {
  const to = shellPathOf(session, key)
  signal.throwIfAborted()
  const left = resume === undefined ? undefined : await findLeft(session, { saved: { ...resume, key }, size, signal })
  const saved = left?.saved ?? { key, id: newUploadId(partSize), partSize }
  const arrived = left?.arrived ?? 0
  const name = session.describe(to)
  const from = partsPath(session, saved)
  const file = openAppend(session, { path: from, name, arrived, signal })
  const progress: Progress = {}
  let gone = false
  return {
    saved,
    partSize: saved.partSize,
    finished: partsWithin(arrived, { size, partSize: saved.partSize }),

    async putPart(number, bytes, sums, options) {
      options.signal.throwIfAborted()
      if (gone) throw uploadGone(name)
      checkBytes(bytes, sums, `Part ${number} of ${name}`)
      await file.write(bytes, (number - 1) * saved.partSize, options.signal)
      return { number, size: bytes.length, crc32c: sums.crc32c }
    },

    async complete(sums, parts, options) {
      options.signal.throwIfAborted()
      if (gone) throw uploadGone(name)
      checkParts(parts, { size, partSize: saved.partSize, name })
      checkTotal(parts, sums, name)
      await file.end(size, options.signal)
      const publication = { key, from, to, size, sums, progress, signal: options.signal }
      const object = await publish(session, publication).catch((error: unknown) => {
        throw startOver(error)
      })
      await tidyUpload(session, saved)
      return object
    },

    async abort() {
      gone = true
      await file.stop()
      await removeUpload(session, saved)
    },
  }
}

/** `undefined` where nothing is left, or what lies there can't become this file. */
async function findLeft(
  session: Session,
  { saved, size, signal }: { saved: SavedUpload; size: number; signal: AbortSignal },
): Promise<{ saved: SavedUpload; arrived: number } | undefined> {
  const partSize = partSizeOf(saved.id)
  if (partSize === undefined || partSize === 0) return undefined
  const arrived = await settle(session, partsPath(session, saved), signal)
  return arrived === undefined || arrived > size ? undefined : { saved: { ...saved, partSize }, arrived }
}

function partsWithin(arrived: number, { size, partSize }: { size: number; partSize: number }): FoundPart[] {
  const count = arrived === size ? Math.ceil(size / partSize) : Math.floor(arrived / partSize)
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    size: Math.min(partSize, size - index * partSize),
  }))
}

/** What HDFS has is not what was sent: moving it once more gives the same. */
function startOver(error: unknown): unknown {
  if (!(error instanceof NimctlError) || error.code !== 'CHECKSUM_MISMATCH') return error
  const { category, code, message, why, cause } = error
  return new NimctlError(category, code, { what: message, why, cause, mend: 'new-upload' })
}
