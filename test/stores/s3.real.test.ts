import { randomUUID } from 'node:crypto'

import { describe, inject } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { silent } from '../../src/system/progress.ts'
import { describeStoreContract } from './contract.ts'
import { useEnvironment } from './environment.ts'

/** SeaweedFS makes a slash of it. */
const unlike = ['back\\slash']

describe('SeaweedFS', () => {
  useEnvironment(inject('s3Env'))
  describeStoreContract('s3', open, unlike)
  describeStoreContract(
    's3, retried',
    async () => withRetry(await open(), { maxRetries: 1, firstWaitMs: 1, longestWaitMs: 1 }, silent),
    unlike,
  )
})

describe('VersityGW', () => {
  useEnvironment(inject('versityEnv'))
  describeStoreContract('s3', open)
})

async function open(): Promise<Store> {
  return await openStore(new URL(`s3://models/${randomUUID()}`), {})
}
