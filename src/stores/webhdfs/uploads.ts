import type { OpenUpload, SavedUpload } from '../store.ts'
import { listFolder, type Walk, walkFiles } from './list.ts'
import { incompleteFolder } from './location.ts'
import { type Session, tidyMs } from './session.ts'
import type { Status } from './status.ts'
import { removePath } from './write.ts'

/** The file that takes the parts. Below a folder of its own it has the key as path, which tells whose it is. */
export function partsPath(session: Session, { id, key }: { id: string; key: string }): string {
  return `${session.incomplete}/${id}/${key}`
}

/** The id becomes a name in a path and comes from a journal that somebody may have changed. */
export function isUploadId(id: string): boolean {
  return /^[0-9a-f-]{36}$/.test(id)
}

/** Also what a killed `put` left, under its own name: nothing says which key it was to have. */
export async function* listOpenUploads(
  session: Session,
  { prefix, signal }: { prefix: string; signal: AbortSignal },
): AsyncGenerator<OpenUpload> {
  const found = await session.batches.during(`uploads ${prefix}`, async known => {
    const uploads: OpenUpload[] = []
    for await (const status of listFolder(session, session.incomplete, { known, signal })) {
      if (!isUploadId(status.name)) continue
      if (status.isFile) uploads.push(leftByPut(status))
      else for await (const upload of uploadsIn(session, status, { known, signal })) uploads.push(upload)
    }
    return uploads
  })
  yield* found.filter(({ key }) => key.startsWith(prefix))
}

function leftByPut({ name, modifiedMs }: Status): OpenUpload {
  return { key: `${incompleteFolder}/${name}`, id: name, partSize: 0, startedMs: modifiedMs }
}

async function* uploadsIn(
  session: Session,
  { name: id, modifiedMs }: Status,
  walk: Pick<Walk, 'known' | 'signal'>,
): AsyncGenerator<OpenUpload> {
  let empty = true
  for await (const { key, status } of walkFiles(session, `${session.incomplete}/${id}`, { ...walk, prefix: '' })) {
    empty = false
    // A part is a block, and blocks keep their size. The folder was changed when the upload was begun, and not since.
    yield { key, id, partSize: status.size === 0 ? 0 : status.blockSize, startedMs: modifiedMs }
  }
  // Its file was moved away, and whoever did it was killed before the folders were gone.
  if (empty) yield { key: `${incompleteFolder}/${id}`, id, partSize: 0, startedMs: modifiedMs }
}

export async function removeUpload(session: Session, { id }: Pick<SavedUpload, 'id'>): Promise<void> {
  if (!isUploadId(id)) return
  const signal = AbortSignal.timeout(tidyMs)
  await removePath(session, `${session.incomplete}/${id}`, { recursive: true, signal })
  await session.removeIncompleteIfEmpty()
}
