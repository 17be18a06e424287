import { readdir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode, NimctlError } from '../system/errors.ts'
import { resolveLink } from '../system/safe-path.ts'
import { compareUtf8 } from '../system/utf8-order.ts'
import type { CacheEntry, CacheTree } from './cache-tree.ts'

/** A blob of one part is named by the MD5 of its content (reference/nim.md 4.1). */
const md5Name = /(?:^|\/)blobs\/([0-9a-f]{32})$/

/**
 * Reads a cache directory as it lies on disk: links are recorded with where they lead, not followed; nothing is hashed.
 * `.nimctl/` is ours and left out.
 *
 * @throws NimctlError `not-found` / `CACHE_NOT_FOUND`; `local` / `CACHE_UNREADABLE` naming the path.
 */
export async function scanCacheTree(root: string): Promise<CacheTree> {
  await requireDirectory(root)
  const entries: CacheEntry[] = []
  await scanFolder(root, '', entries)
  entries.sort((a, b) => compareUtf8(a.path, b.path))
  resolveLinks(entries)
  return { root, entries }
}

async function requireDirectory(root: string): Promise<void> {
  const found = await stat(root).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
    throw unreadable(root, error)
  })
  if (found?.isDirectory() === true) return
  throw new NimctlError('not-found', 'CACHE_NOT_FOUND', {
    what: `There is no directory at ${root}.`,
    why: found === undefined ? undefined : 'It is a file.',
    next: 'Build a cache with: nimctl cache IMAGE DIR',
  })
}

async function scanFolder(root: string, folder: string, entries: CacheEntry[]): Promise<void> {
  const children = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(join(root, folder), error)
  })
  for (const child of children) {
    const path = folder === '' ? child.name : `${folder}/${child.name}`
    if (path === '.nimctl') continue
    if (child.isDirectory()) await scanFolder(root, path, entries)
    else if (child.isSymbolicLink()) entries.push({ type: 'link', path, target: await readlink(join(root, path)) })
    else if (child.isFile()) entries.push(await readFileEntry(root, path))
    else
      throw new NimctlError('local', 'CACHE_SPECIAL_FILE', {
        what: `${join(root, path)} is neither a file, a directory nor a link.`,
      })
  }
  if (children.length === 0 && folder !== '') {
    const { mode } = await stat(join(root, folder))
    entries.push({ type: 'directory', path: folder, mode: mode & 0o777 })
  }
}

async function readFileEntry(root: string, path: string): Promise<CacheEntry> {
  const { size, mode, mtimeMs, ino } = await stat(join(root, path))
  const claimedMd5 = md5Name.exec(path)?.[1]
  return {
    type: 'file',
    path,
    size,
    mode: mode & 0o777,
    modifiedMs: mtimeMs,
    inode: ino,
    ...(claimedMd5 !== undefined && { claimedMd5 }),
  }
}

/** Links may lead to links; what leads outside, in circles or nowhere stays without `resolved`. */
function resolveLinks(entries: readonly CacheEntry[]): void {
  const byPath = new Map(entries.map(entry => [entry.path, entry]))
  for (const entry of entries) {
    if (entry.type !== 'link') continue
    const resolved = followLink(entry, byPath)
    if (resolved !== undefined) entry.resolved = resolved
  }
}

const maxLinks = 8

function followLink(link: CacheEntry & { type: 'link' }, byPath: ReadonlyMap<string, CacheEntry>): string | undefined {
  let current: CacheEntry | undefined = link
  for (let step = 0; step < maxLinks && current?.type === 'link'; step++) {
    const path: string | undefined = resolveLink(current.path, current.target)
    current = path === undefined ? undefined : byPath.get(path)
  }
  return current?.type === 'file' ? current.path : undefined
}

/** @param cause of the operating system. */
export function unreadable(path: string, cause: unknown): NimctlError {
  const why = errorCode(cause)
  const forbidden = why === 'EACCES' || why === 'EPERM'
  return new NimctlError('local', 'CACHE_UNREADABLE', {
    what: `${path} could not be read.`,
    why,
    next: forbidden
      ? `Make it readable for this user: chmod -R u+rX ${path}`
      : 'Look at the disk and how it is mounted, then run the same command again.',
    cause,
  })
}
