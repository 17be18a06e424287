import { errorCode, NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import type { Store, Upload } from './store.ts'

type Trace = <T>(operation: string, request: () => Promise<T>) => Promise<T>

/** The same store, in which every request is reported with how it ended and how long it took. */
export function withTrace(store: Store, report: Report): Store {
  const trace = tracing(report)
  const { listUploads, abortUpload, copyFrom, deletedAt } = store
  return {
    ...store,
    ...(listUploads && {
      async *listUploads(prefix, options) {
        yield* await trace(`list uploads ${prefix}`, () => Array.fromAsync(listUploads(prefix, options)))
      },
    }),
    ...(abortUpload && {
      abortUpload: (saved, options) => trace(`abort ${saved.key}`, () => abortUpload(saved, options)),
    }),
    ...(copyFrom && {
      copyFrom: (from, to, options) =>
        trace(`copy ${from.store.url.href} ${from.object.key} to ${to}`, () => copyFrom(from, to, options)),
    }),
    ...(deletedAt && {
      deletedAt: (key, options) => trace(`list versions of ${key}`, () => deletedAt(key, options)),
    }),
    list: (prefix, cursor, options) => trace(`list ${prefix}`, () => store.list(prefix, cursor, options)),
    stat: (key, options) => trace(`stat ${key}`, () => store.stat(key, options)),
    put: (key, bytes, sums, options) => trace(`put ${key}`, () => store.put(key, bytes, sums, options)),
    openUpload: async (key, options) =>
      tracedUpload(await trace(`open upload ${key}`, () => store.openUpload(key, options)), trace),
    copy: (from, to, options) => trace(`copy ${from} to ${to}`, () => store.copy(from, to, options)),
    read: (key, range, options) => trace(`read ${key}`, () => store.read(key, range, options)),
    remove: (key, options) => trace(`remove ${key}`, () => store.remove(key, options)),
  }
}

function tracedUpload(upload: Upload, trace: Trace): Upload {
  const { key } = upload.saved
  return {
    ...upload,
    putPart: (number, bytes, sums, options) =>
      trace(`put part ${number} of ${key}`, () => upload.putPart(number, bytes, sums, options)),
    complete: (sums, parts, options) => trace(`complete ${key}`, () => upload.complete(sums, parts, options)),
    abort: () => trace(`abort ${key}`, () => upload.abort()),
  }
}

function tracing(report: Report): Trace {
  return async (operation, request) => {
    const started = performance.now()
    const done = (outcome: string) =>
      report({ event: 'request', operation, durationMs: Math.round(performance.now() - started), outcome })
    try {
      const result = await request()
      done('ok')
      return result
    } catch (error) {
      done(error instanceof NimctlError ? error.code : (errorCode(error) ?? 'failed'))
      throw error
    }
  }
}
