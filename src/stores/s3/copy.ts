import pMap from 'p-map'

import { NimctlError } from '../../system/errors.ts'
import { crc32cFromBase64 } from '../../system/hash.ts'
import { longSilenceMs } from '../../system/http/connections.ts'
import { asObjectChanged } from '../http/store-error.ts'
import type { ForeignObject, StoredObject } from '../store.ts'
import { resultMissing } from './answer.ts'
import { described, type Fields, fieldsOfXml, unquoted } from './described.ts'
import { confirmEncryption } from './encryption.ts'
import type { ObjectRequest } from './exchange.ts'
import { encodedSource, fullKey, type Location, parseS3Url } from './location.ts'
import { abortMultipart, completeMultipart, createMultipart } from './multipart.ts'
import { statObject } from './objects.ts'
import type { Session } from './session.ts'
import { encryptionHeader } from './settings.ts'

const mebibyte = 1024 ** 2
const gibibyte = 1024 ** 3

/** CopyObject takes no more: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
const largestCopy = 5 * gibibyte

export async function copyObject(
  session: Session,
  { from, to, signal }: { from: string; to: string; signal: AbortSignal },
): Promise<StoredObject> {
  const source = await statObject(session, from, { signal })
  if (source === undefined) {
    throw new NimctlError('not-found', 'OBJECT_NOT_FOUND', {
      what: `There is no s3://${session.bucket}/${fullKey(session, from)} to copy.`,
    })
  }
  if (source.size > largestCopy) return await copyInParts(session, { from: session, source, to, signal })
  const headers = { 'x-amz-copy-source': encodedSource(session, from) }
  return await copyWhole(session, { to, size: source.size, headers, signal })
}

/** From another bucket, or another prefix, of the same service. */
export async function copyForeignObject(
  session: Session,
  { store, object, to, signal }: ForeignObject & { to: string; signal: AbortSignal },
): Promise<StoredObject> {
  const from = parseS3Url(store.url)
  try {
    if (object.size > largestCopy) return await copyInParts(session, { from, source: object, to, signal })
    const headers = { 'x-amz-copy-source': encodedSource(from, object.key), ...stillIs(object) }
    return await copyWhole(session, { to, size: object.size, headers, signal })
  } catch (error) {
    throw asObjectChanged(error, `s3://${from.bucket}/${fullKey(from, object.key)}`)
  }
}

async function copyWhole(
  session: Session,
  { to, size, headers, signal }: { to: string; size: number; headers: Record<string, string>; signal: AbortSignal },
): Promise<StoredObject> {
  const request = { key: fullKey(session, to), headers, signal }
  const copied = await askCopy(session, 'CopyObject', request)
  await confirmEncryption(session, { key: request.key, said: copied.ServerSideEncryption, signal })
  return described(to, size, copied)
}

function stillIs({ etag }: StoredObject): Record<string, string> {
  return etag === undefined ? {} : { 'x-amz-copy-source-if-match': `"${etag}"` }
}

/** Both kinds answer early with 200 and say how it went in a body that comes later. */
async function askCopy(
  session: Session,
  action: 'CopyObject' | 'UploadPartCopy',
  request: Omit<ObjectRequest, 'method'>,
): Promise<Fields & { ServerSideEncryption?: unknown }> {
  const answer = await session.ask(action, { method: 'PUT', silenceMs: longSilenceMs, ...request })
  const fields = fieldsOfXml(answer.text)
  if (fields.ETag !== undefined) return { ...fields, ServerSideEncryption: answer.headers[encryptionHeader] }
  throw session.translate(resultMissing(answer, 'ETag'), { action, ...request })
}

/**
 * The server copies ranges beside each other; a copy that fails leaves no parts behind. Servers that can't copy into
 * an upload with declared checksums (MinIO refuses it, VersityGW gives each part the sum of the whole source) copy
 * without: then the object has no CRC32C.
 */
export async function copyInParts(session: Session, copy: CopyInParts): Promise<StoredObject> {
  try {
    return await copyRanges(session, copy)
  } catch (error) {
    if (!(error instanceof NimctlError) || !sumsRefused.has(error.code)) throw error
    return await copyRanges(session, { ...copy, undeclared: true })
  }
}

const sumsRefused = new Set(['STORE_REQUEST_REFUSED', 'STORE_UNSUPPORTED', 'CHECKSUM_MISMATCH'])

async function copyRanges(session: Session, copy: CopyInParts & { undeclared?: boolean }): Promise<StoredObject> {
  const { from, source, to, signal, partSize = partSizeFor(source.size), undeclared = false } = copy
  const id = await createMultipart(session, to, { signal, undeclared })
  try {
    const ranges = Array.from({ length: Math.ceil(source.size / partSize) }, (_, index) => ({
      number: index + 1,
      start: index * partSize,
      end: Math.min(source.size, (index + 1) * partSize) - 1,
    }))
    const parts = await pMap(ranges, range => copyPart(session, { from, source, to, id, range, signal }), {
      concurrency: copiesAtOnce,
    })
    const sums = undeclared ? { parts: parts.map(withoutSum) } : { parts, crc32c: source.crc32c }
    return await completeMultipart(session, to, { id, size: source.size, ...sums, signal })
  } catch (error) {
    await abortMultipart(session, to, id).catch(() => undefined)
    throw error
  }
}

const withoutSum = ({ number, etag }: { number: number; etag: string }) => ({ number, etag })

interface CopyInParts {
  /** Where the source lies. */
  from: Location
  source: StoredObject
  to: string
  signal: AbortSignal
  partSize?: number
}

const copiesAtOnce = 8
const maxParts = 10_000

function partSizeFor(size: number): number {
  return Math.max(256 * mebibyte, Math.ceil(size / maxParts / mebibyte) * mebibyte)
}

async function copyPart(
  session: Session,
  {
    from,
    source,
    to,
    id,
    range,
    signal,
  }: CopyInParts & { id: string; range: { number: number; start: number; end: number } },
): Promise<{ number: number; etag: string; crc32c?: number | undefined }> {
  const headers = {
    'x-amz-copy-source': encodedSource(from, source.key),
    'x-amz-copy-source-range': `bytes=${range.start}-${range.end}`,
    // The ranges are of one object, also when somebody replaces it meanwhile.
    ...stillIs(source),
  }
  const query = { partNumber: String(range.number), uploadId: id }
  const { ETag = '', ChecksumCRC32C = '' } = await askCopy(session, 'UploadPartCopy', {
    key: fullKey(session, to),
    query,
    headers,
    signal,
  })
  return { number: range.number, etag: unquoted(ETag), crc32c: crc32cFromBase64(ChecksumCRC32C) }
}
