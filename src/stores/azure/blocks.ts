import type { Block as SdkBlock } from '@azure/storage-blob'

import { NimctlError } from '../../system/errors.ts'
import { crc32c, crc32cToHex } from '../../system/hash.ts'
import type { Sums } from '../store.ts'
import { fullKey } from './location.ts'
import { checkedMd5 } from './objects.ts'
import type { Session } from './session.ts'

/**
 * The service knows no uploads, only the blocks that lie under a name, each with an id of the sender's choice. Ours say
 * which upload and part they belong to and which CRC32C they have: a block is there only once its MD5 was checked.
 * All ids under a name have to be of one length:
 * https://learn.microsoft.com/rest/api/storageservices/put-block
 */
export interface Block {
  uploadId: string
  /** Parts count from 1; `beginMark` and `endMark` hold a byte that means nothing. */
  number: number
  crc32c: number
  /** Bytes. */
  size: number
}

/** With it an upload can be seen before its first part has arrived. */
export const beginMark = 0

/**
 * With it an upload is given up. The service has no request that removes blocks: it drops them when their name is
 * written, or after a week. Until then nobody sees them, and an object of that name stays as it is.
 */
export const endMark = 99_999

const pattern = /^nimctl([0-9a-f]{24})-(\d{5})-([0-9a-f]{8})$/

/** In Base64, 60 characters. */
export function blockId({ uploadId, number, crc32c }: Omit<Block, 'size'>): string {
  const text = `nimctl${uploadId}-${String(number).padStart(5, '0')}-${crc32cToHex(crc32c)}`
  return Buffer.from(text).toString('base64')
}

function parseBlockId(id: string): Omit<Block, 'size'> | undefined {
  const match = pattern.exec(Buffer.from(id, 'base64').toString('latin1'))
  const [, uploadId, number, crc32c] = match ?? []
  if (uploadId === undefined || number === undefined || crc32c === undefined) return undefined
  return { uploadId, number: Number(number), crc32c: Number.parseInt(crc32c, 16) }
}

/** Says when an upload was begun and in parts of which size, and differs from all others. */
export function makeUploadId({ nowMs, partSize }: { nowMs: number; partSize: number }): string {
  const random = crypto.getRandomValues(Buffer.alloc(4)).toString('hex')
  return hex(Math.floor(nowMs / 1000)) + hex(partSize) + random
}

export function readUploadId(uploadId: string): { startedMs: number; partSize: number } {
  return {
    startedMs: Number.parseInt(uploadId.slice(0, 8), 16) * 1000,
    partSize: Number.parseInt(uploadId.slice(8, 16), 16),
  }
}

function hex(number: number): string {
  return number.toString(16).padStart(8, '0')
}

/** What lies under a name and belongs to no object yet, of uploads that were not given up, in the order of parts. */
export async function listUncommitted(
  session: Session,
  key: string,
  { signal }: { signal: AbortSignal },
): Promise<Block[]> {
  const found = await askForBlocks(session, fullKey(session, key), signal)
  const blocks = found.flatMap(({ name, size }) => {
    const parsed = parseBlockId(name)
    // Another tool's.
    return parsed === undefined ? [] : [{ ...parsed, size }]
  })
  const ended = new Set(blocks.filter(({ number }) => number === endMark).map(({ uploadId }) => uploadId))
  return blocks.filter(({ uploadId }) => !ended.has(uploadId)).toSorted((a, b) => a.number - b.number)
}

async function askForBlocks(session: Session, key: string, signal: AbortSignal): Promise<SdkBlock[]> {
  try {
    const asked = { action: 'Get Block List', key, signal }
    const list = await session.request(asked, sdk => sdk.getBlockBlobClient(key).getBlockList('uncommitted'))
    return list.uncommittedBlocks ?? []
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND') return []
    throw error
  }
}

interface PutBlock {
  uploadId: string
  number: number
  bytes: Uint8Array
  sums: Sums
  signal: AbortSignal
}

/** The service compares the MD5. */
export async function putBlock(
  session: Session,
  key: string,
  { uploadId, number, bytes, sums, signal }: PutBlock,
): Promise<void> {
  const headers = { 'content-md5': checkedMd5(bytes, sums, `part ${number} of ${key}`).toString('base64') }
  const query = { comp: 'block', blockid: blockId({ uploadId, number, crc32c: sums.crc32c }) }
  await session.ask('Put Block', { method: 'PUT', key: fullKey(session, key), query, headers, body: bytes, signal })
}

export async function putMark(
  session: Session,
  key: string,
  { uploadId, number, signal }: Pick<PutBlock, 'uploadId' | 'number' | 'signal'>,
): Promise<void> {
  const bytes = Buffer.of(0)
  await putBlock(session, key, { uploadId, number, bytes, sums: { crc32c: crc32c(bytes) }, signal })
}
