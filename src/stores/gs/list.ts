import type { Page } from '../store.ts'
import type { Bucket } from './bucket.ts'
import { described, fields } from './described.ts'
import { objectsPath } from './objects.ts'

/** Every object comes with its CRC32C. */
export async function listObjects(
  bucket: Bucket,
  { prefix, cursor, signal }: { prefix: string; cursor: string | undefined; signal: AbortSignal },
): Promise<Page> {
  const request = {
    method: 'GET',
    path: objectsPath(bucket),
    query: {
      prefix: bucket.prefix + prefix,
      maxResults: '1000',
      fields: `nextPageToken,items(${fields})`,
      ...(cursor !== undefined && { pageToken: cursor }),
    },
    permission: 'storage.objects.list',
    signal,
  } as const
  const { items, nextPageToken } = bucket.parse(await bucket.ask(request), request)
  const found: unknown[] = Array.isArray(items) ? items : []
  return {
    objects: found.flatMap(item => objectOf(bucket, item)),
    ...(typeof nextPageToken === 'string' && nextPageToken !== '' && { cursor: nextPageToken }),
  }
}

function objectOf(bucket: Bucket, item: unknown): Page['objects'] {
  if (typeof item !== 'object' || item === null || !('name' in item) || typeof item.name !== 'string') return []
  const key = item.name.slice(bucket.prefix.length)
  // What consoles put there to show the prefix as a folder.
  return key === '' ? [] : [described(key, { ...item })]
}
