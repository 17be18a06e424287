import type { Store } from '../stores/store.ts'
import type { Check, CheckLog } from '../system/check.ts'
import { NimctlError } from '../system/errors.ts'
import { describeKey } from '../transfer/marker.ts'

/** Names the uploads that were begun under a prefix and neither ended nor aborted: in most stores they cost as objects do. */
export async function checkUnfinished(
  store: Store,
  { checks, signal }: { checks: CheckLog; signal: AbortSignal },
): Promise<void> {
  try {
    for await (const { key, startedMs } of store.listUploads?.('', { signal }) ?? []) {
      await checks.add(unfinished(store, key, startedMs))
    }
  } catch (error) {
    if (!(error instanceof NimctlError) || error.category !== 'auth') throw error
    await checks.add(notPermitted(error))
  }
}

function unfinished(store: Store, path: string, startedMs: number): Check {
  const found = startedMs > 0 ? `an upload begun at ${new Date(startedMs).toISOString()}` : 'an upload that was begun'
  return {
    name: 'store.unfinished-upload',
    status: 'warning',
    method: 'structure',
    path,
    expected: 'no upload under way',
    found,
    next: `If nobody is uploading: nimctl cleanup ${describeKey(store, '')}`,
  }
}

/** Who may read may not always list uploads, and nothing that is read depends on them. */
function notPermitted({ message }: NimctlError): Check {
  return {
    name: 'store.unfinished-upload',
    status: 'not-provable',
    method: 'structure',
    found: message,
    next: 'To know, ask with credentials that may list uploads; or leave it out: --skip store.unfinished-upload',
  }
}
