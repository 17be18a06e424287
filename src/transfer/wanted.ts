import type { CacheEntry, CacheTree } from '../cache/cache-tree.ts'
import { parseSnapshotPath } from '../cache/snapshots.ts'
import type { Layout, Links } from '../inventory/inventory.ts'
import { NimctlError } from '../system/errors.ts'

type FileEntry = CacheEntry & { type: 'file' }

/** An object that should lie in the store. */
export interface WantedObject {
  key: string
  /** The entry of the tree that it stands for: a file, or a link. */
  path: string
  /** The file whose bytes it has. Several objects may have the same. */
  source: FileEntry
  /** The key that it is copied from on the server; absent: the bytes are sent. */
  copyFrom?: string
}

/**
 * Which objects a directory becomes in a store (design.md, Links and bytes). Pure.
 *
 * @throws NimctlError `local` / `LINK_BROKEN` for a link that leads nowhere or outside of the directory,
 *   `usage` / `LAYOUT_EMPTY` when layout `ngc` finds no snapshots.
 */
export function listWanted(tree: CacheTree, { layout, links }: { layout: Layout; links: Links }): WantedObject[] {
  const files = new Map(tree.entries.filter(entry => entry.type === 'file').map(file => [file.path, file]))
  if (layout === 'ngc') return listNgcObjects(tree, { files, copy: links === 'copy' })
  return tree.entries.flatMap(entry => {
    if (entry.type === 'file') return [{ key: entry.path, path: entry.path, source: entry }]
    if (entry.type === 'directory') return []
    const source = sourceOf(entry, { files, root: tree.root })
    if (links === 'record') return []
    return [{ key: entry.path, path: entry.path, source, ...(links === 'copy' && { copyFrom: source.path }) }]
  })
}

/** The file that a link stands for. */
export function sourceOf(
  link: CacheEntry & { type: 'link' },
  { files, root }: { files: ReadonlyMap<string, FileEntry>; root: string },
): FileEntry {
  const source = link.resolved === undefined ? undefined : files.get(link.resolved)
  if (source !== undefined) return source
  throw new NimctlError('local', 'LINK_BROKEN', {
    what: `The link ${root}/${link.path} leads to "${link.target}", which is no file inside ${root}.`,
    next: 'Run the command that filled the cache again; it fetches what is missing.',
  })
}

/**
 * The key that NIM_REPOSITORY_OVERRIDE asks for: the whole NGC address percent-encoded, one flat object a file
 * (reference/nim.md 5.1).
 */
export function ngcKey({ repository, version, file }: { repository: string; version: string; file: string }): string {
  return encodeURIComponent(`${repository}:${version}?file=${file}`)
}

function listNgcObjects(
  tree: CacheTree,
  { files, copy }: { files: ReadonlyMap<string, FileEntry>; copy: boolean },
): WantedObject[] {
  const firstKeys = new Map<string, string>()
  const wanted = tree.entries.flatMap((entry): WantedObject[] => {
    const snapshot = parseSnapshotPath(entry.path)
    if (snapshot === undefined || entry.type === 'directory') return []
    const key = ngcKey(snapshot)
    const source = entry.type === 'file' ? entry : sourceOf(entry, { files, root: tree.root })
    const first = firstKeys.get(source.path)
    if (first === undefined) firstKeys.set(source.path, key)
    return [{ key, path: entry.path, source, ...(copy && first !== undefined && { copyFrom: first }) }]
  })
  if (wanted.length > 0) return wanted
  throw new NimctlError('usage', 'LAYOUT_EMPTY', {
    what: `${tree.root} holds no ngc/hub/models--…/snapshots, so there is nothing to name by NGC addresses.`,
    next: 'Give the directory that download-to-cache filled, or use --layout plain.',
  })
}
