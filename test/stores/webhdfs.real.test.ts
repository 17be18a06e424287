import type { IncomingMessage } from 'node:http'

import { beforeAll, describe, expect, it } from 'vitest'

import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { listKeys, putText } from './contract-tools.ts'
import { describeStoreContract } from './contract.ts'
import { failEveryFifth } from './unreliable.ts'
import { hdfsServer, severalPages } from './webhdfs-server.ts'

const server = hdfsServer()

describe('HDFS', () => {
  describeStoreContract('webhdfs', () => server.open('nobody'), [], { severalPages })

  it('says at once that a file and a directory would have the same name', async () => {
    const store = await server.open('nobody')
    await putText(store, 'file', 'text')
    await putText(store, 'folder/file', 'text')
    const conflict = { category: 'local', code: 'STORE_KEY_CONFLICT', mend: 'not' }
    await expect(putText(store, 'file/below', 'text')).rejects.toMatchObject(conflict)
    await expect(putText(store, 'folder', 'text')).rejects.toMatchObject(conflict)
    expect(await listKeys(store)).toEqual(['file', 'folder/file'])
  })
})

describe('HDFS, of whose requests every fifth fails', () => {
  const busy = { status: 503, headers: { 'retry-after': '0' }, body: '' }
  // A datanode takes a moment to notice that a writer has gone, and until then the file is open.
  const patience = { maxRetries: 30, firstWaitMs: 1, longestWaitMs: 20 }
  let retries = 0
  let before = 0

  beforeAll(() => {
    before = seen()
    const content = ({ url }: IncomingMessage) => url?.includes('op=OPEN') === true
    failEveryFifth(server.namenode, busy)
    // A second empty file of another id would be begun where the answer to the first is lost.
    const once = ({ method, url = '', headers }: IncomingMessage) =>
      method === 'PUT' && url.includes('op=CREATE') && headers['content-length'] === '0'
    failEveryFifth(server.datanode, busy, { content, once })
    return () => {
      server.namenode.calm()
      server.datanode.calm()
    }
  })
  const openRetried = async (): Promise<Store> => {
    return withRetry(await server.open('proxies'), patience, event => {
      if (event.event === 'retrying') retries += 1
    })
  }
  describeStoreContract('webhdfs', openRetried, [], { severalPages })
  it('fails indeed', () => expect(retries / (seen() - before)).toBeGreaterThan(0.1))

  const seen = () => server.namenode.seen.length + server.datanode.seen.length
})
