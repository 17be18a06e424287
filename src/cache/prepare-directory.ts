import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode, NimctlError } from '../system/errors.ts'
import { ensureWritableDirectory, freeBytes } from '../system/files.ts'
import { invokingUser } from './container-user.ts'

/** Even small models come with engines and tokenizers of this size together; below it people are surprised. */
const comfortableBytes = 20 * 1024 ** 3

/**
 * Makes the cache directory before the engine does, which would make it root's, and looks at the space.
 * For a container that runs as somebody else a new directory is opened to everybody; an existing one is left as it is.
 *
 * @throws NimctlError `local` / `DIRECTORY_NOT_WRITABLE`, `DISK_FULL` where the bytes that come don't fit.
 */
export async function prepareCacheDirectory(
  { directory, user }: { directory: string; user?: string },
  bytesToCome: () => Promise<number | undefined>,
  warn: (code: string, message: string) => void,
): Promise<void> {
  const isNew = await ensureWritableDirectory(directory)
  if (isNew) await chmod(directory, isOurs(user) ? 0o755 : 0o777)
  const needed = await bytesToCome()
  const free = await freeBytes(directory)
  if (needed === undefined) {
    if (free < comfortableBytes)
      warn(
        'LITTLE_SPACE',
        `Nothing says how many bytes will come, and only ${gib(free)} are free for ${directory}; models often need more.`,
      )
    return
  }
  if (needed <= free) return
  throw new NimctlError('local', 'DISK_FULL', {
    what: `The models do not fit into ${directory}.`,
    why: `They need ${gib(needed)} more; ${gib(free)} are free.`,
    next: 'Free some space, choose fewer profiles, or give another directory.',
  })
}

/** Where a container may download what it copies from; below `.nimctl/`, so no upload takes it for content. */
export async function makeScratch(directory: string, user: string | undefined): Promise<string> {
  const scratch = join(directory, '.nimctl/download')
  await mkdir(scratch, { recursive: true })
  if (!isOurs(user)) await chmod(scratch, 0o777)
  return scratch
}

/** What was copied out of it is checked by now. */
export async function removeScratch(directory: string, warn: (code: string, message: string) => void): Promise<void> {
  const scratch = join(directory, '.nimctl/download')
  try {
    await rm(scratch, { recursive: true, force: true })
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(errorCode(error) ?? '')) throw error
    warn('SCRATCH_LEFT', `${scratch} belongs to another user and is no longer needed: sudo rm -r ${scratch}`)
  }
}

function isOurs(user: string | undefined): boolean {
  return user === undefined || user === invokingUser()
}

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`
}
