import { isUtf8 } from 'node:buffer'
import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode, NimctlError } from '../../system/errors.ts'
import { compareUtf8 } from '../../system/utf8-order.ts'
import type { Page, StoredObject } from '../store.ts'
import { translated } from './errors.ts'
import { incompleteFolder, staysInside, type Paths } from './paths.ts'

/** As S3's pages. Memory is bounded by this and by the entries of the largest directory on the way down. */
const pageSize = 1000

type ListPage = (prefix: string, cursor: string | undefined, options: { signal: AbortSignal }) => Promise<Page>

/**
 * The cursor is the last key of the page before, so that any page can be asked for again. The walk that a page ended
 * in is kept, so that the next page goes on there instead of reading the directories anew.
 */
export function openListing(paths: Paths): ListPage {
  let left: { prefix: string; cursor: string; walk: AsyncGenerator<string> } | undefined

  return async (prefix, cursor, { signal }) => {
    const goesOn = left !== undefined && left.prefix === prefix && left.cursor === cursor
    const walk = goesOn && left !== undefined ? left.walk : walkKeys(paths.root, '', { prefix, after: cursor ?? '' })
    left = undefined
    const keys: string[] = []
    while (keys.length < pageSize) {
      signal.throwIfAborted()
      const next = await walk.next()
      if (next.done === true) return { objects: await describe(paths, keys) }
      keys.push(next.value)
    }
    const last = keys.at(-1) ?? ''
    left = { prefix, cursor: last, walk }
    return { objects: await describe(paths, keys), cursor: last }
  }
}

/** What lies at the key: `undefined` for directories, and for links that lead nowhere, to a directory or outside. */
export async function describeFile(paths: Paths, key: string, path: string): Promise<StoredObject | undefined> {
  try {
    const entry = await lstat(path)
    if (entry.isFile()) return { key, size: entry.size }
    if (!entry.isSymbolicLink() || !(await staysInside(paths.root, path))) return undefined
    const target = await stat(path)
    return target.isFile() ? { key, size: target.size } : undefined
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined
    throw error
  }
}

async function describe(paths: Paths, keys: readonly string[]): Promise<StoredObject[]> {
  const found = await Promise.all(
    keys.map(key => {
      const path = join(paths.root, key)
      return translated('read', path, () => describeFile(paths, key, path))
    }),
  )
  return found.filter(object => object !== undefined)
}

interface Wanted {
  prefix: string
  /** Only keys behind this one. */
  after: string
}

/** Keys of files and links below a folder in UTF-8 order: a folder sorts by its name with `/` behind it. */
async function* walkKeys(root: string, folder: string, wanted: Wanted): AsyncGenerator<string> {
  for (const { name, isFolder } of await sortedEntries(join(root, folder))) {
    const key = folder + name
    if (key === `${incompleteFolder}/`) continue
    if (isFolder) {
      if (mayHold(key, wanted)) yield* walkKeys(root, key, wanted)
    } else if (key.startsWith(wanted.prefix) && compareUtf8(key, wanted.after) > 0) yield key
  }
}

/** @param folder with `/` behind it. */
function mayHold(folder: string, { prefix, after }: Wanted): boolean {
  const below = folder.startsWith(prefix) || prefix.startsWith(folder)
  return below && (after.startsWith(folder) || compareUtf8(folder, after) > 0)
}

async function sortedEntries(path: string): Promise<{ name: string; isFolder: boolean }[]> {
  const entries = await translated('read', path, () => readEntries(path))
  return entries
    .map(entry => (entry.isDirectory() ? Buffer.concat([entry.name, slash]) : entry.name))
    .toSorted((a, b) => a.compare(b))
    .map(name => {
      if (!isUtf8(name)) throw nameNotUtf8(path, name)
      return { name: name.toString(), isFolder: name.at(-1) === slash[0] }
    })
}

const slash = Buffer.from('/')

async function readEntries(path: string) {
  try {
    const entries = await readdir(path, { withFileTypes: true, encoding: 'buffer' })
    return entries.filter(entry => entry.isFile() || entry.isDirectory() || entry.isSymbolicLink())
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

function nameNotUtf8(path: string, name: Buffer): NimctlError {
  return new NimctlError('local', 'NAME_NOT_UTF8', {
    what: `A name in ${path} is not UTF-8: ${JSON.stringify(name.toString('latin1'))}.`,
    next: 'Rename it: keys of a store are UTF-8.',
  })
}
