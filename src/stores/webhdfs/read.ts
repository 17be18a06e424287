import type { Readable } from 'node:stream'

import { NimctlError } from '../../system/errors.ts'
import { awaitedStream } from '../awaited-stream.ts'
import { translating } from '../http/translating.ts'
import type { ReadOptions } from '../store.ts'
import type { Operation } from './client.ts'
import { pathOf } from './location.ts'
import type { Session } from './session.ts'
import { described, statPath } from './status.ts'

export async function readObject(
  session: Session,
  key: string,
  { range, ifMatch, signal }: ReadOptions & { range: { start: number; end: number } | undefined },
): Promise<Readable> {
  const path = pathOf(session, key)
  const query = range === undefined ? {} : { offset: String(range.start), length: String(range.end - range.start + 1) }
  const operation: Operation = { method: 'GET', op: 'OPEN', path, query, signal }
  const body = await session.client.open(operation)
  try {
    // Asked once it is open: whatever replaces the file later, what is read are the blocks of this one.
    if (ifMatch !== undefined) await checkSame(session, key, { path, ifMatch, signal })
  } catch (error) {
    body.destroy()
    throw error
  }
  return awaitedStream(translating(body, error => session.client.translate(error, operation)))
}

async function checkSame(
  session: Session,
  key: string,
  { path, ifMatch, signal }: { path: string; ifMatch: string; signal: AbortSignal },
): Promise<void> {
  const status = await statPath(session, path, signal)
  if (status !== undefined && described(key, status).etag === ifMatch) return
  throw new NimctlError('check-failed', 'OBJECT_CHANGED', {
    what: `${session.describe(path)} was replaced while it was read.`,
    why: 'It is another file than before, or was written to.',
    next: 'Run the same command again when nobody writes there any more.',
  })
}
