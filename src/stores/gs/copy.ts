import { longSilenceMs } from '../http/connections.ts'
import type { StoredObject } from '../store.ts'
import type { Bucket } from './bucket.ts'
import { described, fields } from './described.ts'
import { notUnderstood } from './errors.ts'
import { fullKey } from './location.ts'
import { objectsPath } from './objects.ts'

/**
 * Of any size. A copy within a location and storage class is done with the first answer; any other goes on call by
 * call, where the token of the last one says how far it came.
 */
export async function copyObject(
  bucket: Bucket,
  { from, to, signal }: { from: string; to: string; signal: AbortSignal },
): Promise<StoredObject> {
  const source = fullKey(bucket, from)
  const target = objectsPath(bucket, fullKey(bucket, to)).replace('/storage/v1', '')
  const request = {
    method: 'POST',
    path: `${objectsPath(bucket, source)}/rewriteTo${target}`,
    permission: 'storage.objects.get and storage.objects.create',
    key: source,
    silenceMs: longSilenceMs,
    signal,
  } as const
  for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
    const query = {
      fields: `done,rewriteToken,resource(${fields})`,
      ...(token !== undefined && { rewriteToken: token }),
    }
    const { done, rewriteToken, resource } = bucket.parse(await bucket.ask({ ...request, query }), request)
    if (done === true && typeof resource === 'object' && resource !== null) return described(to, { ...resource })
    token = typeof rewriteToken === 'string' ? rewriteToken : undefined
  }
  throw notUnderstood({ ...request, bucket: bucket.bucket, endpoint: bucket.endpoint })
}
