import type { Report } from '../system/progress.ts'
import { type Attempt, retrying, type RetryPolicy } from '../system/retry.ts'
import type { Store, Upload } from './store.ts'

/**
 * The same store, in which single requests are made again while their errors can mend; with credentials that have
 * expired once, after they were read anew. A wait that the server asked for is kept. What needs a new upload, or can't
 * mend, leaves at once.
 */
export function withRetry(store: Store, policy: RetryPolicy, report: Report): Store {
  const attempt = retrying(policy, report)
  const { listUploads, abortUpload, copyFrom, deletedAt } = store
  return {
    ...store,
    ...(listUploads && {
      // What was listed before an error would come twice, so nothing is given on before the end.
      async *listUploads(prefix, options) {
        const list = () => Array.fromAsync(listUploads(prefix, options))
        yield* await attempt(`list uploads ${prefix}`, options.signal, list)
      },
    }),
    ...(abortUpload && {
      abortUpload: (saved, options) => attempt(`abort ${saved.key}`, options.signal, () => abortUpload(saved, options)),
    }),
    ...(copyFrom && {
      copyFrom: (from, to, options) => attempt(`copy ${to}`, options.signal, () => copyFrom(from, to, options)),
    }),
    ...(deletedAt && {
      deletedAt: (key, options) => attempt(`list versions of ${key}`, options.signal, () => deletedAt(key, options)),
    }),
    list: (prefix, cursor, options) =>
      attempt(`list ${prefix}`, options.signal, () => store.list(prefix, cursor, options)),
    stat: (key, options) => attempt(`stat ${key}`, options.signal, () => store.stat(key, options)),
    put: (key, bytes, sums, options) =>
      attempt(`put ${key}`, options.signal, () => store.put(key, bytes, sums, options)),
    openUpload: async (key, options) =>
      withRetriedParts(
        await attempt(`open upload ${key}`, options.signal, () => store.openUpload(key, options)),
        attempt,
      ),
    copy: (from, to, options) => attempt(`copy ${to}`, options.signal, () => store.copy(from, to, options)),
    read: (key, range, options) => attempt(`read ${key}`, options.signal, () => store.read(key, range, options)),
    remove: (key, options) => attempt(`remove ${key}`, options.signal, () => store.remove(key, options)),
  }
}

function withRetriedParts(upload: Upload, attempt: Attempt): Upload {
  const { key } = upload.saved
  return {
    ...upload,
    putPart: (number, bytes, sums, options) =>
      attempt(`put part ${number} of ${key}`, options.signal, () => upload.putPart(number, bytes, sums, options)),
    complete: (sums, parts, options) =>
      attempt(`complete ${key}`, options.signal, () => upload.complete(sums, parts, options)),
    abort: () => attempt(`abort ${key}`, undefined, () => upload.abort()),
  }
}
