import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Check } from '../system/check.ts'

/** Who runs in the container that serves; `gid` also stands for its `fsGroup`. */
export interface ServingUser {
  uid: number
  gid: number
}

interface Owned {
  uid: number
  gid: number
  mode: number
}

const reads = 0o4
/** Lists a directory and enters it. */
const walks = 0o5

/**
 * Names what the serving user could not read: files, and directories that it could not list or enter, each of them once
 * and nothing below. As the kernel judges: the owner by the owner's bits, the group by the group's, others by theirs.
 * Links have no modes that count.
 */
export async function checkAccess(root: string, user: ServingUser): Promise<Check[]> {
  const checks: Check[] = []
  const look = async (path: string, wanted: number): Promise<boolean> => {
    const found = await lstat(join(root, path))
    const good = may(user, found, wanted)
    if (!good) checks.push(notReadable(path, { found, user, wanted }))
    return good
  }
  const walk = async (folder: string): Promise<void> => {
    if (!(await look(folder, walks))) return
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = folder === '.' ? entry.name : `${folder}/${entry.name}`
      if (path === '.nimctl') continue
      if (entry.isDirectory()) await walk(path)
      else if (entry.isFile()) await look(path, reads)
    }
  }
  await walk('.')
  return checks
}

function may(user: ServingUser, { uid, gid, mode }: Owned, wanted: number): boolean {
  if (user.uid === 0) return true
  const shift = user.uid === uid ? 6 : user.gid === gid ? 3 : 0
  return ((mode >> shift) & wanted) === wanted
}

function notReadable(
  path: string,
  { found: { uid, gid, mode }, user, wanted }: { found: Owned; user: ServingUser; wanted: number },
): Check {
  const digits = (mode & 0o777).toString(8).padStart(3, '0')
  return {
    name: wanted === walks ? 'cache.directory-mode' : 'cache.mode',
    status: 'failed',
    method: 'structure',
    path,
    expected: `${wanted === walks ? 'to be listed and entered' : 'readable'} by ${user.uid}:${user.gid}`,
    found: `mode ${digits}, owner ${uid}:${gid}`,
    next: 'chmod -R a+rX DIR, or name who will serve: --serve-as UID:GID',
  }
}
