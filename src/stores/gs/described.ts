import { crc32cFromBase64 } from '../../system/hash.ts'
import type { StoredObject } from '../store.ts'

/** What is asked for of an object. */
export const fields = 'name,size,crc32c,generation'

/**
 * An object's resource (https://docs.cloud.google.com/storage/docs/json_api/v1/objects#resource). The generation stands
 * for the ETag: it changes with the content, and the ETag with every change of the metadata as well.
 */
export function described(key: string, { size, crc32c, generation }: Record<string, unknown>): StoredObject {
  const sum = typeof crc32c === 'string' ? crc32cFromBase64(crc32c) : undefined
  return {
    key,
    size: Number(size ?? 0),
    ...(sum === undefined ? {} : { crc32c: sum }),
    ...(typeof generation === 'string' ? { etag: generation } : {}),
  }
}
