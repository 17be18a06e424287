/** One thing in a cache directory. `path` is relative to its root and `/`-separated. Nothing has been hashed. */
export type CacheEntry =
  | {
      type: 'file'
      path: string
      /** Bytes. */
      size: number
      mode: number
      /** Milliseconds since the epoch. */
      modifiedMs: number
      inode: number
      /** Lower-case hex: the MD5 that a blob's name claims; absent for multipart names. */
      claimedMd5?: string
    }
  | { type: 'link'; path: string; target: string; /** Path of the file that it leads to. */ resolved?: string }
  | { type: 'directory'; path: string; mode: number }

/** A directory as it is. `directory` entries are the empty ones. Sorted by the UTF-8 bytes of `path`. */
export interface CacheTree {
  root: string
  entries: CacheEntry[]
}

/** What `nimctl cache` leaves in `DIR/.nimctl/cache.json`, so that an upload knows what it carries. */
export interface CacheRecord {
  formatVersion: 1
  kind: 'CacheRecord'
  image: string
  imageDigest: string
  family: string
  manifestVersion?: 1 | 2
  profiles: { id: string; description?: string; model?: string; release?: string; tags: Record<string, string> }[]
}
