import { crc32cFromBase64 } from '../../system/hash.ts'
import type { StoredObject } from '../store.ts'

/** What the fields of several answers say of an object. */
export function described(
  key: string,
  size: number,
  answer: { ETag?: string | undefined; ChecksumCRC32C?: string | undefined; ChecksumType?: string | undefined },
): StoredObject {
  const crc32c = fullCrc32c(answer)
  return {
    key,
    size,
    ...(crc32c === undefined ? {} : { crc32c }),
    ...(answer.ETag === undefined ? {} : { etag: unquoted(answer.ETag) }),
  }
}

/** SeaweedFS leaves the quotes away in some answers. */
export function unquoted(etag: string): string {
  return etag.replaceAll('"', '')
}

/** A composite checksum is one of checksums: it proves nothing to who doesn't know the parts. */
function fullCrc32c({
  ChecksumCRC32C,
  ChecksumType,
}: {
  ChecksumCRC32C?: string | undefined
  ChecksumType?: string | undefined
}) {
  return ChecksumCRC32C === undefined || ChecksumType === 'COMPOSITE' ? undefined : crc32cFromBase64(ChecksumCRC32C)
}
