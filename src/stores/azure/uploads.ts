import { element } from '../http/xml.ts'
import type { OpenUpload } from '../store.ts'
import { beginMark, type Block, listUncommitted, readUploadId } from './blocks.ts'
import { listBlobs, nameOf } from './list.ts'
import type { Session } from './session.ts'

/**
 * Names with blocks and without an object stand in a listing of their own kind, with no bytes; each is asked for its
 * blocks. Blocks under the name of an object show only where just that name is asked for.
 */
export async function* listOpenUploads(
  session: Session,
  { prefix, signal }: { prefix: string; signal: AbortSignal },
): AsyncGenerator<OpenUpload> {
  const asked = new Set<string>()
  for await (const key of namesWithoutBytes(session, { prefix, signal })) {
    asked.add(key)
    yield* uploadsOf(session, key, { signal })
  }
  if (prefix !== '' && !prefix.endsWith('/') && !asked.has(prefix)) yield* uploadsOf(session, prefix, { signal })
}

async function* namesWithoutBytes(
  session: Session,
  { prefix, signal }: { prefix: string; signal: AbortSignal },
): AsyncGenerator<string> {
  let cursor: string | undefined
  do {
    const { blobs, next } = await listBlobs(session, { prefix, cursor, include: 'uncommittedblobs', signal })
    for (const blob of blobs) {
      const key = nameOf(blob).slice(session.prefix.length)
      if (key !== '' && element(blob, 'Content-Length') === '0') yield key
    }
    cursor = next
  } while (cursor !== undefined)
}

async function* uploadsOf(
  session: Session,
  key: string,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<OpenUpload> {
  const blocks = await listUncommitted(session, key, { signal })
  for (const [id, parts] of Map.groupBy(blocks, ({ uploadId }: Block) => uploadId)) {
    const { startedMs, partSize } = readUploadId(id)
    yield { key, id, partSize: parts.some(({ number }) => number !== beginMark) ? partSize : 0, startedMs }
  }
}
