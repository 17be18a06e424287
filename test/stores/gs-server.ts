import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { afterAll, beforeAll } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import type { GcsServer } from '../servers/gcs.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

export interface GsServer {
  readonly endpoint: string
  /** Between nimctl and the server. */
  readonly proxy: FaultProxy
  /** An empty store. */
  open: () => Promise<Store>
}

/** A server for the tests of a file, behind a proxy. */
export function gsServer(start: (options: { buckets: string[] }) => Promise<GcsServer>): GsServer {
  let server: GcsServer
  let proxy: FaultProxy
  beforeAll(async () => {
    server = await start({ buckets: ['models'] })
    proxy = await startFaultProxy(server.endpoint)
    endCancelledUploads(proxy)
  })
  afterAll(async () => {
    proxy.stop()
    await server.stop()
  })
  return {
    get endpoint() {
      return server.endpoint
    },
    get proxy() {
      return proxy
    },
    open: () => openStore(new URL(`gs://models/${randomUUID()}`), { gs: { emulatorHost: proxy.endpoint } }),
  }
}

/**
 * Neither server can cancel an upload, so the proxy does it for them:
 * https://docs.cloud.google.com/storage/docs/performing-resumable-uploads#cancel-upload
 */
function endCancelledUploads(proxy: FaultProxy): void {
  const cancelled = new Set<string>()
  const isCancelled = ({ method, url = '' }: IncomingMessage) => {
    const id = /[?&]upload_id=([^&]+)/.exec(url)?.[1]
    if (id === undefined) return false
    if (method === 'DELETE') cancelled.add(id)
    return cancelled.has(id)
  }
  proxy.always(isCancelled, { type: 'answer', status: 499, body: '' })
}
