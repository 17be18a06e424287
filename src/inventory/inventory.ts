/** A profile as far as the other side needs it: to choose, to show, and to fill a NIMCache's status. */
export interface InventoryProfile {
  id: string
  description?: string
  /** As the NIM Operator reads them from the model manifest; absent in manifest version 2. */
  model?: string
  release?: string
  tags: Record<string, string>
}

export type Layout = 'cache' | 'ngc' | 'plain'
export type Links = 'copy' | 'follow' | 'record'

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
  /** The profiles that are in the cache, not all that the image offers. */
  profiles: InventoryProfile[]
  /** `org/team/model:version` of each snapshot. */
  models: string[]
  layout: Layout
  links: Links
  /** Entries of type `file` and `link`, and the bytes of the files alone (a linked blob counts once). */
  files: number
  bytes: number
}

/**
 * One line per file, link and empty folder, sorted by the UTF-8 bytes of `path`.
 * `key` is given where it differs from `path`; a link of `record` has none in the store.
 */
export type InventoryEntry =
  | {
      type: 'file'
      path: string
      key?: string
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

/** The key of the object that an entry stands for; `undefined` where none lies in the store. */
export function keyOf(entry: InventoryEntry, { links }: Pick<InventoryHeader, 'links'>): string | undefined {
  if (entry.type === 'directory' || (entry.type === 'link' && links === 'record')) return undefined
  return entry.key ?? entry.path
}

/** Where the inventory of layouts `cache` and `plain` lies under its prefix. */
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
