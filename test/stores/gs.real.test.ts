import { beforeAll, describe, expect, it } from 'vitest'

import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { silent } from '../../src/system/progress.ts'
import { startFakeGcs, startGcpStorageEmulator } from '../servers/gcs.ts'
import { multipartContract, resumingContract } from './contract-multipart.ts'
import { describeStoreContract } from './contract.ts'
import { gsServer, type GsServer } from './gs-server.ts'
import { failEveryFifth } from './unreliable.ts'

/** Google refuses it, so nimctl does. */
const unlike = ['line\nbreak']
/** What fake-gcs-server can't do. */
const limits = { tellsUploads: false, resumes: false }

describe('fake-gcs-server', () => {
  const { open } = gsServer(startFakeGcs)
  describeStoreContract('gs', open, unlike, limits)
})

describe('gcp-storage-emulator', () => {
  const { open } = gsServer(startGcpStorageEmulator)
  multipartContract(open)
  resumingContract(open)
})

const busy = { status: 503, headers: { 'retry-after': '0' }, body: '' }

describe('every fifth request fails', () => {
  describe('fake-gcs-server', () => {
    const server = gsServer(startFakeGcs)
    beforeAll(() =>
      failEveryFifth(server.proxy, busy, {
        spared: ({ url = '' }) => url.includes('upload_id='),
        once: ({ url = '' }) => url.includes('ifGenerationMatch=0'),
        content: ({ url = '' }) => url.includes('alt=media'),
      }),
    )
    describeStoreContract('gs', () => openRetried(server), unlike, limits)
    it('fails indeed', () => expect(shareOfRetries(server)).toBeGreaterThan(0.1))
  })

  describe('gcp-storage-emulator', () => {
    const server = gsServer(startGcpStorageEmulator)
    beforeAll(() => failEveryFifth(server.proxy, busy, { content: ({ url = '' }) => url.includes('alt=media') }))
    multipartContract(() => openRetried(server))
    resumingContract(() => openRetried(server))
    it('fails indeed', () => expect(shareOfRetries(server)).toBeGreaterThan(0.1))
  })
})

const patience = { maxRetries: 8, firstWaitMs: 1, longestWaitMs: 10 }

let retries = 0

async function openRetried({ open }: GsServer): Promise<Store> {
  return withRetry(await open(), patience, event => {
    if (event.event === 'retrying') retries += 1
    silent(event)
  })
}

/** Of all requests since the last time. */
function shareOfRetries({ proxy }: GsServer): number {
  const share = retries / proxy.seen.length
  retries = 0
  return share
}
