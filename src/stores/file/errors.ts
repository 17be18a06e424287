import { errorCode, NimctlError, type ErrorCategory } from '../../system/errors.ts'
import { textAt } from '../../system/json.ts'

/** What was being done, for the error's sentence. */
export type Access = 'read' | 'write'

/** Runs one operation on the file system; its errors that a user can act on leave as NimctlError. */
export async function translated<T>(access: Access, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw translateFileError(error, access, path)
  }
}

/** @returns the error itself where there is nothing to say about it. */
export function translateFileError(error: unknown, access: Access, path: string): unknown {
  const code = error instanceof NimctlError ? undefined : errorCode(error)
  const known = code === undefined ? undefined : isBadName(error, code) ? badName : table[code]?.(access)
  if (known === undefined) return error
  return new NimctlError(known.category ?? 'local', known.code, {
    what: `${access === 'read' ? 'Reading' : 'Writing'} ${path} failed: ${known.says}.`,
    why: `The system says ${code}.`,
    next: known.next,
    ...(known.mend === undefined ? {} : { mend: known.mend }),
    cause: error,
  })
}

/** FAT, NTFS and SMB refuse `:` and `?` as invalid, and name nothing else so when a file is made. */
function isBadName(error: unknown, code: string): boolean {
  return (
    code === 'EILSEQ' ||
    (code === 'EINVAL' && ['open', 'mkdir', 'rename', 'link'].includes(textAt(error, 'syscall') ?? ''))
  )
}

interface Known {
  code: string
  says: string
  next?: string
  category?: ErrorCategory
  mend?: 'same'
}

const badName: Known = {
  code: 'STORE_KEY_NOT_ALLOWED',
  says: 'the file system takes no such name',
  next: 'Choose another file system, or rename the file.',
  category: 'usage',
}
const full = (): Known => ({
  code: 'DISK_FULL',
  says: 'no space is left there',
  next: 'Make room, then run the same command again: what is finished is kept.',
})
const denied = (access: Access): Known =>
  access === 'read'
    ? { code: 'NOT_READABLE', says: 'this user may not read it', next: `Look at it with: ls -ld` }
    : { code: 'NOT_WRITABLE', says: 'this user may not write there', next: 'Choose another directory or user.' }
const conflict = (): Known => ({
  code: 'STORE_KEY_CONFLICT',
  says: 'a file and a directory would have the same name',
})
const device = (): Known => ({ code: 'STORE_IO_FAILED', says: 'the disk or share failed', category: 'unavailable' })

/** By code of errno(3). */
const table: Record<string, (access: Access) => Known> = {
  ENOSPC: full,
  EDQUOT: full,
  EACCES: denied,
  EPERM: denied,
  EROFS: () => ({ code: 'NOT_WRITABLE', says: 'the file system is mounted read-only' }),
  ENOTDIR: conflict,
  EISDIR: conflict,
  ENOTEMPTY: conflict,
  EEXIST: conflict,
  ENAMETOOLONG: () => ({ code: 'NAME_TOO_LONG', says: 'the name is longer than the file system allows' }),
  EFBIG: () => ({ code: 'FILE_TOO_LARGE', says: 'the file is larger than the file system allows' }),
  ELOOP: () => ({ code: 'LINK_LOOP', says: 'its links lead in a circle' }),
  ENOENT: () => ({ code: 'OBJECT_NOT_FOUND', says: 'it is not there', category: 'not-found' }),
  EXDEV: () => ({
    code: 'STORE_MOUNTED_IN_PARTS',
    says: 'its directories lie on different file systems',
    next: 'Name a directory that lies on one.',
  }),
  EMFILE: () => ({ code: 'TOO_MANY_OPEN_FILES', says: 'too many files are open', mend: 'same', next: 'ulimit -n' }),
  EIO: device,
  ESTALE: device,
  ETIMEDOUT: device,
}
