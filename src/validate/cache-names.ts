import { posix } from 'node:path'

import type { CacheTree } from '../cache/cache-tree.ts'
import type { Check } from '../system/check.ts'

/**
 * Names in one folder that differ only in case, or in how an accent is composed: where a file system takes them for one
 * (SMB shares, macOS, Windows), one file would take the place of the other.
 */
export function checkNames({ entries }: CacheTree): Check[] {
  const paths = new Set(entries.flatMap(({ path }) => withFolders(path)))
  const known = new Map<string, string>()
  const checks: Check[] = []
  for (const path of paths) {
    const folded = `${posix.dirname(path)}/${posix.basename(path).normalize('NFC').toLowerCase()}`
    const other = known.get(folded)
    if (other === undefined) known.set(folded, path)
    else checks.push(collision(path, other))
  }
  return checks
}

function withFolders(path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

function collision(path: string, other: string): Check {
  return {
    name: 'cache.case-collision',
    status: 'warning',
    method: 'structure',
    path,
    expected: 'names that differ by more than their case',
    found: `${other} beside it`,
    next: 'Keep the cache on file systems that tell upper case from lower case, and rename or remove the one that does not belong there.',
  }
}
