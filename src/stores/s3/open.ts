import type { StoreOptions } from '../open.ts'
import type { Store } from '../store.ts'
import { copyForeignObject, copyObject } from './copy.ts'
import { listObjects } from './list.ts'
import { putObject, removeObject, statObject } from './objects.ts'
import { readObject } from './read.ts'
import { openSession, type Session } from './session.ts'
import { openS3Upload } from './upload.ts'
import { abortOpenUpload, listOpenUploads } from './uploads.ts'
import { findDeletion } from './versions.ts'

/** S3 and what speaks like it. Nothing is asked of the server before the first operation. */
export async function openS3Store(url: URL, options: StoreOptions): Promise<Store> {
  return s3Store(await openSession(url, options))
}

function s3Store(session: Session): Store {
  return {
    url: session.url,
    capabilities: session.capabilities,
    list: (prefix, cursor, { signal }) => listObjects(session, { prefix, cursor, signal }),
    stat: (key, options) => statObject(session, key, options),
    put: (key, bytes, sums, options) => putObject(session, key, { bytes, sums, ...options }),
    openUpload: (key, options) => openS3Upload(session, key, options),
    listUploads: (prefix, { signal }) => listOpenUploads(session, { prefix, signal }),
    abortUpload: (saved, options) => abortOpenUpload(session, saved, options),
    copy: (from, to, { signal }) => copyObject(session, { from, to, signal }),
    service: session.service,
    copyFrom: (from, to, { signal }) => copyForeignObject(session, { ...from, to, signal }),
    read: (key, range, options) => readObject(session, key, { range, ...options }),
    remove: removeObject(session),
    deletedAt: (key, { signal }) => findDeletion(session, key, { signal }),
    identity: () => session.identity(),
    close: () => session.close(),
  }
}
