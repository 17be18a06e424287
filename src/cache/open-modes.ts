import { chmod, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../system/errors.ts'

const everybodyReads = 0o444
const everybodyEnters = 0o111

/**
 * Makes everything below a directory readable for any user, as `chmod -R a+rX` does: the pod that serves it runs as another one, mostly 1000:2000
 * (reference/operator.md 4), and some downloaders leave files that only their own user can read (reference/nim.md 7).
 *
 * @returns what belongs to somebody else and could not be opened.
 */
export async function openModes(directory: string): Promise<string[]> {
  const closed: string[] = []
  const open = async (path: string): Promise<void> => {
    const { mode } = await lstat(path)
    const wanted = everybodyReads | ((mode & everybodyEnters) === 0 ? 0 : everybodyEnters)
    if ((mode & wanted) === wanted) return
    await chmod(path, (mode & 0o7777) | wanted).catch((error: unknown) => {
      if (errorCode(error) !== 'EPERM') throw error
      closed.push(path)
    })
  }
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      // It has been named as closed already.
      if (errorCode(error) === 'EACCES') return []
      throw error
    })
    for (const entry of entries) {
      const path = join(folder, entry.name)
      if (entry.isFile()) await open(path)
      if (!entry.isDirectory()) continue
      await open(path)
      await walk(path)
    }
  }
  await walk(directory)
  return closed
}
