import { buffer } from 'node:stream/consumers'

import type { FinishedPart, Store, StoredObject, Sums, Upload } from '../../src/stores/store.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { crc32c } from '../../src/system/hash.ts'

export const never = { signal: new AbortController().signal }

/** Keys that have broken stores, proxies and tools. */
export const nastyKeys = [
  ' leading and trailing ',
  '#hash',
  '%2F not a slash',
  '+plus',
  '.dot/.dot',
  '?question=mark&and',
  'a-b',
  'a/b',
  'a.b',
  'ab/c d/e',
  'back\\slash',
  'deep/' + 'x/'.repeat(30) + 'leaf',
  'emoji-\u{1F600}',
  'high-\uFFFD',
  'line\nbreak',
  'quote"\'',
  'tab\there',
  'umlaut-ü',
  'umlaut-u\u0308',
  '~tilde=[braces]{}<xml>&amp;',
]

export async function statStored(store: Store, key: string): Promise<StoredObject> {
  const object = await store.stat(key, never)
  if (object === undefined) throw new Error(`There is no ${key}.`)
  return object
}

export function inUtf8Order(keys: readonly string[]): string[] {
  return keys.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)))
}

export async function putText(store: Store, key: string, text: string): Promise<StoredObject> {
  const bytes = Buffer.from(text)
  return await store.put(key, bytes, sumsOf(bytes), never)
}

export async function readText(store: Store, key: string, range?: { start: number; end: number }): Promise<string> {
  return (await buffer(await store.read(key, range, never))).toString()
}

export async function listKeys(store: Store, prefix = ''): Promise<string[]> {
  return (await listAll(store, prefix)).map(({ key }) => key)
}

export async function listAll(store: Store, prefix = ''): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  let cursor: string | undefined
  do {
    const page = await store.list(prefix, cursor, never)
    objects.push(...page.objects)
    cursor = page.cursor
  } while (cursor !== undefined)
  return objects
}

export function sumsOf(bytes: Uint8Array): Sums {
  return { crc32c: crc32c(bytes) }
}

/** What a stat has to say of these bytes. */
export function provedSum(store: Store, bytes: Uint8Array): number | undefined {
  return store.capabilities.statProof === 'full-checksum' ? crc32c(bytes) : undefined
}

export function wrongSumsOf(bytes: Uint8Array): Sums {
  return { crc32c: (crc32c(bytes) ^ 1) >>> 0 }
}

/**
 * What a call with a wrong checksum fails with. It is tried again and again, and where one of five requests fails, the
 * last one may have been such: then all is done once more, often enough that chance does not matter.
 */
export async function refusalOf(call: () => Promise<unknown>): Promise<unknown> {
  let refused: unknown
  for (let round = 0; round < 8; round += 1) {
    refused = await refusal(call)
    if (refused instanceof NimctlError && refused.code === 'CHECKSUM_MISMATCH') break
  }
  return refused
}

async function refusal(call: () => Promise<unknown>): Promise<unknown> {
  return await call().then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** Three parts, the last one smaller: as small as the store allows. */
export function threeParts(store: Store): { whole: Buffer; partSize: number; parts: Buffer[] } {
  const partSize = Math.max(store.capabilities.minPart, 64 * 1024)
  const whole = someBytes(2 * partSize + 1000)
  return { whole, partSize, parts: [0, 1, 2].map(index => whole.subarray(index * partSize, (index + 1) * partSize)) }
}

/** Sends them in this order, all at once. */
export async function putParts(upload: Upload, parts: readonly Buffer[], order: number[]): Promise<FinishedPart[]> {
  const finished = await Promise.all(order.map(number => putPart(upload, parts, number)))
  return finished.toSorted((a, b) => a.number - b.number)
}

/** Sends them as the store takes them: in this order and all at once, or one after the other from the first. */
export async function sendParts(
  store: Store,
  upload: Upload,
  { parts, order }: { parts: readonly Buffer[]; order: number[] },
): Promise<FinishedPart[]> {
  if (store.capabilities.parallelParts) return await putParts(upload, parts, order)
  const finished: FinishedPart[] = []
  for (const number of order.toSorted((a, b) => a - b)) finished.push(await putPart(upload, parts, number))
  return finished
}

/** What an upload has when it is left: parts with a gap, where the store takes such. */
export function partsOnTheWay(store: Store): { sent: number[]; rest: number[] } {
  return store.capabilities.parallelParts ? { sent: [3, 1], rest: [2] } : { sent: [1, 2], rest: [3] }
}

async function putPart(upload: Upload, parts: readonly Buffer[], number: number): Promise<FinishedPart> {
  const bytes = parts[number - 1]
  if (bytes === undefined) throw new RangeError(`no part ${number}`)
  return await upload.putPart(number, bytes, sumsOf(bytes), never)
}

export async function putMultipart(store: Store, key: string): Promise<{ whole: Buffer; stored: StoredObject }> {
  const { whole, partSize, parts } = threeParts(store)
  const upload = await store.openUpload(key, { size: whole.length, partSize, ...never })
  const finished = await sendParts(store, upload, { parts, order: [1, 2, 3] })
  return { whole, stored: await upload.complete(sumsOf(whole), finished, never) }
}

export async function sameBytes(store: Store, key: string, expected: Buffer): Promise<boolean> {
  return expected.equals(await buffer(await store.read(key, undefined, never)))
}

/** Not periodic, so that parts in a wrong place show. */
function someBytes(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let index = 0, state = 1; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}
