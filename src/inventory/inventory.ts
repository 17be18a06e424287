import type { CacheForm } from '../cache/cache-tree.ts'

/** A profile as far as the other side needs it: to choose, to show, and to fill a NIMCache's status. */
export interface InventoryProfile {
  id: string
  description?: string
  /** As the NIM Operator reads them from the model manifest; absent in manifest version 2. */
  model?: string
  release?: string
  tags: Record<string, string>
}

export type Layout = 'cache' | 'ngc' | 'tar' | 'plain'
export type Links = 'copy' | 'follow' | 'record'

/** The one object of layout `tar`. */
export interface StoredArchive {
  key: string
  /** Bytes. */
  size: number
  /** 8 hex digits. */
  crc32c: string
  /** Bytes of each part where it was sent in parts. */
  partSize?: number
}

/** The first line of an inventory: what the prefix holds. */
export interface InventoryHeader {
  formatVersion: 1
  kind: 'Inventory'
  /** `nimctl/<version>`. */
  tool: string
  image?: string
  imageDigest?: string
  family?: string
  /** The model manifest's schema, which decides the form of what `emit` hands to the operator. */
  manifestVersion?: 1 | 2
  /** How the directory is laid out; absent: a hub tree of NGC. */
  form?: CacheForm
  /** Of the forms without profiles: which models, by endpoint, address or name. */
  sources?: string[]
  /** The profiles that are in the cache, not all that the image offers. */
  profiles: InventoryProfile[]
  /** `org/team/model:version` of each snapshot. */
  models: string[]
  layout: Layout
  links: Links
  /** Layout `tar`: all files lie in it. */
  archive?: StoredArchive
  /** Entries of type `file` and `link`, and the bytes of the files alone (a linked blob counts once). */
  files: number
  bytes: number
}

/**
 * One line per file, link and empty folder, sorted by the UTF-8 bytes of `path`.
 * `key` is given where it differs from `path`; a link of `record` has none in the store. In layout `tar` every file has
 * the archive's key, and links and empty folders lie in the archive.
 */
export type InventoryEntry =
  | {
      type: 'file'
      path: string
      key?: string
      /** Layout `tar`: where its bytes begin in the object. */
      offset?: number
      /** Bytes. */
      size: number
      /** Permission bits, such as 0o644. */
      mode: number
      /** 8 hex digits. */
      crc32c: string
      md5?: string
      blake3?: string
      /** Bytes of each part where the object was sent in parts: what its ETag is made of. */
      partSize?: number
    }
  | { type: 'link'; path: string; key?: string; target: string; size: number; crc32c: string }
  | { type: 'directory'; path: string; mode: number }

export interface Inventory {
  header: InventoryHeader
  entries: InventoryEntry[]
}

export type StoredEntry = Exclude<InventoryEntry, { type: 'directory' }>

/**
 * The key of the object that an entry stands for; `undefined` where none lies in the store: of a folder, of a link that
 * is only recorded, and of a file within an archive.
 */
export function keyOf(entry: InventoryEntry, { links }: Pick<InventoryHeader, 'links'>): string | undefined {
  if (entry.type === 'directory' || (entry.type === 'link' && links === 'record')) return undefined
  return entry.type === 'file' && entry.offset !== undefined ? undefined : (entry.key ?? entry.path)
}

/** The archive of layout `tar` as an entry, before those that it holds. */
export function archiveEntry({ archive }: InventoryHeader): StoredEntry[] {
  return archive === undefined ? [] : [{ type: 'file', path: archive.key, mode: 0o644, ...archive }]
}

/** The entries that objects stand for. */
export function listStoredEntries({ header, entries }: Inventory): StoredEntry[] {
  return [...archiveEntry(header), ...entries]
    .filter(entry => entry.type !== 'directory')
    .filter(entry => keyOf(entry, header) !== undefined)
}

/** The archive of layout `tar` under its prefix. KServe takes a URL that ends so (reference/nim.md 6.4). */
export const archiveKey = 'cache.tar'

/** Where the inventory of layouts `cache`, `tar` and `plain` lies under its prefix. */
export const inventoryKey = '.nimctl/inventory.jsonl'

/** Everything of ours lies below it; it is never content. */
export const ownFolder = '.nimctl/'

/**
 * Layout `ngc` shares a bucket's root between images, so each has an inventory of its own.
 *
 * @param image an image reference; the last component of its repository is used.
 * @param imageDigest `sha256:…`.
 */
export function ngcInventoryKey(image: string, imageDigest: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1).replace(/[:@].*$/, '')
  return `${ownFolder}${name}@${imageDigest.replace('sha256:', '').slice(0, 12)}.jsonl`
}
