import type { IncomingHttpHeaders } from 'node:http'

import { NimctlError } from '../../system/errors.ts'
import { md5 } from '../../system/hash.ts'
import { checkBytes } from '../checksum.ts'
import type { Store, StoredObject, Sums } from '../store.ts'
import { unquoted } from './list.ts'
import { fullKey } from './location.ts'
import { noteHeaders, noteOf } from './note.ts'
import type { Session } from './session.ts'

interface Put {
  bytes: Uint8Array
  sums: Sums
  ifAbsent?: boolean | undefined
  signal: AbortSignal
}

/** The service computes the MD5 of what arrived, compares it and keeps it. */
export async function putObject(
  session: Session,
  key: string,
  { bytes, sums, ifAbsent, signal }: Put,
): Promise<StoredObject> {
  const Key = fullKey(session, key)
  signal.throwIfAborted()
  const sum = checkedMd5(bytes, sums, key)
  const headers = {
    'x-ms-blob-type': 'BlockBlob',
    'content-type': 'application/octet-stream',
    'content-md5': sum.toString('base64'),
    ...(ifAbsent === true && { 'if-none-match': '*' }),
    ...noteHeaders(sums),
  }
  const answer = await session.ask('Put Blob', { method: 'PUT', key: Key, headers, body: bytes, signal })
  return {
    key,
    size: bytes.length,
    etag: unquoted(answer.headers.etag ?? ''),
    md5: sum.toString('hex'),
    notedCrc32c: sums.crc32c,
  }
}

/** The MD5 for the service, of bytes that still are those of the CRC32C. */
export function checkedMd5(bytes: Uint8Array, sums: Sums, name: string): Buffer {
  checkBytes(bytes, sums, name)
  return Buffer.from(md5(bytes))
}

export async function statObject(
  session: Session,
  key: string,
  options: { signal: AbortSignal },
): Promise<StoredObject | undefined> {
  const headers = await headObject(session, key, options)
  return headers === undefined || headers['x-ms-meta-hdi_isfolder'] === 'true' ? undefined : described(key, headers)
}

/** `undefined` when there is no such object. */
export async function headObject(
  session: Session,
  key: string,
  { signal }: { signal: AbortSignal },
): Promise<IncomingHttpHeaders | undefined> {
  try {
    const request = { method: 'HEAD', key: fullKey(session, key), signal } as const
    return (await session.ask('Get Blob Properties', request)).headers
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND') return undefined
    throw error
  }
}

export function described(key: string, headers: IncomingHttpHeaders): StoredObject {
  const sum = headers['content-md5']
  return {
    key,
    size: Number(headers['content-length'] ?? 0),
    ...(headers.etag === undefined ? {} : { etag: unquoted(headers.etag) }),
    ...(typeof sum === 'string' ? { md5: Buffer.from(sum, 'base64').toString('hex') } : {}),
    ...noteOf(headers),
  }
}

export const removeObject =
  (session: Session): Store['remove'] =>
  async (key, { signal }) => {
    const name = fullKey(session, key)
    try {
      await session.request({ action: 'Delete Blob', key: name, signal }, sdk => sdk.deleteBlob(name))
    } catch (error) {
      if (!(error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND')) throw error
    }
  }
