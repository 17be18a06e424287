import { ListMultipartUploadsCommand, type ListMultipartUploadsOutput, type MultipartUpload } from '@aws-sdk/client-s3'

import { NimctlError } from '../../system/errors.ts'
import type { OpenUpload, SavedUpload } from '../store.ts'
import { abortMultipart } from './multipart.ts'
import type { Session } from './session.ts'
import { listPartsPage } from './upload.ts'

/** Each costs a request for its parts, the first 1,000 of them. */
export async function* listOpenUploads(
  session: Session,
  { prefix, signal }: { prefix: string; signal: AbortSignal },
): AsyncGenerator<OpenUpload> {
  for (let next: Markers | undefined = {}; next !== undefined;) {
    const page: ListMultipartUploadsOutput = await listPage(session, { prefix, signal, from: next })
    for (const upload of page.Uploads ?? []) {
      // What a server lists beyond the prefix is somebody else's, and might be aborted.
      if (upload.Key?.startsWith(session.prefix + prefix) !== true) continue
      const described = await describeUpload(session, upload, { signal })
      if (described !== undefined) yield described
    }
    next = page.IsTruncated === true ? nextMarkers(page) : undefined
  }
}

interface Markers {
  KeyMarker?: string
  UploadIdMarker?: string
}

/** A server that says there is more and not where would be asked for the first page for ever. */
function nextMarkers({ NextKeyMarker, NextUploadIdMarker }: ListMultipartUploadsOutput): Markers | undefined {
  if (NextKeyMarker === undefined || NextKeyMarker === '') return undefined
  return {
    KeyMarker: NextKeyMarker,
    ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
  }
}

/** Keys are asked for as they are: SeaweedFS calls them URL-encoded here and doesn't encode them. */
async function listPage(
  session: Session,
  { prefix, from, signal }: { prefix: string; from: Markers; signal: AbortSignal },
): Promise<ListMultipartUploadsOutput> {
  const command = new ListMultipartUploadsCommand({ Bucket: session.bucket, Prefix: session.prefix + prefix, ...from })
  return await session.request({ action: 'ListMultipartUploads', signal }, (s3, options) => s3.send(command, options))
}

/** `undefined` when it ended meanwhile. */
async function describeUpload(
  session: Session,
  { Key = '', UploadId = '', Initiated }: MultipartUpload,
  { signal }: { signal: AbortSignal },
): Promise<OpenUpload | undefined> {
  const saved = { key: Key.slice(session.prefix.length), id: UploadId, partSize: 0 }
  try {
    const { Parts = [] } = await listPartsPage(session, saved, { marker: '0', signal })
    const partSize = Math.max(0, ...Parts.map(({ Size = 0 }) => Size))
    return { ...saved, partSize, startedMs: Initiated?.getTime() ?? 0 }
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'UPLOAD_GONE') return undefined
    throw error
  }
}

export async function abortOpenUpload(
  session: Session,
  { key, id }: SavedUpload,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted()
  await abortMultipart(session, key, id)
}
