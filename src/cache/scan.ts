import { type Dirent, readdirSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as othersTurn } from 'node:timers/promises'

import { errorCode, NimctlError } from '../system/errors.ts'
import { resolveLink } from '../system/safe-path.ts'
import { compareUtf8 } from '../system/utf8-order.ts'
import type { CacheEntry, CacheTree } from './cache-tree.ts'

/** A blob of one part is named by the MD5 of its content (reference/nim.md 4.1). */
export function claimedMd5(path: string): { claimedMd5?: string } {
  const md5 = /(?:^|\/)blobs\/([0-9a-f]{32})$/.exec(path)?.[1]
  return md5 === undefined ? {} : { claimedMd5: md5 }
}

/**
 * Reads a cache directory as it lies on disk: links are recorded with where they lead, not followed; nothing is hashed.
 * `.nimctl/` is ours and left out.
 *
 * @throws NimctlError `not-found` / `CACHE_NOT_FOUND`; `local` / `CACHE_UNREADABLE` naming the path.
 */
export async function scanCacheTree(root: string): Promise<CacheTree> {
  requireDirectory(root)
  const entries: CacheEntry[] = []
  await scanFolder(root, '', entries)
  entries.sort((a, b) => compareUtf8(a.path, b.path))
  resolveLinks(entries)
  return { root, entries }
}

function requireDirectory(root: string): void {
  if (isDirectory(root) === true) return
  throw new NimctlError('not-found', 'CACHE_NOT_FOUND', {
    what: `There is no directory at ${root}.`,
    why: isDirectory(root) === undefined ? undefined : 'It is a file.',
    next: 'Build a cache with: nimctl cache IMAGE DIR',
  })
}

/** `undefined` when there is nothing. */
function isDirectory(path: string): boolean | undefined {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
    throw unreadable(path, error)
  }
}

/**
 * Entries looked at in one go. The calls that block cost a tenth of those that don't, and one file was asked for after
 * the other anyway; in between, answers of a store and signals get their turn.
 */
const atOnce = 128

async function scanFolder(root: string, folder: string, entries: CacheEntry[]): Promise<void> {
  const children = readFolder(join(root, folder))
  for (const [index, child] of children.entries()) {
    if (index % atOnce === 0) await othersTurn()
    const path = folder === '' ? child.name : `${folder}/${child.name}`
    if (path === '.nimctl') continue
    if (child.isDirectory()) await scanFolder(root, path, entries)
    else if (child.isSymbolicLink()) entries.push({ type: 'link', path, target: readlinkSync(`${root}/${path}`) })
    else if (child.isFile()) entries.push(readFileEntry(root, path))
    else
      throw new NimctlError('local', 'CACHE_SPECIAL_FILE', {
        what: `${join(root, path)} is neither a file, a directory nor a link.`,
      })
  }
  if (children.length === 0 && folder !== '') {
    const { mode } = statSync(join(root, folder))
    entries.push({ type: 'directory', path: folder, mode: mode & 0o777 })
  }
}

function readFolder(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch (error) {
    throw unreadable(path, error)
  }
}

function readFileEntry(root: string, path: string): CacheEntry {
  const { size, mode, mtimeMs, ino } = statSync(`${root}/${path}`)
  return {
    type: 'file',
    path,
    size,
    mode: mode & 0o777,
    modifiedMs: mtimeMs,
    inode: ino,
    ...claimedMd5(path),
  }
}

/** Links may lead to links; what leads outside, in circles or nowhere stays without `resolved`. */
export function resolveLinks(entries: readonly CacheEntry[]): void {
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
