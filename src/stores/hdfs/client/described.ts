import { NimctlError } from '../../../system/errors.ts'
import type { StoredObject } from '../../store.ts'
import type { Status } from './operations.ts'
import { shellPathOf } from './paths.ts'
import type { Session } from './session.ts'

/** The shell tells no inode: size and time of the last change, in milliseconds, do what an ETag does. */
export function described(key: string, { size, modifiedMs }: Status): StoredObject & { etag: string } {
  return { key, size, etag: `${modifiedMs.toString(16)}-${size.toString(16)}` }
}

export async function statObject(
  session: Session,
  key: string,
  { signal }: { signal: AbortSignal },
): Promise<StoredObject | undefined> {
  const path = shellPathOf(session, key)
  const [status, crc32c] = await Promise.all([
    session.operations.stat(path, signal),
    askChecksum(session, path, signal).catch(nothingThere),
  ])
  if (status === undefined || !status.isFile) return undefined
  const sum = judge(session, status, crc32c)
  return { ...described(key, status), ...(sum !== undefined && { crc32c: sum }) }
}

/** HDFS computes it over what it stored. */
export async function askChecksum(session: Session, path: string, signal: AbortSignal): Promise<number | undefined> {
  if (session.capabilities.statProof !== 'full-checksum') return undefined
  try {
    return await session.operations.checksum(path, signal)
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'STORE_UNSUPPORTED') return undefined
    throw error
  }
}

/**
 * A file without bytes has no checksum to prove. A cluster that has others is not asked again.
 *
 * @param crc32c `null` when nothing was there to be asked.
 */
export function judge(session: Session, { size }: Status, crc32c: number | null | undefined): number | undefined {
  if (size === 0) return 0
  if (crc32c === undefined) session.capabilities.statProof = 'size'
  return crc32c ?? undefined
}

/** Or a directory: what it is, the stat beside it tells. */
export function nothingThere(error: unknown): null {
  const codes = ['OBJECT_NOT_FOUND', 'STORE_KEY_CONFLICT']
  if (error instanceof NimctlError && codes.includes(error.code)) return null
  throw error
}
