import type { Readable } from 'node:stream'

/** Checksums of the same bytes. CRC32C is always there; the others where somebody asked for them or knew them. */
export interface Sums {
  /** CRC32C (Castagnoli) as an unsigned 32-bit number. */
  crc32c: number
  /** MD5, 16 bytes. */
  md5?: Uint8Array
  /** BLAKE3, 32 bytes. */
  blake3?: Uint8Array
}

/**
 * What a listing, a stat or a finished upload says of one object. Checksums are those that the store itself computed.
 * `put` and `complete` give what the server answered: a `crc32c` there says that the server computed it over what it
 * stored. As long as a listing shows the ETag of that answer, nobody has replaced the object, so the checksum still
 * holds and needs no request of its own.
 */
export interface StoredObject {
  key: string
  /** Bytes. */
  size: number
  /** CRC32C over the whole object. */
  crc32c?: number
  /** Lower-case hex MD5 over the whole object, where the store has one. */
  md5?: string
  /**
   * CRC32C that nimctl noted beside the object once the store had checked all that it consists of. It tells which
   * content it is, and proves nothing by itself.
   */
  notedCrc32c?: number
  /** As the store gives it, without quotes: an MD5 for small S3 objects, `<hex>-<parts>` for multipart ones. */
  etag?: string
  /** As a web server names it when it is asked for the file; other stores don't say. */
  contentType?: string
  /** The storage class, as the store calls it, where the object must be restored before anybody can read it. */
  archived?: string
}

/** How well a stored object's content can be proved, best first (design.md, Transfer). */
export type Proof = 'full-checksum' | 'parts' | 'etag' | 'size'

export interface Capabilities {
  /** Objects can be copied inside the store, without passing through this machine. */
  serverCopy: boolean
  /** Parts of one upload may be sent in any order and beside each other. */
  parallelParts: boolean
  /** What a part may measure, in bytes, and how many there may be. `minPart` does not bind the last part. */
  minPart: number
  maxPart: number
  maxParts: number
  /** Uploads that may be open beside each other, where each keeps its connection. Absent: any number. */
  maxOpenUploads?: number
  /** The largest object that `put` takes, in bytes. */
  maxPut: number
  /** What a listing alone proves, and what a stat proves. */
  listingProof: Proof
  statProof: Proof
  /** `put` with `ifAbsent` is atomic across hosts. */
  conditionalPut: boolean
  /**
   * `put` and `complete` note MD5 and BLAKE3 of the whole object beside it: they are worth computing. Absent: they are
   * not.
   */
  notesDigests?: boolean
  /** Listings come in the UTF-8 order of keys. Not so in S3 Express, and SeaweedFS sorts each folder by itself. */
  sortedListing: boolean
  /**
   * What a listing lacks: `none` means that `list` fails, `no-dot-names` that names and folders which begin with a dot
   * are missing, but for those of `.nimctl/`. Whoever knows such keys asks for each by `stat`. Absent: nothing.
   */
  listing?: 'none' | 'no-dot-names'
}

export interface Page {
  objects: StoredObject[]
  /** Give it to the next call; absent on the last page. */
  cursor?: string
}

/** Plain data that outlives the process. The store is asked what of it is still true. */
export interface SavedUpload {
  key: string
  id: string
  /** Bytes. */
  partSize: number
}

/** An upload that was begun and neither completed nor aborted. */
export interface OpenUpload extends SavedUpload {
  /** The largest part that arrived, as all but the last are of one size; 0 when none did. */
  partSize: number
  /** When it was begun, in milliseconds since 1970, by the store's clock. */
  startedMs: number
}

export interface FinishedPart {
  /** From 1. */
  number: number
  size: number
  crc32c: number
  etag?: string
  /** What `complete` has to know of the part and the store can't tell: it is kept with the part, across processes. */
  note?: string
}

/** An object of another store of the same service, as its `stat` described it. */
export interface ForeignObject {
  store: Pick<Store, 'url'>
  object: StoredObject
}

export interface ReadOptions {
  /** The ETag that the object must still have. Stores that give no ETags take no notice of it. */
  ifMatch?: string
  signal: AbortSignal
}

/** A part of an upload that goes on, as the store tells it. Some stores list no checksums; then the ETag proves it. */
export interface FoundPart {
  number: number
  size: number
  crc32c?: number
  etag?: string
}

