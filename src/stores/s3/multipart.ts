import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
} from '@aws-sdk/client-s3'

import { NimctlError } from '../../system/errors.ts'
import { crc32cToBase64, md5 } from '../../system/hash.ts'
import { uploadGone } from '../checksum.ts'
import type { StoredObject } from '../store.ts'
import { described } from './described.ts'
import { confirmEncryption } from './encryption.ts'
import { fullKey } from './location.ts'
import { statObject } from './objects.ts'
import { withoutChecksums } from './probe.ts'
import type { Session } from './session.ts'

/**
 * Algorithm and type are declared here: undeclared, a wrong total is accepted later, and CRC32C alone means the
 * composite kind (reference/uploaders.md, 5a).
 */
export async function createMultipart(
  session: Session,
  key: string,
  { signal, undeclared = false }: { signal: AbortSignal; undeclared?: boolean },
): Promise<string> {
  const Key = fullKey(session, key)
  const create = (checksums: { ChecksumAlgorithm: 'CRC32C'; ChecksumType: 'FULL_OBJECT' } | undefined) =>
    session.request({ action: 'CreateMultipartUpload', key: Key, signal }, (s3, options) =>
      s3.send(new CreateMultipartUploadCommand({ Bucket: session.bucket, Key, ...checksums }), options),
    )
  const declared = { ChecksumAlgorithm: 'CRC32C', ChecksumType: 'FULL_OBJECT' } as const
  const { UploadId } =
    undeclared || session.checksums === 'md5'
      ? await create(undefined)
      : await withoutChecksums(session, { first: () => create(declared), otherwise: () => create(undefined) })
  if (UploadId === undefined) throw uploadGone(Key, { why: 'The server began it without giving it a name.' })
  return UploadId
}

interface Completion {
  id: string
  size: number
  /** `crc32c` is absent where the part's sum isn't known. */
  parts: readonly { number: number; etag: string; crc32c?: number | undefined }[]
  /** Of the whole; absent: the server is told no sums at all. */
  crc32c?: number | undefined
  signal: AbortSignal
}

/**
 * An answer that got lost, and `NoSuchUpload` after it, are decided by asking for the object.
 *
 * @throws NimctlError with `mend: 'same'` when it can't be decided: asking again may.
 */
export async function completeMultipart(session: Session, key: string, completion: Completion): Promise<StoredObject> {
  const object = await completeOrFind(session, key, completion)
  await confirmEncryption(session, { key: fullKey(session, key), signal: completion.signal })
  return object
}

async function completeOrFind(session: Session, key: string, completion: Completion): Promise<StoredObject> {
  const { signal, size } = completion
  try {
    const answer = await sendCompletion(session, key, completion)
    const object = described(key, size, answer)
    if (object.crc32c !== undefined || session.checksums === 'md5') return object
    // SeaweedFS computes the checksum and leaves it out of this answer.
    return (await statObject(session, key, { signal })) ?? object
  } catch (error) {
    if (isMismatch(error)) throw startOver(error)
    if (!mayHaveSucceeded(error) || signal.aborted) throw error
    const object = await statObject(session, key, { signal })
    if (object !== undefined && isExpected(object, completion)) return object
    throw error
  }
}

async function sendCompletion(session: Session, key: string, { id, parts, crc32c, size, signal }: Completion) {
  const Key = fullKey(session, key)
  const send = (withSums: boolean) =>
    session.request({ action: 'CompleteMultipartUpload', key: Key, signal }, (s3, options) =>
      s3.send(
        new CompleteMultipartUploadCommand({
          Bucket: session.bucket,
          Key,
          UploadId: id,
          MultipartUpload: {
            Parts: parts.map(part => ({
              PartNumber: part.number,
              ETag: part.etag,
              ...(withSums && part.crc32c !== undefined ? { ChecksumCRC32C: crc32cToBase64(part.crc32c) } : {}),
            })),
          },
          ...(withSums && crc32c !== undefined
            ? { ChecksumCRC32C: crc32cToBase64(crc32c), ChecksumType: 'FULL_OBJECT', MpuObjectSize: size }
            : {}),
        }),
        options,
      ),
    )
  // An upload that was begun with checksums may insist on them, though its parts went without.
  if (session.checksums === 'md5')
    return await orElse(
      () => send(false),
      () => send(true),
    )
  return await withoutChecksums(session, { first: () => send(true), otherwise: () => send(false) })
}

async function orElse<T>(first: () => Promise<T>, otherwise: () => Promise<T>): Promise<T> {
  return await first().catch(async (error: unknown) => {
    if (!(error instanceof NimctlError) || error.code !== 'STORE_REQUEST_REFUSED') throw error
    return await otherwise()
  })
}

export async function abortMultipart(session: Session, key: string, id: string): Promise<void> {
  const Key = fullKey(session, key)
  const command = new AbortMultipartUploadCommand({ Bucket: session.bucket, Key, UploadId: id })
  try {
    // Tidying up goes on after an interruption, but not for ever.
    const asked = { action: 'AbortMultipartUpload', key: Key, signal: AbortSignal.timeout(abortMs) }
    await session.request(asked, (s3, options) => s3.send(command, options))
  } catch (error) {
    if (!(error instanceof NimctlError && error.code === 'UPLOAD_GONE')) throw error
  }
}

const abortMs = 30_000

function mayHaveSucceeded(error: unknown): boolean {
  return error instanceof NimctlError && (error.mend === 'same' || error.code === 'UPLOAD_GONE')
}

function isMismatch(error: unknown): error is NimctlError {
  return error instanceof NimctlError && error.code === 'CHECKSUM_MISMATCH'
}

/** What the server put together isn't what was sent: completing once more gives the same. */
function startOver(error: NimctlError): NimctlError {
  const { category, code, message, why, cause } = error
  return new NimctlError(category, code, { what: message, why, cause, mend: 'new-upload' })
}

function isExpected(object: StoredObject, { size, crc32c, parts }: Completion): boolean {
  if (object.size !== size) return false
  if (object.crc32c !== undefined && crc32c !== undefined) return object.crc32c === crc32c
  return object.etag === multipartEtag(parts.map(part => part.etag))
}

/** The MD5 of the parts' MD5s and their number, as S3 and most of its likes make it. */
function multipartEtag(etags: readonly string[]): string {
  const digest = md5(...etags.map(etag => Buffer.from(etag, 'hex')))
  return `${Buffer.from(digest).toString('hex')}-${etags.length}`
}
