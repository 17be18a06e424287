import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

import { NimctlError } from '../../system/errors.ts'
import { awaitedStream } from '../awaited-stream.ts'
import type { ReadOptions } from '../store.ts'
import { longSilenceMs } from './connections.ts'
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

/** A connection that breaks while a body is read fails as it does while one is waited for. */
export function translating(body: IncomingMessage, translate: (error: unknown) => unknown): Readable {
  const readable = new Readable({
    highWaterMark: 1024 * 1024,
    read: () => void body.resume(),
    destroy(error, done) {
      body.destroy()
      done(error)
    },
  })
  body.on('data', chunk => {
    if (!readable.push(chunk)) body.pause()
  })
  body.on('end', () => readable.push(null))
  body.on('error', error => {
    const translated = translate(error)
    readable.destroy(translated instanceof Error ? translated : new Error(String(translated), { cause: translated }))
  })
  body.pause()
  return readable
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
