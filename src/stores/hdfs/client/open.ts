import { NimctlError } from '../../../system/errors.ts'
import type { Store } from '../../store.ts'
import type { Location } from '../../webhdfs/location.ts'
import type { HdfsSettings } from '../../webhdfs/settings.ts'
import { statObject } from './described.ts'
import { openList } from './list.ts'
import { shellPathOf } from './paths.ts'
import { openPut } from './put.ts'
import { openRead } from './read.ts'
import { openSession, type Session } from './session.ts'
import { openShell } from './shell.ts'
import { openShellUpload } from './upload.ts'
import { listOpenUploads, removeUpload } from './uploads.ts'

/** HDFS by Hadoop's own client, an installed program: where only RPC is open, or Kerberos is asked for. */
export function openShellStore(location: Location, settings: HdfsSettings): Store {
  const closing = new AbortController()
  const shell = openShell(settings.clientEnvironment ?? {})
  const session = openSession(location, { shell, closed: closing.signal, settings })
  const put = openPut(session)
  const read = openRead(session)
  return {
    url: session.url,
    capabilities: session.capabilities,
    list: openList(session),
    stat: (key, options) => statObject(session, key, options),
    put: (key, bytes, sums, options) => put(key, { bytes, sums, ...options }),
    openUpload: (key, options) => openShellUpload(session, key, options),
    listUploads: (prefix, { signal }) => listOpenUploads(session, { prefix, signal }),
    async abortUpload(saved, { signal }) {
      signal.throwIfAborted()
      await removeUpload(session, saved)
    },
    copy: async (from, to) => {
      for (const key of [from, to]) shellPathOf(session, key)
      throw noCopies(session)
    },
    read: (key, range, options) => read(key, { range, ...options }),
    async remove(key, { signal }) {
      await session.operations.remove(shellPathOf(session, key), signal).catch(isDirectory)
    },
    close: () => closing.abort(),
  }
}

/** A directory is no object. */
function isDirectory(error: unknown): void {
  if (!(error instanceof NimctlError) || error.code !== 'STORE_KEY_CONFLICT') throw error
}

function noCopies({ url }: Session): NimctlError {
  return new NimctlError('unavailable', 'STORE_UNSUPPORTED', {
    what: `${url.protocol}// can't copy files inside itself.`,
    why: 'HDFS has no such operation: its own tools read and write each byte.',
    mend: 'not',
  })
}
