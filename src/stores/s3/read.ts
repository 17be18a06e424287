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
  // Whoever reads may pause for long, while a disk is slow.
  const request = { method: 'GET', key: fullKey(session, key), headers, silenceMs: longSilenceMs, signal } as const
  try {
    const body = await session.open('GetObject', request)
    return awaitedStream(
      translating(body, error => session.translate(error, { action: 'GetObject', key: request.key, signal })),
    )
  } catch (error) {
    if (ifMatch === undefined) throw error
    throw asObjectChanged(error, `s3://${session.bucket}/${request.key}`)
  }
}

/** The table reads 412 as the answer to a write; where an ETag was asked for, it is another object now. */
export function asObjectChanged(error: unknown, name: string): unknown {
  if (!(error instanceof NimctlError && error.code === 'STORE_KEY_EXISTS')) return error
  return new NimctlError('check-failed', 'OBJECT_CHANGED', {
    what: `${name} was replaced while it was read or copied.`,
    why: 'It no longer has the ETag that it had before.',
    next: 'Run the same command again when nobody writes there any more.',
    cause: error,
  })
}
