import { posix } from 'node:path'

/**
 * Whether a path that somebody else wrote (inventory, listing, archive) stays below the directory that it is
 * relative to: no absolute path, no `.` or `..`, no empty component, no NUL, no backslash tricks.
 */
export function isSafePath(path: string): boolean {
  if (path === '' || path.includes('\0')) return false
  return path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
}

/** Where a relative link leads, as a path below the same root; `undefined` when it leads out of it or is absolute. */
export function resolveLink(path: string, target: string): string | undefined {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return undefined
  const resolved = posix.normalize(posix.join(posix.dirname(path), target))
  return isSafePath(resolved) ? resolved : undefined
}
