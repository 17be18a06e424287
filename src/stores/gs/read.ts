import type { Readable } from 'node:stream'

import { NimctlError } from '../../system/errors.ts'
import { longSilenceMs } from '../../system/http/connections.ts'
import { awaitedStream } from '../awaited-stream.ts'
import { translating } from '../http/translating.ts'
import type { ReadOptions } from '../store.ts'
import type { Bucket } from './bucket.ts'
import { fullKey } from './location.ts'
import { objectsPath } from './objects.ts'

export async function readObject(
  bucket: Bucket,
  key: string,
  { range, ifMatch, signal }: ReadOptions & { range: { start: number; end: number } | undefined },
): Promise<Readable> {
  const name = fullKey(bucket, key)
  const request = {
    method: 'GET',
    path: objectsPath(bucket, name),
    query: { alt: 'media', ...(ifMatch !== undefined && { ifGenerationMatch: ifMatch }) },
    headers: {
      // As it is stored: without this, Google unpacks what somebody stored packed, and the checksum is that of the pack.
      'accept-encoding': 'gzip',
      ...(range !== undefined && { range: `bytes=${range.start}-${range.end}` }),
    },
    // Whoever reads may pause for long, while a disk is slow.
    silenceMs: longSilenceMs,
    permission: 'storage.objects.get',
    key: name,
    signal,
  } as const
  try {
    const body = await bucket.open(request)
    const generation = body.headers['x-goog-generation']
    if (ifMatch !== undefined && generation !== undefined && generation !== ifMatch) {
      body.destroy()
      throw objectChanged(`gs://${bucket.bucket}/${name}`)
    }
    return awaitedStream(translating(body, error => bucket.translate(error, request)))
  } catch (error) {
    if (ifMatch === undefined || !(error instanceof NimctlError) || error.code !== 'STORE_KEY_EXISTS') throw error
    // The table reads 412 as the answer to a write.
    throw objectChanged(`gs://${bucket.bucket}/${name}`, error)
  }
}

function objectChanged(name: string, cause?: unknown): NimctlError {
  return new NimctlError('check-failed', 'OBJECT_CHANGED', {
    what: `${name} was replaced while it was read.`,
    why: 'It no longer has the generation that it had before.',
    next: 'Run the same command again when nobody writes there any more.',
    cause,
  })
}
