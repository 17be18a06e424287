import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { silent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'
import { type Azurite, azuriteAccount, startAzurite } from '../servers/azurite.ts'
import { describeStoreContract } from './contract.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { failEveryFifth } from './unreliable.ts'

let azurite: Azurite
let proxy: FaultProxy
beforeAll(async () => {
  azurite = await startAzurite({ containers: ['models'] })
  proxy = await startFaultProxy(new URL(azurite.endpoint).origin)
  const busy = { status: 503, headers: { 'x-ms-error-code': 'ServerBusy' }, body: '' }
  failEveryFifth(proxy, busy, { content: ({ url = '' }) => !url.includes('comp=') })
})
afterAll(async () => {
  proxy.stop()
  await azurite.stop()
})

/** Azurite makes a slash of it. */
const unlike = ['back\\slash']

describeStoreContract('azure', () => open(azurite.endpoint), unlike)

describeStoreContract(
  'azure, every fifth request failing',
  async () => {
    const store = await open(`${proxy.endpoint}/${azuriteAccount.name}`)
    return withRetry(store, { maxRetries: 8, firstWaitMs: 1, longestWaitMs: 10 }, silent)
  },
  unlike,
)

async function open(endpointUrl: string): Promise<Store> {
  const azure = { account: azuriteAccount.name, key: secret(azuriteAccount.key) }
  return await openStore(new URL(`az://models/${randomUUID()}`), { endpointUrl, azure })
}
