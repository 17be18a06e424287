import { randomUUID } from 'node:crypto'

import { isRetryable, NimctlError } from '../../system/errors.ts'
import { checkBytes } from '../checksum.ts'
import type { StoredObject, Sums } from '../store.ts'
import { fileChecksum } from './checksum.ts'
import { pathOf } from './location.ts'
import { provedCrc32c } from './proof.ts'
import { publish } from './publish.ts'
import { type BegunPut, type Session, tidyMs } from './session.ts'
import { described, statPath } from './status.ts'
import { createFile, removePath } from './write.ts'

export async function statObject(
  session: Session,
  key: string,
  { signal }: { signal: AbortSignal },
): Promise<StoredObject | undefined> {
  const path = pathOf(session, key)
  const status = await statPath(session, path, signal)
  if (status === undefined || !status.isFile) return undefined
  const crc32c = await provedCrc32c(session, path, { status, signal })
  return { ...described(key, status), ...(crc32c !== undefined && { crc32c }) }
}

export async function putObject(
  session: Session,
  key: string,
  { bytes, sums, ifAbsent, signal }: { bytes: Uint8Array; sums: Sums; ifAbsent?: boolean; signal: AbortSignal },
): Promise<StoredObject> {
  const to = pathOf(session, key)
  signal.throwIfAborted()
  checkBytes(bytes, sums, session.describe(to))
  const blockSize = session.capabilities.minPart
  const note = { crc32c: sums.crc32c, checksum: fileChecksum(bytes, blockSize) }
  const task = JSON.stringify([to, note, ifAbsent])
  const put = takeBegun(session, task)
  try {
    const object = await session.withIncomplete(signal, async () => {
      if (!put.created) await createFile(session, put.from, { bytes, blockSize, signal })
      put.created = true
      return await publish(session, { ...put, key, to, size: bytes.length, note, ifAbsent, signal })
    })
    await session.removeIncompleteIfEmpty()
    return object
  } catch (error) {
    // What arrived wrong has to be sent again from its first byte.
    if (isRetryable(error) && error.code !== 'CHECKSUM_MISMATCH') session.brokenOff.set(task, put)
    else await giveUp(session, put)
    throw error
  }
}

/** What a try before this one left: each is several requests, and the next goes on where one failed. */
function takeBegun({ brokenOff, incomplete }: Session, task: string): BegunPut {
  const begun = brokenOff.get(task) ?? { from: `${incomplete}/${randomUUID()}`, created: false, progress: {} }
  brokenOff.delete(task)
  return begun
}

/** What can't be removed now, cleanup finds. */
async function giveUp(session: Session, { from }: BegunPut): Promise<void> {
  const removing = { recursive: false, signal: AbortSignal.timeout(tidyMs) }
  await removePath(session, from, removing).catch(() => undefined)
  await session.removeIncompleteIfEmpty()
}

/** Folders stay: nothing in HDFS minds an empty one. */
export async function removeObject(session: Session, key: string, { signal }: { signal: AbortSignal }): Promise<void> {
  try {
    await removePath(session, pathOf(session, key), { recursive: false, signal })
  } catch (error) {
    // A directory is no object.
    if (!(error instanceof NimctlError && ['OBJECT_NOT_FOUND', 'STORE_KEY_CONFLICT'].includes(error.code))) throw error
  }
}
