import { NimctlError } from '../../system/errors.ts'
import { crc32cToBase64 } from '../../system/hash.ts'
import { checkBytes, checkParts, checkTotal, uploadGone } from '../checksum.ts'
import type { FoundPart, SavedUpload, StoredObject, Sums, Upload } from '../store.ts'
import { type Bucket, uploadStep } from './bucket.ts'
import { described } from './described.ts'
import { fullKey } from './location.ts'
import { checkArrived, statObject } from './objects.ts'
import { askProgress, beginResumable, cancelResumable, type Resumable, savedResumable, sendBytes } from './resumable.ts'

/**
 * One stream, sent in order, of which Google remembers how far it came. The last bytes, 256 KiB at most, wait in memory
 * for `complete`: they make the object visible, and with them goes the checksum of the whole.
 */
export async function openGsUpload(
  bucket: Bucket,
  key: string,
  { size, partSize, resume, signal }: { size: number; partSize: number; resume?: SavedUpload; signal: AbortSignal },
): Promise<Upload> {
  signal.throwIfAborted()
  const name = fullKey(bucket, key)
  const left = resume === undefined ? undefined : await findLeft(bucket, { saved: { ...resume, key }, size, signal })
  const stream = openStream(
    bucket,
    left ?? { upload: await beginResumable(bucket, { name, size, signal }), arrived: 0 },
  )
  const { upload } = stream
  const wanted = left?.partSize ?? partSize
  const saved = { key, id: upload.address.href, partSize: Math.ceil(wanted / uploadStep) * uploadStep }
  const gsName = `gs://${bucket.bucket}/${name}`
  return {
    saved,
    partSize: saved.partSize,
    finished: partsWithin(left?.arrived ?? 0, { size, partSize: saved.partSize }),

    async putPart(number, bytes, sums, options) {
      options.signal.throwIfAborted()
      // Google checks the whole only.
      checkBytes(bytes, sums, gsName)
      await stream.write(bytes, (number - 1) * saved.partSize, options.signal)
      return { number, size: bytes.length, crc32c: sums.crc32c }
    },

    async complete(sums, parts, options) {
      options.signal.throwIfAborted()
      checkParts(parts, { size, partSize: saved.partSize, name: gsName })
      checkTotal(parts, sums, gsName)
      return await completeUpload(bucket, key, { stream, sums, ...options })
    },

    async abort() {
      stream.forget()
      await abortGsUpload(bucket, saved)
    },
  }
}

/** What is left of a saved upload; nothing where Google no longer has it, or has made the object of it already. */
async function findLeft(
  bucket: Bucket,
  { saved, size, signal }: { saved: SavedUpload; size: number; signal: AbortSignal },
): Promise<{ upload: Resumable; arrived: number; partSize: number } | undefined> {
  const upload = savedResumable(bucket, saved, size)
  if (upload === undefined) return undefined
  try {
    const progress = await askProgress(bucket, upload, signal)
    return 'arrived' in progress ? { upload, arrived: progress.arrived, partSize: saved.partSize } : undefined
  } catch (error) {
    if (isGone(error) || isElsewhere(bucket, upload, error)) return undefined
    throw error
  }
}

/** The journal may be of the same bucket at another address, which is gone. */
function isElsewhere({ endpoint }: Bucket, { address }: Resumable, error: unknown): boolean {
  return address.origin !== endpoint && error instanceof NimctlError && error.category === 'unavailable'
}

function partsWithin(arrived: number, { size, partSize }: { size: number; partSize: number }): FoundPart[] {
  const count = arrived === size ? Math.ceil(size / partSize) : Math.floor(arrived / partSize)
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    size: Math.min(partSize, size - index * partSize),
  }))
}

interface Stream {
  readonly upload: Resumable
  /** What had arrived before is not sent again. */
  write(bytes: Uint8Array, start: number, signal: AbortSignal): Promise<void>
  /** Sends the last bytes, and returns the object's resource. */
  end(sums: Sums, signal: AbortSignal): Promise<Record<string, unknown>>
  /** Whatever is sent next, Google is asked before. */
  forget(): void
}

