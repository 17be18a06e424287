import type { StoreOptions } from '../open.ts'
import type { Store } from '../store.ts'
import { openBucket } from './bucket.ts'
import { copyObject } from './copy.ts'
import { listObjects } from './list.ts'
import { putObject, removeObject, statObject } from './objects.ts'
import { readObject } from './read.ts'
import { abortGsUpload, openGsUpload } from './upload.ts'

/**
 * Google Cloud Storage. Nothing is asked of the server before the first operation. It can't tell which uploads are open;
 * after a week it forgets them, and until then they cost nothing.
 */
export async function openGsStore(url: URL, options: StoreOptions): Promise<Store> {
  const bucket = await openBucket(url, options)
  return {
    url: bucket.url,
    capabilities: bucket.capabilities,
    list: (prefix, cursor, { signal }) => listObjects(bucket, { prefix, cursor, signal }),
    stat: (key, { signal }) => statObject(bucket, key, { signal }),
    put: (key, bytes, sums, options) => putObject(bucket, key, { bytes, sums, ...options }),
    openUpload: (key, options) => openGsUpload(bucket, key, options),
    async abortUpload(saved, { signal }) {
      signal.throwIfAborted()
      await abortGsUpload(bucket, saved)
    },
    copy: (from, to, { signal }) => copyObject(bucket, { from, to, signal }),
    read: (key, range, options) => readObject(bucket, key, { range, ...options }),
    remove: (key, { signal }) => removeObject(bucket, key, { signal }),
    identity: () => bucket.identity(),
    close: () => bucket.close(),
  }
}
