import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { isRetryable, NimctlError } from '../../../system/errors.ts'
import { translateFileError } from '../../../system/files.ts'
import { checkBytes } from '../../checksum.ts'
import type { StoredObject, Sums } from '../../store.ts'
import { shellError } from './errors.ts'
import { gather, type Outcome } from './gather.ts'
import { argumentOf, shellPathOf } from './paths.ts'
import { publish } from './publish.ts'
import type { Session } from './session.ts'
import { newUploadId, partsPath, tidyUpload } from './uploads.ts'

/** A file on its way below a folder of its own. */
interface Sent {
  id: string
  key: string
  bytes: Uint8Array
}

export type Put = (
  key: string,
  what: { bytes: Uint8Array; sums: Sums; ifAbsent?: boolean; signal: AbortSignal },
) => Promise<StoredObject>

/** Files that are put at the same time go in one call of the shell, which reads them from a local directory. */
export function openPut(session: Session): Put {
  const send = gather<Sent, null>((files, signal) => sendAll(session, files, signal), {
    most: 500,
    lengthOf: ({ id }) => id.length + tmpdir().length,
  })
  return async (key, { bytes, sums, ifAbsent, signal }) => {
    const to = shellPathOf(session, key)
    signal.throwIfAborted()
    checkBytes(bytes, sums, session.describe(to))
    const id = newUploadId(0)
    try {
      const object = await session.withIncomplete(to, signal, async () => {
        await send({ id, key, bytes }, signal)
        const from = partsPath(session, { id, key })
        return await publish(session, { key, from, to, size: bytes.length, sums, ifAbsent, progress: {}, signal })
      })
      await tidyUpload(session, { id })
      return object
    } catch (error) {
      // What can't be removed now, cleanup finds.
      await tidyUpload(session, { id })
      if (isRetryable(error)) session.forgetFolders()
      throw error
    }
  }
}

async function sendAll(session: Session, files: readonly Sent[], signal: AbortSignal): Promise<Outcome<null>[]> {
  const directory = await mkdtemp(join(tmpdir(), 'nimctl-hdfs-'))
  try {
    for (const { id, key, bytes } of files) {
      const path = join(directory, id, key)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, bytes, { mode: 0o600 })
    }
    const args = [...files.map(({ id }) => join(directory, id)), argumentOf(session, session.incomplete)]
    const { complaints } = await session.shell.run({ command: 'put', args, settings: session.settings, signal })
    return files.map(({ id }): Outcome<null> => {
      const complaint = complaints.find(
        ({ path = '' }) => path.includes(id) || !files.some(one => path.includes(one.id)),
      )
      if (complaint === undefined) return { value: null }
      return { error: shellError(complaint, { command: 'put', target: session.describe(session.root) }) }
    })
  } catch (error) {
    throw error instanceof NimctlError ? error : translateFileError(error, directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