function openStream(bucket: Bucket, { upload, arrived: known }: { upload: Resumable; arrived: number }): Stream {
  const { size } = upload
  /** Not known while a request is on its way, and after one that failed: then Google is asked. */
  let arrived: number | undefined = known
  /** What waits for the end begins here. Every piece before it is whole. */
  const tailStart = Math.max(0, Math.ceil(size / uploadStep) - 1) * uploadStep
  let tail: Uint8Array | undefined

  const progress = async (signal: AbortSignal): Promise<number | Record<string, unknown>> => {
    if (arrived !== undefined) return arrived
    const found = await askProgress(bucket, upload, signal)
    if (!('arrived' in found)) return found.resource
    arrived = found.arrived
    return arrived
  }
  return {
    upload,

    async write(bytes, start, signal) {
      const end = start + bytes.length
      if (end > tailStart) tail = Uint8Array.from(bytes.subarray(Math.max(0, tailStart - start)))
      const until = Math.min(end, tailStart)
      for (let from = await progress(signal); ;) {
        if (typeof from !== 'number' || from < start) throw outOfStep(upload.name)
        if (from >= until) return
        arrived = undefined
        const sent = await sendBytes(bucket, upload, {
          bytes: bytes.subarray(from - start, until - start),
          start: from,
          signal,
        })
        if (!('arrived' in sent)) throw outOfStep(upload.name)
        arrived = sent.arrived
        if (arrived <= from) throw tookNothing(upload.name)
        from = arrived
      }
    },

    async end(sums, signal) {
      const from = await progress(signal)
      if (typeof from !== 'number') return from
      const rest = from === size ? new Uint8Array() : tail?.subarray(from - tailStart)
      if (rest === undefined || from < tailStart) throw outOfStep(upload.name)
      arrived = undefined
      const crc32c = crc32cToBase64(sums.crc32c)
      const sent = await sendBytes(bucket, upload, { bytes: rest, start: from, crc32c, signal })
      if ('resource' in sent) return sent.resource
      arrived = sent.arrived
      throw tookNothing(upload.name)
    },

    forget: () => (arrived = undefined),
  }
}

/** An answer that got lost is decided by asking, for the upload and then for the object. */
async function completeUpload(
  bucket: Bucket,
  key: string,
  { stream, sums, signal }: { stream: Stream; sums: Sums; signal: AbortSignal },
): Promise<StoredObject> {
  const { size } = stream.upload
  try {
    const object = described(key, await stream.end(sums, signal))
    await checkArrived(bucket, object, { sums, mend: 'new-upload', signal })
    return object
  } catch (error) {
    if (!(error instanceof NimctlError) || signal.aborted) throw error
    if (error.code === 'CHECKSUM_MISMATCH') throw startOver(error)
    if (error.mend !== 'same' && !isGone(error)) throw error
    const object = await statObject(bucket, key, { signal })
    if (object?.size === size && object.crc32c === sums.crc32c) return object
    throw error
  }
}

/** @throws NimctlError; not where it is gone already, and not where a server knows no way to cancel (501). */
export async function abortGsUpload(bucket: Bucket, saved: SavedUpload): Promise<void> {
  const upload = savedResumable(bucket, saved, 0)
  if (upload === undefined) return
  try {
    // Tidying up goes on after an interruption, but not for ever.
    await cancelResumable(bucket, upload, AbortSignal.timeout(abortMs))
  } catch (error) {
    if (!isGone(error) && !canNotCancel(error)) throw error
  }
}

/** The emulator gcp-storage-emulator. What is open shows nowhere, and nothing may depend on its being tidied up. */
function canNotCancel(error: unknown): boolean {
  return error instanceof NimctlError && error.code === 'STORE_UNSUPPORTED'
}

const abortMs = 30_000

function isGone(error: unknown): boolean {
  return error instanceof NimctlError && error.code === 'UPLOAD_GONE'
}

/** What Google has is not what was sent: ending it once more gives the same. */
function startOver({ category, code, message, why, cause }: NimctlError): NimctlError {
  return new NimctlError(category, code, { what: message, why, cause, mend: 'new-upload' })
}

function outOfStep(name: string): NimctlError {
  return uploadGone(name, { why: 'The server has another part of it than was sent.' })
}

function tookNothing(name: string): NimctlError {
  return new NimctlError('unavailable', 'STORE_FAILED', {
    what: `Of what was sent for ${name}, nothing arrived.`,
    why: 'The server answered as if it had taken it.',
  })
}
