import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import type { Report } from '../../src/system/progress.ts'
import { retrying } from '../../src/system/retry.ts'
import { secret } from '../../src/system/secret.ts'
import { startNginx } from '../servers/nginx.ts'
import { startRcloneWebdav } from '../servers/rclone-webdav.ts'
import { listingContract } from './contract-listing.ts'
import { multipartContract } from './contract-multipart.ts'
import { nastyKeys } from './contract-tools.ts'
import { describeStoreContract } from './contract.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { failEveryFifth } from './unreliable.ts'

/** nginx shows no names that begin with a dot: the engine asks for them (test/e2e/https.real.test.ts). */
const hidden = ['.dot/.dot']

/** A page is a few folders, whatever lies in them. */
const severalPages = 50

/** HTTP has nothing that tells of uploads, or goes on with one. */
const limits = { tellsUploads: false, resumes: false, severalPages }

interface Running {
  endpoint: string
  user?: string
  password?: string
  stop: () => Promise<void>
}

/** A server for the tests of a group, behind a proxy. */
function useServer(start: () => Promise<Running>, folder: string) {
  let server: Running
  let proxy: FaultProxy
  beforeAll(async () => {
    server = await start()
    proxy = await startFaultProxy(server.endpoint)
  })
  afterAll(async () => {
    proxy.stop()
    await server.stop()
  })
  return {
    get proxy() {
      return proxy
    },
    open: () => {
      const { user, password = '' } = server
      const https = user === undefined ? {} : { username: user, password: secret(password) }
      return openStore(new URL(`${proxy.endpoint}${folder}/${randomUUID()}`), { https })
    },
  }
}

describe('nginx, WebDAV', () => {
  const { open } = useServer(startNginx, '/dav')
  describeStoreContract('https', open, hidden, limits)
})

describe('nginx, PUT and a listing in JSON', () => {
  const { open } = useServer(startNginx, '/index')
  listingContract(
    open,
    nastyKeys.filter(key => !hidden.includes(key)),
    severalPages,
  )
  multipartContract(open)
})

describe('rclone', () => {
  const { open } = useServer(startRcloneWebdav, '')
  // It takes a decomposed letter for the composed one.
  describeStoreContract('https', open, ['umlaut-u\u0308'], limits)
})

describe('every fifth request fails', () => {
  const server = useServer(startNginx, '/dav')
  const busy = { status: 503, headers: { 'retry-after': '0' }, body: '' }
  let retries = 0
  beforeAll(() =>
    failEveryFifth(server.proxy, busy, {
      // What begins anew when a request of an upload fails, is the engine.
      spared: ({ method, headers }) => method === 'PUT' && headers.expect !== undefined,
      // The retry of a MOVE whose answer was lost finds nothing to move any more.
      once: ({ method }) => method === 'MOVE',
      content: ({ method }) => method === 'GET',
    }),
  )
  // One put makes every folder on its way, a request each.
  const patience = { maxRetries: 20, firstWaitMs: 1, longestWaitMs: 10 }
  const report: Report = event => void (event.event === 'retrying' && (retries += 1))
  const openRetried = async (): Promise<Store> => {
    const store = await retrying(patience, report)('open', undefined, () => server.open())
    return withRetry(store, patience, report)
  }
  describeStoreContract('https', openRetried, hidden, limits)
  it('fails indeed', () => expect(retries / server.proxy.seen.length).toBeGreaterThan(0.1))
})
