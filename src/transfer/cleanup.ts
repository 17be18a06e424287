import type { OpenUpload, Store } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'
import { describeKey } from './marker.ts'

export interface CleanedUpload {
  key: string
  /** Of the store's clock, ISO 8601. */
  started: string
}

/**
 * Removes what killed uploads left behind under a store's prefix. What is younger may still be at work.
 *
 * @param olderThanMs age by the store's clock.
 * @param nowMs milliseconds since 1970.
 * @throws NimctlError `usage` / `UPLOADS_NOT_LISTED` where the store can't tell what is open.
 */
export async function cleanUp(
  store: Store,
  { olderThanMs, nowMs, dryRun, signal }: { olderThanMs: number; nowMs: number; dryRun: boolean; signal: AbortSignal },
): Promise<CleanedUpload[]> {
  const { listUploads, abortUpload } = store
  if (listUploads === undefined || abortUpload === undefined) {
    throw new NimctlError('usage', 'UPLOADS_NOT_LISTED', {
      what: `${describeKey(store, '')} does not tell which uploads are open.`,
    })
  }
  const old: OpenUpload[] = []
  for await (const upload of listUploads('', { signal })) if (nowMs - upload.startedMs >= olderThanMs) old.push(upload)
  for (const upload of dryRun ? [] : old) await abortUpload(upload, { signal })
  return old.map(({ key, startedMs }) => ({ key, started: new Date(startedMs).toISOString() }))
}
