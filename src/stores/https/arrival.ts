import { NimctlError } from '../../system/errors.ts'
import type { FileHead } from './files.ts'

/**
 * Whether a whole body arrived, though its answer did not. Servers keep nothing of a body that was cut, or show that it is
 * shorter. So a file of its size that was not there before is the one that was sent. A repository manager says the SHA-1
 * of what it has.
 */
export function hasArrived(
  error: unknown,
  {
    before,
    after,
    size,
    sha1,
  }: { before: FileHead | undefined; after: FileHead | undefined; size: number; sha1: string | undefined },
): boolean {
  if (!isLostAnswer(error) || after?.size !== size) return false
  if (sha1 !== undefined) return sha1Of(after) === sha1
  return before === undefined || isAnother(before, after)
}

export function isLostAnswer(error: unknown): boolean {
  return error instanceof NimctlError && error.code === 'STORE_UNREACHABLE'
}

/** `X-Checksum-Sha1` is Artifactory's, `{SHA1{…}}` as ETag that of Nexus. */
export function sha1Of({ headers }: Pick<FileHead, 'headers'>): string | undefined {
  const own = headers['x-checksum-sha1']
  return typeof own === 'string'
    ? own.toLowerCase()
    : /\{SHA1\{([0-9a-f]{40})\}\}/i.exec(headers.etag ?? '')?.[1]?.toLowerCase()
}

/** By what tells one content of a path from the next (RFC 9110, 8.8). Without it, nothing is told. */
function isAnother(before: FileHead, after: FileHead): boolean {
  if (before.size !== after.size) return true
  return (['etag', 'last-modified'] as const).some(
    name => after.headers[name] !== undefined && after.headers[name] !== before.headers[name],
  )
}
