import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'

import { checkBytes, checkParts, checkTotal } from '../../src/stores/checksum.ts'
import type { Capabilities, FinishedPart, OpenUpload, Store, StoredObject } from '../../src/stores/store.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { crc32c } from '../../src/system/hash.ts'
import { compareUtf8 } from '../../src/system/utf8-order.ts'

const mebibyte = 2 ** 20

/** Listings have ETags, as those of S3: an MD5 of what was put or copied, something else of what went in parts. */
const s3Like: Capabilities = {
  serverCopy: true,
  parallelParts: true,
  minPart: mebibyte,
  maxPart: 8 * mebibyte,
  maxParts: 10_000,
  maxPut: 8 * mebibyte,
  listingProof: 'etag',
  statProof: 'full-checksum',
  conditionalPut: true,
  sortedListing: true,
}

export interface MemoryStore extends Store {
  readonly objects: Map<string, { bytes: Buffer; etag: string }>
  /** As another tool would. */
  place(key: string, bytes: Buffer): void
}

interface MemoryUpload {
  key: string
  partSize: number
  parts: Map<number, { bytes: Buffer; part: FinishedPart }>
}

/** Keeps the promises of the port, and nothing after the process. */
export function openMemoryStore(different: Partial<Capabilities> = {}, pageSize = 7): MemoryStore {
  const capabilities = { ...s3Like, ...different }
  const objects: MemoryStore['objects'] = new Map()
  const uploads = new Map<string, MemoryUpload>()
  const hasChecksums = capabilities.statProof === 'full-checksum'
  const hasEtags = capabilities.listingProof !== 'size'

  const describe = (key: string, { checksum }: { checksum: boolean }): StoredObject => {
    const { bytes, etag } = existing(key)
    return {
      key,
      size: bytes.length,
      ...(hasEtags && { etag }),
      ...(checksum && hasChecksums && { crc32c: crc32c(bytes) }),
    }
  }
  const existing = (key: string) => {
    const found = objects.get(key)
    if (found !== undefined) return found
    throw new NimctlError('not-found', 'OBJECT_NOT_FOUND', { what: `There is no object ${key}.` })
  }
  const keep = (key: string, bytes: Buffer, etag = createHash('md5').update(bytes).digest('hex')) => {
    objects.set(key, { bytes, etag })
    return describe(key, { checksum: true })
  }
  return {
    url: new URL('s3://memory/'),
    capabilities,
    objects,
    place: keep,
    async list(prefix, cursor, { signal }) {
      signal.throwIfAborted()
      const keys = [...objects.keys()].filter(key => key.startsWith(prefix)).toSorted(compareUtf8)
      const from = cursor === undefined ? 0 : keys.findIndex(key => compareUtf8(key, cursor) > 0)
      const page = from < 0 ? [] : keys.slice(from, from + pageSize)
      const last = page.at(-1)
      const more = last !== undefined && last !== keys.at(-1)
      return { objects: page.map(key => describe(key, { checksum: false })), ...(more && { cursor: last }) }
    },
    stat: async key => (objects.has(key) ? describe(key, { checksum: true }) : undefined),
    async put(key, bytes, sums, { signal }) {
      signal.throwIfAborted()
      checkBytes(bytes, sums, key)
      return keep(key, Buffer.from(bytes))
    },
    async openUpload(key, { size, partSize, resume }) {
      const known = resume === undefined ? undefined : uploads.get(resume.id)
      const id = known === undefined ? randomUUID() : (resume?.id ?? '')
      const upload = known ?? { key, partSize, parts: new Map() }
      uploads.set(id, upload)
      return {
        saved: { key, id, partSize: upload.partSize },
        partSize: upload.partSize,
        finished: [...upload.parts.values()].map(({ part }) => part),
        async putPart(number, bytes, sums) {
          checkBytes(bytes, sums, key)
          const part = { number, size: bytes.length, crc32c: sums.crc32c, etag: `${sums.crc32c}` }
          upload.parts.set(number, { bytes: Buffer.from(bytes), part })
          return part
        },
        async complete(sums, parts) {
          checkParts(parts, { size, partSize: upload.partSize, name: key })
          checkTotal(parts, sums, key)
          uploads.delete(id)
          const bytes = parts.map(({ number }) => upload.parts.get(number)?.bytes ?? Buffer.alloc(0))
          return keep(key, Buffer.concat(bytes), `${randomUUID()}-${parts.length}`)
        },
        abort: async () => void uploads.delete(id),
      }
    },
    async *listUploads(prefix) {
      for (const [id, { key, parts }] of uploads) {
        const partSize = Math.max(0, ...[...parts.values()].map(({ part }) => part.size))
        if (key.startsWith(prefix)) yield { key, id, partSize, startedMs: 0 } satisfies OpenUpload
      }
    },
    abortUpload: async ({ id }) => void uploads.delete(id),
    copy: async (from, to) => keep(to, existing(from).bytes),
    async read(key, range) {
      const { bytes } = existing(key)
      return Readable.from([range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)])
    },
    remove: async key => void objects.delete(key),
    close() {},
  }
}
