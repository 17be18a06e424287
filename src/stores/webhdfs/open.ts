import { NimctlError } from '../../system/errors.ts'
import { openConnections } from '../../system/http/connections.ts'
import type { StoreOptions } from '../open.ts'
import type { Store } from '../store.ts'
import { openCaller } from './caller.ts'
import { openClient } from './client.ts'
import { listObjects } from './list.ts'
import { parseHdfsUrl, pathOf } from './location.ts'
import { openNamenodes, webhdfsBase } from './namenodes.ts'
import { putObject, removeObject, statObject } from './objects.ts'
import { readObject } from './read.ts'
import { openSession, type Session } from './session.ts'
import type { HdfsSettings } from './settings.ts'
import { openHdfsUpload } from './upload.ts'
import { listOpenUploads, removeUpload } from './uploads.ts'

/** @param bases where WebHDFS is spoken: `http://host:port`, or with all that stands before a path of HDFS. */
export async function openWebhdfsStore(url: URL, options: StoreOptions, bases: readonly URL[]): Promise<Store> {
  const location = parseHdfsUrl(url)
  const settings = options.hdfs ?? {}
  const client = openClient({
    origin: `${url.protocol}//${url.host}`,
    namenodes: openNamenodes(bases.map(webhdfsBase)),
    connections: await openConnections(options),
    caller: openCaller(settings),
  })
  return webhdfsStore(openSession(location, client, settings), identityOf(settings))
}

function webhdfsStore(session: Session, identity: string | undefined): Store {
  return {
    url: session.url,
    capabilities: session.capabilities,
    list: (prefix, cursor, { signal }) => listObjects(session, { prefix, cursor, signal }),
    stat: (key, options) => statObject(session, key, options),
    put: (key, bytes, sums, options) => putObject(session, key, { bytes, sums, ...options }),
    openUpload: (key, options) => openHdfsUpload(session, key, options),
    listUploads: (prefix, { signal }) => listOpenUploads(session, { prefix, signal }),
    async abortUpload(saved, { signal }) {
      signal.throwIfAborted()
      await removeUpload(session, saved)
    },
    copy: async (from, to) => {
      for (const key of [from, to]) pathOf(session, key)
      throw noCopies(session)
    },
    read: (key, range, options) => readObject(session, key, { range, ...options }),
    remove: (key, options) => removeObject(session, key, options),
    identity: async () => identity,
    close: () => session.client.close(),
  }
}

/** Of a delegation token nobody but the namenode knows whose it is. */
function identityOf({ user, token, tokenFile }: HdfsSettings): string | undefined {
  if (token !== undefined || tokenFile !== undefined) return 'a delegation token'
  return user === undefined ? undefined : `user ${user}`
}

function noCopies({ url }: Session): NimctlError {
  return new NimctlError('unavailable', 'STORE_UNSUPPORTED', {
    what: `${url.protocol}// can't copy files inside itself.`,
    why: 'HDFS has no such operation: its own tools read and write each byte.',
    mend: 'not',
  })
}
