import { longSilenceMs } from '../../system/http/connections.ts'
import type { Answer } from '../http/answer.ts'
import type { SavedUpload } from '../store.ts'
import { type Bucket, uploadStep } from './bucket.ts'
import { fields } from './described.ts'
import { notUnderstood } from './errors.ts'
import { fullKey } from './location.ts'
import { contentType, uploadPath } from './objects.ts'

/**
 * One object on its way: https://docs.cloud.google.com/storage/docs/performing-resumable-uploads
 * Whoever knows the address may write this object for a week, so it is shown nowhere.
 */
export interface Resumable {
  address: URL
  /** In the bucket. */
  name: string
  /** Bytes of the whole. */
  size: number
}

/** How far an upload came: bytes that need not be sent again, or the object's resource where it is complete. */
export type Progress = { arrived: number } | { resource: Record<string, unknown> }

export async function beginResumable(
  bucket: Bucket,
  { name, size, signal }: { name: string; size: number; signal: AbortSignal },
): Promise<Resumable> {
  const request = {
    method: 'POST',
    path: uploadPath(bucket),
    query: { uploadType: 'resumable', fields },
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      'x-upload-content-type': contentType,
      'x-upload-content-length': String(size),
    },
    body: [Buffer.from(JSON.stringify({ name, contentType }))],
    permission: 'storage.objects.create',
    key: name,
    signal,
  } as const
  const { headers } = await bucket.ask(request)
  const address = addressOf(headers.location ?? '')
  if (address === undefined) throw notUnderstood({ ...request, bucket: bucket.bucket, endpoint: bucket.endpoint })
  return { address, name, size }
}

/** `undefined` where the text is not an address: then nobody can go on with it. */
export function savedResumable(bucket: Bucket, saved: SavedUpload, size: number): Resumable | undefined {
  const address = addressOf(saved.id)
  return address === undefined ? undefined : { address, name: fullKey(bucket, saved.key), size }
}

export async function askProgress(bucket: Bucket, upload: Resumable, signal: AbortSignal): Promise<Progress> {
  const headers = { 'content-range': `bytes */${upload.size}` }
  return await put(bucket, upload, { headers, signal })
}

/**
 * @param start where the bytes belong.
 * @param crc32c of the whole, in base64, with the last bytes: Google refuses to make the object where it differs.
 */
export async function sendBytes(
  bucket: Bucket,
  upload: Resumable,
  { bytes, start, crc32c, signal }: { bytes: Uint8Array; start: number; crc32c?: string; signal: AbortSignal },
): Promise<Progress> {
  const range = bytes.length === 0 ? '*' : `${start}-${start + bytes.length - 1}`
  const headers = {
    'content-range': `bytes ${range}/${upload.size}`,
    ...(crc32c !== undefined && { 'x-goog-hash': `crc32c=${crc32c}` }),
  }
  return await put(bucket, upload, { headers, body: [bytes], signal })
}

/** @throws NimctlError `unavailable` / `UPLOAD_GONE`: that is what Google says when it has cancelled one. */
export async function cancelResumable(
  bucket: Bucket,
  { address, name }: Resumable,
  signal: AbortSignal,
): Promise<void> {
  await bucket.askUpload({ method: 'DELETE', address, key: name, signal })
}

async function put(
  bucket: Bucket,
  upload: Resumable,
  request: { headers: Record<string, string>; body?: Uint8Array[]; signal: AbortSignal },
): Promise<Progress> {
  const { address, name } = upload
  const answer = await bucket.askUpload({ method: 'PUT', address, key: name, silenceMs: longSilenceMs, ...request })
  if (answer.status === 308) return { arrived: arrivedOf(answer, upload.size) }
  return { resource: bucket.parse(answer, { permission: 'storage.objects.create' }) }
}

/**
 * Google keeps whole pieces; without the header, none. What is sent once more it passes over, so a server that claims
 * a bit of a piece, as gcp-storage-emulator does of the first byte, is not believed.
 */
function arrivedOf({ headers: { range = '' } }: Answer, size: number): number {
  const last = /^bytes[= ]0-(\d+)$/.exec(range)?.[1]
  const arrived = last === undefined ? 0 : Number(last) + 1
  return arrived === size ? size : Math.floor(arrived / uploadStep) * uploadStep
}

function addressOf(text: string): URL | undefined {
  const address = URL.parse(text)
  return address !== null && /^https?:$/.test(address.protocol) ? address : undefined
}
