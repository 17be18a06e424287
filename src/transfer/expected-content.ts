import { createHash } from 'node:crypto'

import type { Store, StoredObject } from '../stores/store.ts'
import type { CheckMethod } from '../system/check.ts'
import { crc32c, crc32cToHex } from '../system/hash.ts'
import type { Report } from '../system/progress.ts'
import { readThrough } from './read-range.ts'

/** What an object should hold, as far as anybody says it. */
export interface ExpectedContent {
  kind: 'blob' | 'link' | 'file'
  /** Bytes. */
  size?: number
  /** 8 hex digits. */
  crc32c?: string
  /** Lower-case hex. */
  md5?: string
  /** What a store said of the very content: an object of the same size that has it too holds the same. */
  etag?: string
  /** A file on this machine that holds it. */
  source?: string
}

/** Checksums of files on this machine, in hex; each is read once at most. */
export interface SourceSums {
  crc32c(source: string): Promise<string>
  md5(source: string): Promise<string>
}

/** What was compared, in the same words on both sides. */
export interface Evidence {
  method: CheckMethod
  expected: string
  found: string
}

interface Asked {
  store: Store
  expected: ExpectedContent
  object: StoredObject
  sums: SourceSums | undefined
  signal: AbortSignal
}

/** Whether reading the object would prove anything. */
export function isReadable({ crc32c: sum, md5, source }: ExpectedContent): boolean {
  return sum !== undefined || md5 !== undefined || source !== undefined
}

/** What the store itself says of a content; `undefined` where that proves nothing, for or against. */
export async function askStore(asked: Asked): Promise<Evidence | undefined> {
  return (await byCrc32c(asked)) ?? (await byMd5(asked)) ?? byEtag(asked)
}

async function byCrc32c(asked: Asked): Promise<Evidence | undefined> {
  const { store, object, signal } = asked
  const sum = object.crc32c ?? object.notedCrc32c
  if (sum === undefined && store.capabilities.statProof !== 'full-checksum') return undefined
  const wanted = await crc32cOf(asked)
  if (wanted === undefined) return undefined
  const expected = `crc32c ${wanted}`
  if (sum !== undefined) return { method: 'listing-checksum', expected, found: `crc32c ${crc32cToHex(sum)}` }
  const stat = await store.stat(object.key, { signal })
  if (stat?.crc32c === undefined) return undefined
  return { method: 'stat-checksum', expected, found: `crc32c ${crc32cToHex(stat.crc32c)}` }
}

const md5Form = /^[0-9a-f]{32}$/

/** An ETag that is the MD5 proves it; one that is another may be none at all, and the store is asked. */
async function byMd5(asked: Asked): Promise<Evidence | undefined> {
  const { store, object, signal } = asked
  const claimed = object.md5 ?? object.etag ?? ''
  if (!md5Form.test(claimed)) return undefined
  const wanted = await md5Of(asked)
  if (wanted === undefined) return undefined
  const method = object.md5 === undefined ? 'etag' : 'listing-checksum'
  const found = claimed === wanted ? claimed : (object.md5 ?? (await store.stat(object.key, { signal }))?.md5)
  return found === undefined ? undefined : { method, expected: `md5 ${wanted}`, found: `md5 ${found}` }
}

function byEtag({ expected: { etag }, object }: Asked): Evidence | undefined {
  if (etag === undefined || etag !== object.etag) return undefined
  return { method: 'etag', expected: `etag ${etag}`, found: `etag ${etag}` }
}

async function crc32cOf({ expected, sums }: Pick<Asked, 'expected' | 'sums'>): Promise<string | undefined> {
  return expected.crc32c ?? (expected.source === undefined ? undefined : await sums?.crc32c(expected.source))
}

async function md5Of({ expected, sums }: Pick<Asked, 'expected' | 'sums'>): Promise<string | undefined> {
  return expected.md5 ?? (expected.source === undefined ? undefined : await sums?.md5(expected.source))
}

/** Reads an object to its end and keeps nothing of it. */
export async function readContent(
  asked: Asked & { report: Report; onRead: (bytes: number) => void },
): Promise<Evidence | undefined> {
  const { store, object, signal, report, onRead } = asked
  const wanted = await crc32cOf(asked)
  const md5 = wanted === undefined ? await md5Of(asked) : undefined
  if (wanted === undefined && md5 === undefined) return undefined
  const hash = md5 === undefined ? undefined : createHash('md5')
  let sum = 0
  const take = (chunk: Uint8Array) => {
    if (hash === undefined) sum = crc32c(chunk, sum)
    else hash.update(chunk)
  }
  await readThrough(store, { key: object.key, position: 0, length: object.size, take, signal, report })
  onRead(object.size)
  if (hash === undefined)
    return { method: 'content', expected: `crc32c ${wanted}`, found: `crc32c ${crc32cToHex(sum)}` }
  return { method: 'content', expected: `md5 ${md5}`, found: `md5 ${hash.digest('hex')}` }
}
