import type { CacheEntry, CacheRecord, CacheTree } from '../cache/cache-tree.ts'
import type { InventoryEntry, InventoryHeader, StoredArchive } from '../inventory/inventory.ts'
import type { Store } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import { resolveLink } from '../system/safe-path.ts'
import { describeKey, type PublishedInventory } from './marker.ts'
import { readRange } from './read-range.ts'
import type { FileEntry, OpenFile, Source } from './source.ts'

/**
 * What nimctl uploaded somewhere, as the source of another upload. The inventory says what is there and what it must
 * be: bytes that differ fail the run before anything is published.
 */
export function openStoreSource(store: Store, { inventory }: PublishedInventory, report: Report): Source {
  const files = new Map(
    inventory.entries.flatMap(entry => (entry.type === 'file' ? [[entry.path, entry] as const] : [])),
  )
  const sumOf = ({ path }: FileEntry) => Number.parseInt(files.get(path)?.crc32c ?? '', 16)
  const keyOf = ({ path }: FileEntry) => files.get(path)?.key ?? path
  const offsetOf = ({ path }: FileEntry) => files.get(path)?.offset ?? 0
  const read = (file: FileEntry, bytes: Uint8Array, { position, signal }: { position: number; signal: AbortSignal }) =>
    readRange(store, { key: keyOf(file), bytes, position: offsetOf(file) + position, signal, report })
  return {
    tree: treeOf(describeKey(store, ''), inventory.entries),
    // A file in an archive is no object.
    ...(inventory.header.archive === undefined && { origin: { store, keyOf } }),
    sumOf,
    noteSum(file, crc32c) {
      if (crc32c !== sumOf(file)) throw damaged(store, keyOf(file))
    },
    hash: async file => sumOf(file),
    open: async file => ({
      read: (bytes, position, { signal }) => read(file, bytes, { position, signal }),
      noteSent() {},
      checkUnchanged: async () => {},
      close: async () => {},
    }),
    readWhole: (file, bytes, { signal }) => read(file, bytes, { position: 0, signal }),
    identityOf: file => `${file.size} ${sumOf(file)} ${file.path}`,
    close: async () => {},
  }
}

/** The archive that nimctl uploaded somewhere, as it is. */
export function openStoreArchive(
  store: Store,
  { published, archive, report }: { published: PublishedInventory; archive: StoredArchive; report: Report },
): Source {
  const { key, size, crc32c: hex } = archive
  const content = openStoreSource(store, published, report)
  const files = content.tree.entries.filter(entry => entry.type === 'file')
  const offsets = new Map(
    published.inventory.entries.flatMap(entry => (entry.type === 'file' ? [[entry.path, entry.offset ?? 0]] : [])),
  )
  const sum = Number.parseInt(hex, 16)
  const read: OpenFile['read'] = (bytes, position, { signal }) =>
    readRange(store, { key, bytes, position, signal, report })
  return {
    ...content,
    origin: { store, keyOf: () => key },
    archive: {
      file: { type: 'file', path: key, size, mode: 0o644, modifiedMs: 0, inode: 0 },
      offsetOf: path => offsets.get(path) ?? 0,
      readSums: async () => new Map(files.map(file => [file.path, content.sumOf(file) ?? 0])),
    },
    sumOf: () => sum,
    noteSum(_archive, crc32c) {
      if (crc32c !== sum) throw damaged(store, key)
    },
    hash: async () => sum,
    open: async () => ({ read, noteSent() {}, checkUnchanged: async () => {}, close: async () => {} }),
    readWhole: (_archive, bytes, options) => read(bytes, 0, options),
    identityOf: () => `${size} ${sum} ${key}`,
  }
}

/** Which image it is of, as the inventory says. */
export function recordOf(header: InventoryHeader): CacheRecord | undefined {
  const { image, imageDigest, family, manifestVersion, form, sources, profiles } = header
  if (image === undefined || imageDigest === undefined || family === undefined) return undefined
  const known = { image, imageDigest, family, profiles }
  return {
    formatVersion: 1,
    kind: 'CacheRecord',
    ...known,
    ...(manifestVersion !== undefined && { manifestVersion }),
    ...(form !== undefined && { form }),
    ...(sources !== undefined && { sources }),
  }
}

function treeOf(root: string, entries: readonly InventoryEntry[]): CacheTree {
  const paths = new Set(entries.flatMap(entry => (entry.type === 'file' ? [entry.path] : [])))
  return {
    root,
    entries: entries.map((entry): CacheEntry => {
      const { path } = entry
      if (entry.type === 'directory') return entry
      if (entry.type === 'file')
        return { type: 'file', path, size: entry.size, mode: entry.mode, modifiedMs: 0, inode: 0 }
      const resolved = resolveLink(path, entry.target)
      const leadsToFile = resolved !== undefined && paths.has(resolved)
      return { type: 'link', path, target: entry.target, ...(leadsToFile && { resolved }) }
    }),
  }
}

function damaged(store: Store, key: string): NimctlError {
  return new NimctlError('check-failed', 'SOURCE_DAMAGED', {
    what: `${describeKey(store, key)} is not what was uploaded.`,
    why: "Its CRC32C differs from the inventory's.",
    next: 'Check the source with: nimctl validate store URL --deep',
  })
}
