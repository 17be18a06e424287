import type { StoreOptions } from '../open.ts'
import type { Capabilities, Store } from '../store.ts'
import { copyObject } from './copy.ts'
import { listObjects } from './list.ts'
import { putObject, removeObject, statObject } from './objects.ts'
import { readObject } from './read.ts'
import { openSession, type Session } from './session.ts'
import { abortAzureUpload, openAzureUpload } from './upload.ts'
import { listOpenUploads } from './uploads.ts'

const mebibyte = 1024 ** 2

/**
 * https://learn.microsoft.com/rest/api/storageservices/understanding-block-blobs--append-blobs--and-page-blobs. The
 * service computes no CRC32C, and no checksum of what was put together: the blocks were checked, one by one.
 */
const capabilities: Capabilities = {
  serverCopy: true,
  parallelParts: true,
  minPart: 1,
  maxPart: 4000 * mebibyte,
  maxParts: 50_000,
  maxPut: 5000 * mebibyte,
  listingProof: 'etag',
  statProof: 'parts',
  conditionalPut: true,
  notesDigests: true,
  // Not so in accounts with a hierarchical namespace, and nothing in a listing says which kind it is.
  sortedListing: false,
}

/** Azure Blob Storage. Nothing is asked of the service before the first operation. */
export async function openAzureStore(url: URL, options: StoreOptions): Promise<Store> {
  return azureStore(await openSession(url, options))
}

function azureStore(session: Session): Store {
  return {
    url: session.url,
    capabilities: { ...capabilities },
    list: (prefix, cursor, { signal }) => listObjects(session, { prefix, cursor, signal }),
    stat: (key, options) => statObject(session, key, options),
    put: (key, bytes, sums, options) => putObject(session, key, { bytes, sums, ...options }),
    openUpload: (key, options) => openAzureUpload(session, key, options),
    listUploads: (prefix, { signal }) => listOpenUploads(session, { prefix, signal }),
    abortUpload: (saved, options) => abortAzureUpload(session, saved, options),
    copy: (from, to, { signal }) => copyObject(session, { from, to, signal }),
    read: (key, range, options) => readObject(session, key, { range, ...options }),
    remove: removeObject(session),
    identity: async () => session.identity,
    close: () => session.close(),
  }
}
