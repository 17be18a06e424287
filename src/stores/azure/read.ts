import type { Readable } from 'node:stream'

import { NimctlError } from '../../system/errors.ts'
import { longSilenceMs } from '../../system/http/connections.ts'
import { awaitedStream } from '../awaited-stream.ts'
import { translating } from '../http/translating.ts'
import type { ReadOptions } from '../store.ts'
import { fullKey } from './location.ts'
import type { Session } from './session.ts'

export async function readObject(
  session: Session,
  key: string,
  { range, ifMatch, signal }: ReadOptions & { range: { start: number; end: number } | undefined },
): Promise<Readable> {
  const headers: Record<string, string> = {}
  if (range !== undefined) headers['range'] = `bytes=${range.start}-${range.end}`
  if (ifMatch !== undefined) headers['if-match'] = `"${ifMatch}"`
  const asked = { action: 'Get Blob', key: fullKey(session, key), signal }
  try {
    // Whoever reads may pause for long, while a disk is slow.
    const body = await session.open(asked.action, { method: 'GET', headers, silenceMs: longSilenceMs, ...asked })
    return awaitedStream(translating(body, error => session.translate(error, asked)))
  } catch (error) {
    // The table reads 412 as the answer to a write.
    if (ifMatch === undefined || !(error instanceof NimctlError) || error.code !== 'STORE_KEY_EXISTS') throw error
    throw new NimctlError('check-failed', 'OBJECT_CHANGED', {
      what: `${session.endpoint.name}/${session.azureContainer}/${asked.key} was replaced while it was read.`,
      why: 'It no longer has the ETag that it had before.',
      next: 'Run the same command again when nobody writes there any more.',
      cause: error,
    })
  }
}
