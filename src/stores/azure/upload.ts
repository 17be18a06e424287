import { NimctlError } from '../../system/errors.ts'
import { md5 } from '../../system/hash.ts'
import { longSilenceMs } from '../../system/http/connections.ts'
import { checkParts, checkTotal, uploadGone } from '../checksum.ts'
import type { FinishedPart, FoundPart, SavedUpload, StoredObject, Sums, Upload } from '../store.ts'
import {
  beginMark,
  type Block,
  blockId,
  endMark,
  listUncommitted,
  makeUploadId,
  putBlock,
  putMark,
  readUploadId,
} from './blocks.ts'
import { unquoted } from './list.ts'
import { fullKey } from './location.ts'
import { noteHeaders } from './note.ts'
import { statObject } from './objects.ts'
import type { Session } from './session.ts'

interface OpenOptions {
  size: number
  partSize: number
  resume?: SavedUpload
  signal: AbortSignal
}

export async function openAzureUpload(session: Session, key: string, options: OpenOptions): Promise<Upload> {
  const { size } = options
  const name = `${session.endpoint.name}/${session.azureContainer}/${fullKey(session, key)}`
  const { saved, finished } = (await resumed(session, key, options)) ?? (await begun(session, key, options))
  let aborted = false
  const refuseAborted = () => {
    if (aborted) throw uploadGone(name)
  }
  return {
    saved,
    partSize: saved.partSize,
    finished,

    async putPart(number, bytes, sums, { signal }) {
      refuseAborted()
      signal.throwIfAborted()
      await putBlock(session, key, { uploadId: saved.id, number, bytes, sums, signal })
      return { number, size: bytes.length, crc32c: sums.crc32c }
    },

    async complete(sums, parts, { signal }) {
      signal.throwIfAborted()
      refuseAborted()
      checkParts(parts, { size, partSize: saved.partSize, name })
      checkTotal(parts, sums, name)
      return await commitBlocks(session, saved, { parts, sums, size, signal })
    },

    async abort() {
      aborted = true
      await abortAzureUpload(session, saved, { signal: AbortSignal.timeout(abortMs) })
    },
  }
}

/** Tidying up goes on after an interruption, but not for ever. */
const abortMs = 30_000

interface Opened {
  saved: SavedUpload
  finished: FoundPart[]
}

/** The service is asked which blocks it has. None with this id: then there is no such upload any more. */
async function resumed(session: Session, key: string, { resume, signal }: OpenOptions): Promise<Opened | undefined> {
  if (resume === undefined || readUploadId(resume.id).partSize !== resume.partSize) return undefined
  const blocks = (await listUncommitted(session, key, { signal })).filter(({ uploadId }) => uploadId === resume.id)
  if (blocks.length === 0) return undefined
  const finished = blocks.filter(({ number }) => number !== beginMark).map(foundPart)
  return { saved: { key, id: resume.id, partSize: resume.partSize }, finished }
}

function foundPart({ number, size, crc32c }: Block): FoundPart {
  return { number, size, crc32c }
}

async function begun(session: Session, key: string, { partSize, signal }: OpenOptions): Promise<Opened> {
  const id = makeUploadId({ nowMs: session.nowMs(), partSize })
  await putMark(session, key, { uploadId: id, number: beginMark, signal })
  return { saved: { key, id, partSize }, finished: [] }
}

/** Leaves the blocks to the service, and whatever lies under the name as it is. */
export async function abortAzureUpload(
  session: Session,
  { key, id }: SavedUpload,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const blocks = await listUncommitted(session, key, { signal })
  if (!blocks.some(({ uploadId }) => uploadId === id)) return
  await putMark(session, key, { uploadId: id, number: endMark, signal })
}

interface Commit {
  parts: readonly FinishedPart[]
  sums: Sums
  size: number
  signal: AbortSignal
}

/**
 * Committing the same blocks twice gives the same object. Where the blocks are gone, a former commit may have succeeded
 * whose answer got lost: then the object is there.
 */
async function commitBlocks(
  session: Session,
  { key, id }: SavedUpload,
  { parts, sums, size, signal }: Commit,
): Promise<StoredObject> {
  const ids = parts.map(({ number, crc32c }) => blockId({ uploadId: id, number, crc32c }))
  const body = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${ids.map(latest).join('')}</BlockList>`)
  try {
    const query = { comp: 'blocklist' }
    const request = {
      method: 'PUT',
      key: fullKey(session, key),
      query,
      headers: commitHeaders(body, sums),
      body,
    } as const
    const answer = await session.ask('Put Block List', { ...request, silenceMs: longSilenceMs, signal })
    return {
      key,
      size,
      etag: unquoted(answer.headers.etag ?? ''),
      ...(sums.md5 !== undefined && { md5: Buffer.from(sums.md5).toString('hex') }),
      notedCrc32c: sums.crc32c,
    }
  } catch (error) {
    if (!(error instanceof NimctlError) || error.code !== 'UPLOAD_GONE') throw error
    const object = await statObject(session, key, { signal })
    if (object?.size === size && object.notedCrc32c === sums.crc32c) return object
    throw error
  }
}

function commitHeaders(body: Uint8Array, sums: Sums): Record<string, string> {
  return {
    'content-type': 'application/xml',
    'content-md5': Buffer.from(md5(body)).toString('base64'),
    'x-ms-blob-content-type': 'application/octet-stream',
    // Kept unseen: the service does not compare it with the blocks, so it is told what was computed and nothing else.
    ...(sums.md5 !== undefined && { 'x-ms-blob-content-md5': Buffer.from(sums.md5).toString('base64') }),
    ...noteHeaders(sums),
  }
}

/** Whichever of that id arrived last, committed or not. */
const latest = (id: string) => `<Latest>${id}</Latest>`
