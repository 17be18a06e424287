import { NimctlError } from '../../../system/errors.ts'
import { checksumMismatch, uploadGone } from '../../checksum.ts'
import type { StoredObject, Sums } from '../../store.ts'
import { folderOf } from '../../webhdfs/location.ts'
import { askChecksum, described, judge, nothingThere } from './described.ts'
import type { Status } from './operations.ts'
import type { Session } from './session.ts'

export interface Publication {
  key: string
  /** Where it lies until now; its last name is that of `to`. */
  from: string
  to: string
  /** Of the bytes that were sent. */
  size: number
  sums: Sums
  ifAbsent?: boolean | undefined
  /** Of tries before this one: what was proved is not asked again. */
  progress: Progress
  signal: AbortSignal
}

/** How far a file is that lies whole where it was written. */
export interface Progress {
  proved?: { status: Status; crc32c: number | undefined }
}

/**
 * Compares what HDFS stored with what was sent, and moves it into its place, where it is whole at once. What it replaces is
 * removed a moment before: the shell has no other way.
 *
 * @throws NimctlError `unavailable` / `CHECKSUM_MISMATCH`, `check-failed` / `STORE_KEY_EXISTS`.
 */
export async function publish(session: Session, publication: Publication): Promise<StoredObject> {
  const { key, from, to, progress, signal } = publication
  progress.proved ??= await prove(session, publication)
  const { status, crc32c } = progress.proved
  // What was moved by a try before is no longer there; the move finds out.
  if (session.owner !== undefined) await session.operations.setOwner(from, signal).catch(nothingThere)
  if (session.permission !== undefined) await session.operations.setPermission(from, signal).catch(nothingThere)
  await session.makeFolderFor(to, signal)
  await move(session, { ...publication, status })
  return { ...described(key, status), ...(crc32c !== undefined && { crc32c }) }
}

async function prove(
  session: Session,
  { from, to, size, sums, signal }: Publication,
): Promise<{ status: Status; crc32c: number | undefined }> {
  const name = session.describe(to)
  const [status, sum] = await Promise.all([
    session.operations.stat(from, signal),
    askChecksum(session, from, signal).catch(nothingThere),
  ])
  if (status === undefined) throw uploadGone(name)
  if (status.size !== size) {
    const why = `${size} bytes were sent, ${status.size} lie there.`
    throw new NimctlError('unavailable', 'CHECKSUM_MISMATCH', { what: `${name} did not arrive as it was sent.`, why })
  }
  const found = judge(session, status, sum)
  if (found !== undefined && found !== sums.crc32c) throw checksumMismatch(name, { expected: sums.crc32c, found })
  return { status, crc32c: found }
}

async function move(
  session: Session,
  { from, to, ifAbsent, status, signal }: Publication & { status: Status },
): Promise<void> {
  const { operations } = session
  const into = () => operations.move({ from, folder: folderOf(to) }, signal)
  try {
    await into().catch(async (error: unknown) => {
      const taken = error instanceof NimctlError && error.code === 'STORE_KEY_EXISTS'
      if (!taken || ifAbsent === true) throw error
      await operations.remove(to, signal)
      await into()
    })
  } catch (error) {
    if (!(error instanceof NimctlError) || error.code !== 'OBJECT_NOT_FOUND') throw error
    // A try before this one may have moved it, and then nothing is left to be moved.
    const there = await operations.stat(to, signal)
    if (there?.isFile === true && there.size === status.size && there.modifiedMs === status.modifiedMs) return
    if ((await operations.stat(from, signal)) === undefined) throw uploadGone(session.describe(to), { cause: error })
    session.forgetFolders()
    throw new NimctlError('unavailable', 'STORE_FAILED', {
      what: `${session.describe(to)} could not be put in its place.`,
      why: 'Its directory was removed meanwhile.',
      cause: error,
    })
  }
}
