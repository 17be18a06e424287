import type { Readable } from 'node:stream'

import { longSilenceMs } from '../../system/http/connections.ts'
import { awaitedStream } from '../awaited-stream.ts'
import { readHeaders } from '../http/read-headers.ts'
import { asObjectChanged } from '../http/store-error.ts'
import { translating } from '../http/translating.ts'
import type { ReadOptions } from '../store.ts'
import { fullKey } from './location.ts'
import type { Session } from './session.ts'

export async function readObject(
  session: Session,
  key: string,
  { range, ifMatch, signal }: ReadOptions & { range: { start: number; end: number } | undefined },
): Promise<Readable> {
  const headers = readHeaders({ range, ifMatch })
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
