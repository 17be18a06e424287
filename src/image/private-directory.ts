import { createHash } from 'node:crypto'
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

import { errorCode } from '../system/errors.ts'

/** The host stands in the name because containers may share a directory for temporary files, but not process numbers. */
const ownHost = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)

/** Makes a directory that only this user can look into, hands its path on, and removes it whatever happens. */
export async function withPrivateDirectory<Result>(use: (path: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), `nimctl-auth-${ownHost}-${process.pid}-`))
  try {
    return await use(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Removes what runs of this user on this host left behind that were killed and could not. */
export async function removeAbandonedDirectories(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, host, pid] = /^nimctl-auth-([0-9a-f]{8})-(\d+)-/.exec(name) ?? []
    if (host !== ownHost || isRunning(Number(pid))) continue
    const path = join(tmpdir(), name)
    const owner = await lstat(path).then(
      ({ uid }) => uid,
      () => undefined,
    )
    if (owner === process.getuid?.()) await rm(path, { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}