/** One object on its way, part by part. */
export interface Upload {
  readonly saved: SavedUpload
  /** Bytes of every part but the last. */
  readonly partSize: number
  /** What the store has of a resumed upload. */
  readonly finished: readonly FoundPart[]
  /** The store checks the part's checksum. The bytes may be reused when the promise settles. */
  putPart(number: number, bytes: Uint8Array, sums: Sums, options: { signal: AbortSignal }): Promise<FinishedPart>
  /**
   * Makes the object visible, whole. An answer that got lost on the way is decided by asking for the object.
   *
   * @param sums of the whole object; stores that can, compare them.
   * @param parts all of them, in order.
   */
  complete(sums: Sums, parts: readonly FinishedPart[], options: { signal: AbortSignal }): Promise<StoredObject>
  /** Succeeds when the upload is already gone. */
  abort(): Promise<void>
}

/**
 * An object store, as far as nimctl needs one. It stops at the part: what is retried, counted and shared between
 * destinations is one request. Adapters translate the store's own errors into NimctlError and retry nothing.
 * Keys are relative to the URL's prefix, `/`-separated, never beginning with `/`.
 */
export interface Store {
  readonly url: URL
  readonly capabilities: Capabilities

  /**
   * A page of objects whose key begins with `prefix`, each once, in the order that `sortedListing` tells; none where
   * nothing lies there.
   */
  list(prefix: string, cursor: string | undefined, options: { signal: AbortSignal }): Promise<Page>
  /** With the checksum that the store computed; `undefined` when there is no such object. */
  stat(key: string, options: { signal: AbortSignal }): Promise<StoredObject | undefined>
  /**
   * Replaces an existing object; visible only when complete.
   *
   * @throws NimctlError `check-failed` / `STORE_KEY_EXISTS` with `ifAbsent` when the key is taken.
   */
  put(
    key: string,
    bytes: Uint8Array,
    sums: Sums,
    options: { ifAbsent?: boolean; signal: AbortSignal },
  ): Promise<StoredObject>
  /** @param options.resume when the store no longer has it, a new upload is begun: with another id and nothing finished. */
  openUpload(
    key: string,
    options: { size: number; partSize: number; resume?: SavedUpload; signal: AbortSignal },
  ): Promise<Upload>
  /**
   * What was left behind by uploads whose key begins with `prefix`, whoever began them: to be resumed or aborted. Absent
   * where a store can't tell.
   */
  readonly listUploads?: (prefix: string, options: { signal: AbortSignal }) => AsyncIterable<OpenUpload>
  /** Removes what has arrived of an upload, without resuming it. Succeeds when it is already gone. */
  readonly abortUpload?: (saved: SavedUpload, options: { signal: AbortSignal }) => Promise<void>
  /** Copies an object inside the store, of any size. Only where `serverCopy`. */
  copy(from: string, to: string, options: { signal: AbortSignal }): Promise<StoredObject>
  /** Stores with the same text are one service for the same credentials: `copyFrom` may go from one to the other. */
  readonly service?: string
  /**
   * Copies an object of another store of the same service, of any size, while it still has its ETag. Whether the server
   * permits it, the first one shows. Only with `service`.
   *
   * @throws NimctlError `check-failed` / `OBJECT_CHANGED` when the original no longer has its ETag.
   */
  readonly copyFrom?: (from: ForeignObject, to: string, options: { signal: AbortSignal }) => Promise<StoredObject>
  /**
   * @param range bytes, both ends included; absent: the whole object.
   * @throws NimctlError `not-found` when there is no such object; `check-failed` / `OBJECT_CHANGED` when it no longer
   *   has the ETag of `ifMatch`.
   */
  read(key: string, range: { start: number; end: number } | undefined, options: ReadOptions): Promise<Readable>
  /** Succeeds when the object is already gone. */
  remove(key: string, options: { signal: AbortSignal }): Promise<void>
  /**
   * When an object was deleted whose earlier version is still kept, in the store's words; `undefined` where none is, or
   * where nobody may know. Absent where a store keeps no versions.
   */
  readonly deletedAt?: (key: string, options: { signal: AbortSignal }) => Promise<string | undefined>
  /**
   * Who asks, as the other side knows him: an access key's id, an account. Never a secret. `undefined` for nobody. What
   * it takes is there once a request was made; nothing is asked of the server for it.
   */
  readonly identity?: () => Promise<string | undefined>
  /** Ends connections. */
  close(): void
}
