import type { CheckStatus } from '../system/check.ts'

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

/**
 * How a directory is laid out: `hub` is NGC's tree of blobs and snapshots; `flat` one profile as plain files; `native`
 * a folder of plain files for each model; `endpoint` one model as plain files; `uri` the tree of another hub.
 */
export type CacheForm = 'hub' | 'flat' | 'native' | 'endpoint' | 'uri'

/** What `nimctl cache` leaves in `DIR/.nimctl/cache.json`, so that an upload knows what it carries. */
export interface CacheRecord {
  formatVersion: 1
  kind: 'CacheRecord'
  image: string
  imageDigest: string
  family: string
  manifestVersion?: 1 | 2
  profiles: { id: string; description?: string; model?: string; release?: string; tags: Record<string, string> }[]
  /** Absent: `hub`. */
  form?: CacheForm
  /** Of the forms without profiles: the endpoint, the address, or the names of the models that were asked for. */
  sources?: string[]
  /** Who wrote this, such as `nimctl/1.2.0`. */
  tool?: string
  /** What was looked at after the download, and how it came out. */
  checks?: { name: string; status: CheckStatus }[]
}
