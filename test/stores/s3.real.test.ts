import { randomUUID } from 'node:crypto'

import { openStore } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { silent } from '../../src/system/progress.ts'
import { describeStoreContract } from './contract.ts'
import { useEnvironment } from './environment.ts'
import { s3Server } from './s3-server.ts'

const { bucket, env } = s3Server()
useEnvironment(env)

/** SeaweedFS makes a slash of it. */
const unlike = ['back\\slash']

describeStoreContract('s3', open, unlike)

describeStoreContract(
  's3, retried',
  async () => withRetry(await open(), { maxRetries: 1, firstWaitMs: 1, longestWaitMs: 1 }, silent),
  unlike,
)

async function open(): Promise<Store> {
  return await openStore(new URL(`s3://${bucket}/${randomUUID()}`), {})
}
