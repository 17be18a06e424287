import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

import { errorCode, NimctlError } from './errors.ts'
import { translateFileError } from './files.ts'

/**
 * Holds prefixes for one run on this host, while `run` lasts. What a killed run left is taken over.
 *
 * @param locks a lock file each, and what it stands for.
 * @throws NimctlError `local` / `LOCK_HELD` naming the other process, `DIRECTORY_NOT_WRITABLE`.
 */
export async function withLocks<T>(
  [lock, ...others]: readonly { path: string; what: string }[],
  run: () => Promise<T>,
): Promise<T> {
  if (lock === undefined) return await run()
  await makeFolder(dirname(lock.path))
  await takeLock(lock.path, lock.what)
  try {
    return await withLocks(others, run)
  } finally {
    await rm(lock.path, { force: true })
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    const code = errorCode(error) ?? ''
    if (!['EACCES', 'EPERM', 'EROFS'].includes(code)) throw translateFileError(error, path)
    throw new NimctlError('local', 'DIRECTORY_NOT_WRITABLE', {
      what: `nimctl can't keep its journals and locks in ${path}.`,
      why: code === 'EROFS' ? 'The file system is mounted read-only.' : `The system answered ${code}.`,
      next: 'Name a directory that this user may write to, in a container one of a volume: NIMCTL_STATE_DIR=DIRECTORY',
      cause: error,
    })
  }
}

async function takeLock(path: string, what: string): Promise<void> {
  try {
    await writeFile(path, await holderName(process.pid), { flag: 'wx', mode: 0o600 })
    return
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
  const text = await readFile(path, 'utf8').catch(() => '')
  const [pid, began] = text.split(' ')
  const holder = Number(pid)
  if (isRunning(holder) && (began === undefined || text === (await holderName(holder)))) {
    throw new NimctlError('local', 'LOCK_HELD', {
      what: `Another nimctl (process ${holder}) is working on ${what}.`,
      next: 'Wait until it has ended, or stop it; what it has finished is kept.',
    })
  }
  await rm(path, { force: true })
  await writeFile(path, await holderName(process.pid), { mode: 0o600 })
}

/** In containers process numbers come again and again: beside the number stands when the process began. */
async function holderName(pid: number): Promise<string> {
  // proc(5): starttime is the 22nd field, the 20th behind the name, which may hold anything.
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const began = text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  return began === undefined ? String(pid) : `${pid} ${began}`
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}
