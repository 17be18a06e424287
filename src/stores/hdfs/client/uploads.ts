import { randomUUID } from 'node:crypto'

import type { OpenUpload, SavedUpload } from '../../store.ts'
import { type Session, tidyMs } from './session.ts'

/** What grows until it is whole. Below a folder of its own it has the key as path, which tells whose it is. */
export function partsPath(session: Session, { id, key }: { id: string; key: string }): string {
  return `${session.incomplete}/${id}/${key}`
}

/** @param partSize in bytes: whoever finds the upload goes on in the same parts. 0 for what goes in one piece. */
export function newUploadId(partSize: number): string {
  return `${randomUUID()}.${partSize}`
}

/**
 * The id becomes a name in a path and comes from a journal that somebody may have changed.
 *
 * @returns `undefined` where it is no such id.
 */
export function partSizeOf(id: string): number | undefined {
  const digits = /^[0-9a-f-]{36}\.(\d{1,15})$/.exec(id)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Those of which something has arrived: before, nothing lies there. */
export async function* listOpenUploads(
  session: Session,
  { prefix, signal }: { prefix: string; signal: AbortSignal },
): AsyncGenerator<OpenUpload> {
  for (const path of await session.operations.find(session.incomplete, signal)) {
    const [id = '', ...names] = path.split('/')
    const key = names.join('/')
    const partSize = partSizeOf(id)
    if (partSize === undefined || key === '' || !key.startsWith(prefix)) continue
    const status = await session.operations.stat(partsPath(session, { id, key }), signal)
    if (status?.isFile === true)
      yield { key, id, partSize: status.size === 0 ? 0 : partSize, startedMs: status.modifiedMs }
  }
}

export async function removeUpload(session: Session, { id }: Pick<SavedUpload, 'id'>): Promise<void> {
  if (partSizeOf(id) === undefined) return
  await session.operations.removeTree(`${session.incomplete}/${id}`, AbortSignal.timeout(tidyMs))
  await session.removeIncompleteIfEmpty()
}

/** Its file has come into its place: what can't be removed now are empty folders. */
export async function tidyUpload(session: Session, saved: Pick<SavedUpload, 'id'>): Promise<void> {
  await removeUpload(session, saved).catch(() => undefined)
}
