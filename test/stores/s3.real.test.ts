import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { silent } from '../../src/system/progress.ts'
import { describeStoreContract } from './contract.ts'
import { useEnvironment } from './environment.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { failEveryFifth } from './unreliable.ts'

/** SeaweedFS makes a slash of it. */
const unlike = ['back\\slash']
const seaweedfs = inject('s3Env')

describe('SeaweedFS', () => {
  useEnvironment(seaweedfs)
  describeStoreContract('s3', () => open(), unlike)
})

describe('VersityGW', () => {
  useEnvironment(inject('versityEnv'))
  describeStoreContract('s3', () => open())
})

describe('SeaweedFS, every fifth request failing', () => {
  let proxy: FaultProxy
  let retries = 0
  useEnvironment(seaweedfs)
  beforeAll(async () => {
    proxy = await startFaultProxy(seaweedfs.AWS_ENDPOINT_URL ?? '')
    failEveryFifth(proxy, busy, {
      // With an answer lost, a begun upload would be one more than the contract began.
      once: ({ method, url = '', headers }) =>
        headers['if-none-match'] !== undefined || (method === 'POST' && url.includes('uploads')),
      content: ({ url = '' }) => !url.includes('list-type') && !url.includes('upload'),
    })
  })
  afterAll(() => proxy.stop())

  const openRetried = async () =>
    withRetry(await open(proxy.endpoint), { maxRetries: 8, firstWaitMs: 1, longestWaitMs: 10 }, event => {
      if (event.event === 'retrying') retries += 1
      silent(event)
    })
  describeStoreContract('s3', openRetried, unlike)
  it('fails indeed', () => expect(retries / proxy.seen.length).toBeGreaterThan(0.1))
})

const busy = {
  status: 503,
  headers: { 'retry-after': '0' },
  body: '<?xml version="1.0"?><Error><Code>SlowDown</Code></Error>',
}

async function open(endpointUrl?: string): Promise<Store> {
  return await openStore(new URL(`s3://models/${randomUUID()}`), endpointUrl === undefined ? {} : { endpointUrl })
}
