import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'

import { NimctlError } from '../../system/errors.ts'
import { longSilenceMs } from '../../system/http/connections.ts'
import { awaitedStream } from '../awaited-stream.ts'
import { readHeaders } from '../http/read-headers.ts'
import { translating } from '../http/translating.ts'
import type { ReadOptions } from '../store.ts'
import { pathOf } from './location.ts'
import type { Site } from './site.ts'

export async function readFile(
  { server }: Site,
  key: string,
  { range, signal }: ReadOptions & { range: { start: number; end: number } | undefined },
): Promise<Readable> {
  const path = pathOf(server, key)
  const request = {
    method: 'GET',
    path,
    headers: { 'accept-encoding': 'identity', ...readHeaders({ range }) },
    // Whoever reads may pause for long, while a disk is slow.
    silenceMs: longSilenceMs,
    signal,
  } as const
  const body = await server.open(request)
  if (range !== undefined && body.statusCode !== 206 && !isWhole(body, range)) {
    body.destroy()
    throw noRanges(server.url.origin + path)
  }
  return awaitedStream(translating(body, error => server.translate(error, request)))
}

/** The range was all there is. */
function isWhole({ headers }: IncomingMessage, { start, end }: { start: number; end: number }): boolean {
  return start === 0 && Number(headers['content-length'] ?? Number.NaN) === end + 1
}

function noRanges(target: string): NimctlError {
  return new NimctlError('unavailable', 'STORE_UNSUPPORTED', {
    what: `The server gives no part of ${target}, only the whole.`,
    why: 'It takes no notice of the header Range.',
    next: 'Use a server that does, or switch it on.',
    mend: 'not',
  })
}
