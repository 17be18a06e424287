import { randomUUID } from 'node:crypto'

import { NimctlError } from '../../system/errors.ts'
import { crc32cToBase64 } from '../../system/hash.ts'
import { checkBytes, checksumMismatch } from '../checksum.ts'
import type { StoredObject, Sums } from '../store.ts'
import type { Bucket } from './bucket.ts'
import { described, fields } from './described.ts'
import { fullKey } from './location.ts'

export const contentType = 'application/octet-stream'

/** Of all objects, or of one. The slashes of its name are encoded too. */
export function objectsPath(bucket: Bucket, name?: string): string {
  const path = `/storage/v1/b/${encodeURIComponent(bucket.bucket)}/o`
  return name === undefined ? path : `${path}/${encodeURIComponent(name)}`
}

export function uploadPath(bucket: Bucket): string {
  return `/upload/storage/v1/b/${encodeURIComponent(bucket.bucket)}/o`
}

/** The request says the checksum, and Google refuses other bytes. What it answers is compared all the same. */
export async function putObject(
  bucket: Bucket,
  key: string,
  {
    bytes,
    sums,
    ifAbsent,
    signal,
  }: { bytes: Uint8Array; sums: Sums; ifAbsent?: boolean | undefined; signal: AbortSignal },
): Promise<StoredObject> {
  signal.throwIfAborted()
  const name = fullKey(bucket, key)
  checkBytes(bytes, sums, `gs://${bucket.bucket}/${name}`)
  const { type, body } = related({ name, contentType, crc32c: crc32cToBase64(sums.crc32c) }, bytes)
  const request = {
    method: 'POST',
    path: uploadPath(bucket),
    query: { uploadType: 'multipart', fields, ...(ifAbsent === true && { ifGenerationMatch: '0' }) },
    headers: { 'content-type': type },
    body,
    permission: 'storage.objects.create',
    key: name,
    signal,
  } as const
  const object = described(key, bucket.parse(await bucket.ask(request), request))
  await checkArrived(bucket, object, { sums, mend: 'same', signal })
  return object
}

/** Metadata and bytes in one request: https://docs.cloud.google.com/storage/docs/uploading-objects#rest-upload-objects */
function related(metadata: object, bytes: Uint8Array): { type: string; body: Uint8Array[] } {
  const boundary = randomUUID()
  const head = `--${boundary}\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(metadata)}\r\n--${boundary}\r\ncontent-type: ${contentType}\r\n\r\n`
  const body = [Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]
  return { type: `multipart/related; boundary=${boundary}`, body }
}

/**
 * Compares what Google computed over the object with ours. What differs is removed: this generation, not what somebody
 * else may have put there since.
 *
 * @throws NimctlError `unavailable` / `CHECKSUM_MISMATCH`.
 */
export async function checkArrived(
  bucket: Bucket,
  { key, crc32c, etag }: StoredObject,
  { sums, mend, signal }: { sums: Sums; mend: 'same' | 'new-upload'; signal: AbortSignal },
): Promise<void> {
  if (crc32c === undefined || crc32c === sums.crc32c) return
  const name = fullKey(bucket, key)
  const options = etag === undefined ? {} : { generation: etag }
  const asked = { permission: 'storage.objects.delete', key: name, signal }
  const mismatch = checksumMismatch(`gs://${bucket.bucket}/${name}`, { expected: sums.crc32c, found: crc32c, mend })
  // Who may not remove it hears of the mismatch first: sending it again replaces it.
  await bucket.request(asked, sdk => sdk.file(name, options).delete()).catch(() => undefined)
  throw mismatch
}

export async function statObject(
  bucket: Bucket,
  key: string,
  { signal }: { signal: AbortSignal },
): Promise<StoredObject | undefined> {
  const name = fullKey(bucket, key)
  const permission = 'storage.objects.get'
  const request = {
    method: 'GET',
    path: objectsPath(bucket, name),
    query: { fields },
    permission,
    key: name,
    signal,
  } as const
  try {
    return described(key, bucket.parse(await bucket.ask(request), request))
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

export async function removeObject(bucket: Bucket, key: string, { signal }: { signal: AbortSignal }): Promise<void> {
  const name = fullKey(bucket, key)
  const asked = { permission: 'storage.objects.delete', key: name, signal }
  try {
    await bucket.request(asked, sdk => sdk.file(name).delete())
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND'
}
