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
  const asked = { action: 'Get Blob', key: fullKey(session, key), signal }
  try {
    // Whoever reads may pause for long, while a disk is slow.
    const body = await session.open(asked.action, { method: 'GET', headers, silenceMs: longSilenceMs, ...asked })
    return awaitedStream(translating(body, error => session.translate(error, asked)))
  } catch (error) {
    if (ifMatch === undefined) throw error
    throw asObjectChanged(error, `${session.endpoint.name}/${session.azureContainer}/${asked.key}`)
  }
}
