import { ListPartsCommand, type ListPartsOutput, type Part } from '@aws-sdk/client-s3'

import { NimctlError } from '../../system/errors.ts'
import { crc32cFromBase64 } from '../../system/hash.ts'
import { checkParts, checkTotal } from '../checksum.ts'
import type { FinishedPart, FoundPart, SavedUpload, Sums, Upload } from '../store.ts'
import { fieldsOfHeaders, unquoted } from './described.ts'
import { explained } from './explain.ts'
import { fullKey } from './location.ts'
import { abortMultipart, completeMultipart, createMultipart } from './multipart.ts'
import { sendProtected } from './probe.ts'
import type { Session } from './session.ts'

export async function openS3Upload(
  session: Session,
  key: string,
  { size, partSize, resume, signal }: { size: number; partSize: number; resume?: SavedUpload; signal: AbortSignal },
): Promise<Upload> {
  const found = resume === undefined ? undefined : await listParts(session, { ...resume, key }, { signal })
  const { saved, finished } = found ?? {
    saved: { key, id: await createMultipart(session, key, { signal }), partSize },
    finished: [],
  }
  const name = `s3://${session.bucket}/${fullKey(session, key)}`
  return {
    saved,
    partSize: saved.partSize,
    finished,
    putPart: (number, bytes, sums, options) => {
      const ask = () => listPartsPage(session, saved, { marker: '0', ...options })
      return explained({ unclear: ['STORE_UNREACHABLE'], ask, ...options }, () =>
        putPart(session, saved, { number, bytes, sums, ...options }),
      )
    },

    async complete(sums, parts, options) {
      options.signal.throwIfAborted()
      checkParts(parts, { size, partSize: saved.partSize, name })
      checkTotal(parts, sums, name)
      const numbered = parts.map(({ number, etag = '', crc32c }) => ({ number, etag, crc32c }))
      return await completeMultipart(session, key, { id: saved.id, size, parts: numbered, ...sums, ...options })
    },

    abort: () => abortMultipart(session, key, saved.id),
  }
}

async function putPart(
  session: Session,
  saved: SavedUpload,
  { number, bytes, sums, signal }: { number: number; bytes: Uint8Array; sums: Sums; signal: AbortSignal },
): Promise<FinishedPart> {
  const Key = fullKey(session, saved.key)
  const answer = await sendProtected(session, { bytes, sums }, async protection => {
    const query = { partNumber: String(number), uploadId: saved.id }
    const request = { method: 'PUT', key: Key, query, headers: protection, body: bytes, signal } as const
    return fieldsOfHeaders((await session.ask('UploadPart', request)).headers)
  })
  return { number, size: bytes.length, crc32c: sums.crc32c, etag: unquoted(answer.ETag ?? '') }
}

/** What the server has of an upload, or `undefined` when it has no such upload any more. */
async function listParts(
  session: Session,
  saved: SavedUpload,
  { signal }: { signal: AbortSignal },
): Promise<{ saved: SavedUpload; finished: FoundPart[] } | undefined> {
  // SeaweedFS lists a part twice that was sent again because its answer was lost.
  const finished = new Map<number, FoundPart>()
  try {
    for (let marker: string | undefined = '0'; marker !== undefined;) {
      const page: ListPartsOutput = await listPartsPage(session, saved, { marker, signal })
      for (const part of (page.Parts ?? []).map(foundPart)) finished.set(part.number, part)
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined
    }
    return { saved, finished: [...finished.values()] }
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'UPLOAD_GONE') return undefined
    throw error
  }
}

/** SeaweedFS lists no checksums. */
function foundPart({ PartNumber = 0, Size = 0, ETag = '', ChecksumCRC32C = '' }: Part): FoundPart {
  const crc32c = crc32cFromBase64(ChecksumCRC32C)
  return { number: PartNumber, size: Size, etag: unquoted(ETag), ...(crc32c === undefined ? {} : { crc32c }) }
}

export async function listPartsPage(
  session: Session,
  saved: SavedUpload,
  { marker, signal }: { marker: string; signal: AbortSignal },
): Promise<ListPartsOutput> {
  const Key = fullKey(session, saved.key)
  const command = new ListPartsCommand({
    Bucket: session.bucket,
    Key,
    UploadId: saved.id,
    PartNumberMarker: marker,
  })
  return await session.request({ action: 'ListParts', key: Key, signal }, (s3, options) => s3.send(command, options))
}
