import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { errorCode, NimctlError } from './errors.ts'

/**
 * Writes a file so that it is there whole or not at all: a temporary file beside it is synced and renamed.
 *
 * @param mode permission bits, 0o644 unless told.
 * @throws NimctlError as `translateFileError` says.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array | AsyncIterable<string>,
  { mode = 0o644 }: { mode?: number } = {},
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    throw translateFileError(error, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Bytes that this user may still write below `directory`. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory).catch((error: unknown) => {
    throw translateFileError(error, directory)
  })
  return bavail * bsize
}

/**
 * Makes `directory`, with its parents, unless it exists, and makes sure that this user can write to it.
 *
 * @returns whether it was made now.
 * @throws NimctlError `local` / `DIRECTORY_NOT_WRITABLE`, `DISK_FULL`.
 */
export async function ensureWritableDirectory(directory: string): Promise<boolean> {
  try {
    const made = await mkdir(directory, { recursive: true })
    await access(directory, constants.W_OK | constants.X_OK)
    return made !== undefined
  } catch (error) {
    throw notWritableDirectory(directory, error)
  }
}

function notWritableDirectory(directory: string, cause: unknown): Error {
  const reasons: Record<string, string> = {
    EEXIST: 'There is a file of that name.',
    ENOTDIR: 'A part of the path is a file.',
    EACCES: 'The permissions do not let this user write there.',
    EPERM: 'The permissions do not let this user write there.',
    EROFS: 'The file system is mounted read-only.',
  }
  const why = reasons[errorCode(cause) ?? '']
  if (why === undefined) return translateFileError(cause, directory)
  return new NimctlError('local', 'DIRECTORY_NOT_WRITABLE', {
    what: `The directory ${directory} can't be written to.`,
    why,
    next: `Choose another directory, or make it writable: mkdir -p ${directory} && chmod u+rwX ${directory}`,
    cause,
  })
}

/**
 * What a failed file operation means to the user: `local` / `DISK_FULL`, `local` / `NOT_WRITABLE`,
 * `not-found` / `PATH_NOT_FOUND`. Other errors come back as they are.
 */
export function translateFileError(error: unknown, path: string): Error {
  const code = errorCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new NimctlError('local', 'DISK_FULL', {
      what: `There is no space left for ${path}.`,
      why: code === 'EDQUOT' ? 'The disk quota of this user is used up.' : 'The file system is full.',
      next: `Free some space (df -h ${dirname(path)}), then run the same command again; what is finished is kept.`,
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new NimctlError('local', 'NOT_WRITABLE', {
      what: `${path} may not be read or written by this user.`,
      why: code === 'EROFS' ? 'The file system is mounted read-only.' : `The system answered ${code}.`,
      next: `Look at its owner and mode: ls -ld ${path}`,
      cause: error,
    })
  }
  if (code === 'ENOENT') {
    return new NimctlError('not-found', 'PATH_NOT_FOUND', { what: `There is nothing at ${path}.`, cause: error })
  }
  return error instanceof Error ? error : new Error(String(error))
}
