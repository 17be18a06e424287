import { DeleteObjectCommand } from '@aws-sdk/client-s3'

import { NimctlError } from '../../system/errors.ts'
import type { Store, StoredObject, Sums } from '../store.ts'
import { described, fieldsOfHeaders, md5OfHeaders } from './described.ts'
import { confirmEncryption } from './encryption.ts'
import { explained } from './explain.ts'
import { listObjects } from './list.ts'
import { fullKey } from './location.ts'
import { sendProtected, withoutChecksums } from './probe.ts'
import type { Session } from './session.ts'
import { encryptionHeader } from './settings.ts'

export async function putObject(
  session: Session,
  key: string,
  {
    bytes,
    sums,
    ifAbsent,
    signal,
  }: { bytes: Uint8Array; sums: Sums; ifAbsent?: boolean | undefined; signal: AbortSignal },
): Promise<StoredObject> {
  const Key = fullKey(session, key)
  const stored = async () => (await statObject(session, key, { signal }))?.crc32c
  const condition: Record<string, string> = ifAbsent === true ? { 'if-none-match': '*' } : {}
  const answer = await sendProtected(session, { bytes, sums, stored, once: ifAbsent === true }, async protection => {
    const headers = { 'content-type': 'application/octet-stream', ...condition, ...protection }
    const request = { method: 'PUT', key: Key, headers, body: bytes, signal } as const
    const { headers: said } = await session.ask('PutObject', request)
    await confirmEncryption(session, { key: Key, said: said[encryptionHeader], signal })
    return fieldsOfHeaders(said)
  })
  return described(key, bytes.length, answer)
}

/** Some servers refuse the very question for a checksum (Backblaze B2, S3Proxy): they are asked without it. */
export async function statObject(
  session: Session,
  key: string,
  options: { signal: AbortSignal },
): Promise<StoredObject | undefined> {
  const plain = () => headObject(session, key, { headers: {}, ...options })
  if (session.checksums === 'md5') return await plain()
  const headers = { 'x-amz-checksum-mode': 'ENABLED' }
  return await withoutChecksums(session, {
    first: () => headObject(session, key, { headers, ...options }),
    otherwise: plain,
  })
}

async function headObject(
  session: Session,
  key: string,
  { headers, signal }: { headers: Record<string, string>; signal: AbortSignal },
): Promise<StoredObject | undefined> {
  const request = { method: 'HEAD', key: fullKey(session, key), headers, signal } as const
  try {
    const ask = () => listObjects(session, { prefix: key, cursor: undefined, signal })
    const answer = await explained({ unclear: ['STORE_REQUEST_REFUSED', 'ACCESS_DENIED'], ask, signal }, () =>
      session.ask('HeadObject', request),
    )
    const md5 = md5OfHeaders(answer.headers)
    const object = described(key, Number(answer.headers['content-length'] ?? 0), fieldsOfHeaders(answer.headers))
    return { ...object, ...(md5 !== undefined && { md5 }) }
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND') return undefined
    throw error
  }
}

export const removeObject =
  (session: Session): Store['remove'] =>
  async (key, { signal }) => {
    const Key = fullKey(session, key)
    const command = new DeleteObjectCommand({ Bucket: session.bucket, Key })
    try {
      await session.request({ action: 'DeleteObject', key: Key, signal }, (s3, options) => s3.send(command, options))
    } catch (error) {
      if (!(error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND')) throw error
    }
  }
