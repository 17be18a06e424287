import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { silent } from '../../src/system/progress.ts'
import { type Hdfs, startHdfs } from '../servers/hdfs.ts'
import { describeStoreContract } from './contract.ts'

const blockSize = 1024 ** 2
let hdfs: Hdfs

beforeAll(async () => {
  hdfs = await startHdfs()
})
afterAll(async () => {
  await hdfs.stop()
})

describeStoreContract('webhdfs', open)

async function open(): Promise<Store> {
  const url = new URL(`webhdfs://${hdfs.httpAddress}/${randomUUID()}`)
  return await openStore(url, { hdfs: { user: hdfs.superuser, blockSize } })
}
