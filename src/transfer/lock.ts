import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

import { errorCode, NimctlError } from '../system/errors.ts'

/**
 * Holds a prefix for one run on this host, while `run` lasts. What a killed run left is taken over.
 *
 * @throws NimctlError `local` / `LOCK_HELD` naming the other process.
 */
export async function withLock<T>(path: string, what: string, run: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await takeLock(path, what)
  try {
    return await run()
  } finally {
    await rm(path, { force: true })
  }
}

async function takeLock(path: string, what: string): Promise<void> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx', mode: 0o600 })
    return
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
  const holder = Number(await readFile(path, 'utf8').catch(() => ''))
  if (isRunning(holder)) {
    throw new NimctlError('local', 'LOCK_HELD', {
      what: `Another nimctl (process ${holder}) is working on ${what}.`,
      next: 'Wait until it has ended, or stop it; what it has finished is kept.',
    })
  }
  await rm(path, { force: true })
  await writeFile(path, String(process.pid), { mode: 0o600 })
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
