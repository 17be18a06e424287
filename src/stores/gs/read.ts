import type { Readable } from 'node:stream'

import { longSilenceMs } from '../../system/http/connections.ts'
import { awaitedStream } from '../awaited-stream.ts'
import { readHeaders } from '../http/read-headers.ts'
import { asObjectChanged, objectChanged } from '../http/store-error.ts'
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
      ...readHeaders({ range }),
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
    if (ifMatch === undefined) throw error
    throw asObjectChanged(error, `gs://${bucket.bucket}/${name}`)
  }
}
