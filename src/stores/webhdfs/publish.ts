import { NimctlError } from '../../system/errors.ts'
import { uploadGone } from '../checksum.ts'
import type { StoredObject } from '../store.ts'
import { askChecksum, type Note, writeNote } from './proof.ts'
import type { Progress, Session } from './session.ts'
import { described, type Status, statPath } from './status.ts'
import { setOwner } from './write.ts'

export interface Publication {
  key: string
  /** Where it lies until now. */
  from: string
  to: string
  /** Of the bytes that were sent. */
  size: number
  note: Note
  ifAbsent?: boolean | undefined
  /** Of tries before this one, which goes on behind them. */
  progress: Progress
  signal: AbortSignal
}

/**
 * Compares what HDFS stored with what was sent, notes it, and moves it into its place, where it is whole at once.
 *
 * @throws NimctlError `unavailable` / `CHECKSUM_MISMATCH`, `check-failed` / `STORE_KEY_EXISTS`.
 */
export async function publish(session: Session, publication: Publication): Promise<StoredObject> {
  const { key, from, to, note, progress, signal } = publication
  progress.status ??= await statPath(session, from, signal)
  const { status } = progress
  if (status === undefined) throw uploadGone(session.describe(to))
  progress.proved ??= await prove(session, { ...publication, status })
  if (progress.proved && status.size > 0) progress.noted ??= await writeNote(session, from, { note, signal })
  progress.owned ??= await setOwner(session, from, signal)
  await session.makeFolderFor(to, signal)
  await move(session, { ...publication, status })
  return { ...described(key, status), ...(progress.proved && { crc32c: note.crc32c }) }
}

/** Whether the server's checksum is ours; a file without bytes has nothing else to prove. */
async function prove(
  session: Session,
  { from, to, size, note, status, signal }: Publication & { status: Status },
): Promise<boolean> {
  if (status.size !== size) throw mismatch(session.describe(to), `${size} bytes were sent, ${status.size} lie there.`)
  if (size === 0) return true
  const found = await askChecksum(session, from, signal)
  if (found !== undefined && found !== note.checksum)
    throw mismatch(session.describe(to), `Its MD5 of MD5s of CRC32Cs should be ${note.checksum} and is ${found}.`)
  return found !== undefined
}

/** By options that the plain RENAME lacks: it never replaces, and says no without a reason. */
async function move(
  session: Session,
  { from, to, ifAbsent, status, signal }: Publication & { status: Status },
): Promise<void> {
  const query = { destination: to, renameoptions: ifAbsent === true ? 'NONE' : 'OVERWRITE' }
  try {
    await session.client.ask({ method: 'PUT', op: 'RENAME', path: from, query, signal })
  } catch (error) {
    if (!(error instanceof NimctlError) || signal.aborted) throw error
    // The answer may have got lost, and then the next one is that nothing is there to be moved.
    const there = await statPath(session, to, signal)
    if (there?.fileId === status.fileId) return
    if (there?.isFile === false) throw directoryThere(session.describe(to), error)
    if (error.code === 'STORE_KEY_EXISTS') throw keyExists(session.describe(to), error)
    if (error.code !== 'OBJECT_NOT_FOUND') throw error
    if ((await statPath(session, from, signal)) === undefined) throw uploadGone(session.describe(to), { cause: error })
    session.forgetFolders()
    throw folderGone(session.describe(to), error)
  }
}

function directoryThere(name: string, cause: NimctlError): NimctlError {
  return new NimctlError('local', 'STORE_KEY_CONFLICT', {
    what: `${name} can't be written: a file and a directory would have the same name.`,
    why: 'A directory is there.',
    cause,
  })
}

function keyExists(name: string, cause: NimctlError): NimctlError {
  return new NimctlError('check-failed', 'STORE_KEY_EXISTS', {
    what: `${name} exists already.`,
    why: 'It was to be created only if it is absent.',
    cause,
  })
}

function folderGone(name: string, cause: NimctlError): NimctlError {
  return new NimctlError('unavailable', 'STORE_FAILED', {
    what: `${name} could not be put in its place.`,
    why: cause.why ?? 'Its directory was removed meanwhile.',
    cause,
  })
}

function mismatch(name: string, why: string): NimctlError {
  return new NimctlError('unavailable', 'CHECKSUM_MISMATCH', { what: `${name} did not arrive as it was sent.`, why })
}
