import { longSilenceMs } from '../../system/http/connections.ts'
import type { StoredObject } from '../store.ts'
import type { Bucket } from './bucket.ts'
import { described } from './described.ts'
import { notUnderstood } from './errors.ts'
import { fullKey } from './location.ts'

/**
 * Of any size. A copy within a location and storage class is done with the first answer; any other goes on call by
 * call, where the token of the last one says how far it came. Google's client sees to that.
 */
export async function copyObject(
  bucket: Bucket,
  { from, to, signal }: { from: string; to: string; signal: AbortSignal },
): Promise<StoredObject> {
  const source = fullKey(bucket, from)
  const target = fullKey(bucket, to)
  const permission = 'storage.objects.get and storage.objects.create'
  const asked = { permission, key: source, silenceMs: longSilenceMs, signal }
  const [, answer] = await bucket.request(asked, sdk => sdk.file(source).copy(sdk.file(target)))
  const resource = typeof answer === 'object' && answer !== null && 'resource' in answer ? answer.resource : undefined
  if (typeof resource === 'object' && resource !== null) return described(to, { ...resource })
  throw notUnderstood({ ...asked, bucket: bucket.bucket, endpoint: bucket.endpoint })
}
