import { Readable } from 'node:stream'

import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'

import { NimctlError } from '../../system/errors.ts'
import type { Store, StoredObject, Sums } from '../store.ts'
import { described } from './described.ts'
import { explained } from './explain.ts'
import { listObjects } from './list.ts'
import { fullKey } from './location.ts'
import { sendProtected } from './probe.ts'
import type { RequestDetails, Session } from './session.ts'

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
  const answer = await sendProtected(session, { bytes, sums, stored, once: ifAbsent === true }, protection =>
    session.request({ action: 'PutObject', key: Key, signal }, (s3, options) =>
      s3.send(
        new PutObjectCommand({
          Bucket: session.bucket,
          Key,
          Body: bytes,
          ContentLength: bytes.length,
          ...(ifAbsent === true ? { IfNoneMatch: '*' } : {}),
          ...protection,
        }),
        options,
      ),
    ),
  )
  return described(key, bytes.length, answer)
}

export async function statObject(
  session: Session,
  key: string,
  { signal }: { signal: AbortSignal },
): Promise<StoredObject | undefined> {
  const Key = fullKey(session, key)
  const command = new HeadObjectCommand({ Bucket: session.bucket, Key, ChecksumMode: 'ENABLED' })
  try {
    const ask = () => listObjects(session, { prefix: key, cursor: undefined, signal })
    const head = await explained({ unclear: ['STORE_REQUEST_REFUSED', 'ACCESS_DENIED'], ask, signal }, () =>
      session.request({ action: 'HeadObject', key: Key, signal }, (s3, options) => s3.send(command, options)),
    )
    return described(key, head.ContentLength ?? 0, head)
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND') return undefined
    throw error
  }
}

export async function readObject(
  session: Session,
  key: string,
  { range, signal }: { range: { start: number; end: number } | undefined; signal: AbortSignal },
): Promise<Readable> {
  const asked = { action: 'GetObject', key: fullKey(session, key), signal }
  const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }
  const { Body } = await session.request(asked, (s3, options) =>
    s3.send(new GetObjectCommand({ Bucket: session.bucket, Key: asked.key, ...Range }), options),
  )
  if (!(Body instanceof Readable)) return Readable.from([])
  return Readable.from(chunks(session, Body, asked), { objectMode: false, highWaterMark: 1024 * 1024 })
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

/** A connection that breaks while a body is read fails as it does while one is waited for. */
async function* chunks(session: Session, body: Readable, asked: RequestDetails): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk
  } catch (error) {
    throw session.translate(error, asked)
  }
}
