import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

import { NimctlError } from '../../system/errors.ts'
import { longSilenceMs } from '../../system/http/connections.ts'
import type { StoredObject } from '../store.ts'
import { fullKey, pathOf } from './location.ts'
import { described, headObject } from './objects.ts'
import type { Session } from './session.ts'

/**
 * Copy Blob takes objects of any size. Inside an account it is done with the answer, as a rule; where not, the service
 * goes on by itself and is asked until it is through. Metadata is copied too.
 */
export async function copyObject(
  session: Session,
  { from, to, signal }: { from: string; to: string; signal: AbortSignal },
): Promise<StoredObject> {
  const key = fullKey(session, to)
  const source = `${session.endpoint.secure ? 'https' : 'http'}://${session.endpoint.host}${pathOf(session, fullKey(session, from))}`
  const headers = { 'x-ms-copy-source': source + session.sourceQuery }
  const begun = await session.ask('Copy Blob', { method: 'PUT', key, headers, silenceMs: longSilenceMs, signal })
  const id = begun.headers['x-ms-copy-id']
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    const found = await headObject(session, to, { signal })
    if (found === undefined || found['x-ms-copy-id'] !== id)
      throw copyFailed(to, 'Something else replaced it meanwhile.')
    if (found['x-ms-copy-status'] === 'success') return described(to, found)
    if (found['x-ms-copy-status'] !== 'pending') throw copyFailed(to, reasonOf(found))
    await wait(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

const firstWaitMs = 50
const longestWaitMs = 5000

function reasonOf(headers: IncomingHttpHeaders): string {
  return `The service says ${String(headers['x-ms-copy-status'])}: ${String(headers['x-ms-copy-status-description'])}`
}

function copyFailed(to: string, why: string): NimctlError {
  return new NimctlError('unavailable', 'COPY_FAILED', { what: `The copy ${to} did not come about.`, why })
}
