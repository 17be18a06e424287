import { constants } from 'node:fs'
import { copyFile, link, realpath } from 'node:fs/promises'

import { errorCode, errorMessage } from '../../system/errors.ts'
import type { FileSettings } from './settings.ts'

/** Makes a file that is not there yet from one that is. */
export type CopyFile = (from: string, to: string) => Promise<void>

/** Hard links only where they were asked for: with one, who changes a file changes its other names too. */
export function openCopying({ hardLinks = false, onNoHardLinks }: FileSettings): CopyFile {
  let told = false
  return async (from, to) => {
    if (hardLinks) {
      const why = await linkFile(from, to)
      if (why === undefined) return
      if (!told) onNoHardLinks?.(why)
      told = true
    }
    // Shares blocks where the file system can.
    await copyFile(from, to, constants.COPYFILE_FICLONE)
  }
}

/** @returns why the file system has none here. */
async function linkFile(from: string, to: string): Promise<string | undefined> {
  try {
    // Of a symbolic link it is the file that is meant.
    await link(await realpath(from), to)
    return undefined
  } catch (error) {
    if (impossible.has(errorCode(error) ?? '')) return errorMessage(error)
    throw error
  }
}

/** link(2): another file system, none of them there, as many as one file can have, not permitted to this user. */
const impossible = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])
