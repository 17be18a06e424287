import { NimctlError } from '../../system/errors.ts'
import { numberAt, read, textAt } from '../../system/json.ts'
import type { StoredObject } from '../store.ts'
import type { Session } from './session.ts'

/** A file or directory, as the namenode knows it. */
export interface Status {
  /** Name in its directory; empty for what was asked for itself. */
  name: string
  isFile: boolean
  /** Bytes. Of a file that is being written, those of its full blocks. */
  size: number
  /** Bytes. */
  blockSize: number
  /** The inode: it stays with a file that is renamed, and is never given again. */
  fileId: number
  /** By the namenode's clock. */
  modifiedMs: number
}

/** `undefined` where nothing lies. */
export async function statPath(session: Session, path: string, signal: AbortSignal): Promise<Status | undefined> {
  try {
    const found = await session.client.ask({ method: 'GET', op: 'GETFILESTATUS', path, signal })
    return readStatus(read(found, 'FileStatus'))
  } catch (error) {
    // A file where a directory would be: nothing lies below it.
    if (error instanceof NimctlError && ['OBJECT_NOT_FOUND', 'STORE_KEY_CONFLICT'].includes(error.code))
      return undefined
    throw error
  }
}

export function readStatus(value: unknown): Status {
  return {
    name: textAt(value, 'pathSuffix') ?? '',
    isFile: textAt(value, 'type') === 'FILE',
    size: numberAt(value, 'length') ?? 0,
    blockSize: numberAt(value, 'blockSize') ?? 0,
    fileId: numberAt(value, 'fileId') ?? 0,
    modifiedMs: numberAt(value, 'modificationTime') ?? 0,
  }
}

/** HDFS has no ETags: inode and time of the last change do what one does. */
export function described(key: string, { size, fileId, modifiedMs }: Status): StoredObject & { etag: string } {
  return { key, size, etag: `${fileId.toString(16)}-${modifiedMs.toString(16)}` }
}
