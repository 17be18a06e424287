import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import { silent } from '../../src/system/progress.ts'
import { describeStoreContract } from './contract.ts'

let directory: string
let stores = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-file-store-'))
})
afterAll(async () => {
  await rm(directory, { recursive: true })
})

const open = () => openStore(pathToFileURL(join(directory, `store-${stores++}`)), {})

describeStoreContract('file', open)

describeStoreContract('file, retried', async () =>
  withRetry(await open(), { maxRetries: 1, firstWaitMs: 1, longestWaitMs: 1 }, silent),
)
