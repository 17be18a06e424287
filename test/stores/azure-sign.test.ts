import { createSecretKey } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { sharedKeyAuthorization } from '../../src/stores/azure/sign.ts'

const account = 'theaccount'
const key = Buffer.from('a key of some bytes').toString('base64')
let seen: IncomingMessage | undefined
const server = createServer((incoming, outgoing) => {
  seen = incoming
  incoming.resume().on('end', () => outgoing.writeHead(400).end())
})
beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => void server.close())

type Client = ReturnType<BlobServiceClient['getContainerClient']>

const requests: Record<string, (client: Client) => Promise<unknown>> = {
  'Put Blob': client =>
    client.getBlockBlobClient('p/ü (1) + %2F').upload('text', 4, {
      metadata: { nimctlcrc32c: '01234567' },
      conditions: { ifNoneMatch: '*' },
      blobHTTPHeaders: { blobContentMD5: Buffer.alloc(16) },
    }),
  'Put Blob without a byte': client => client.getBlockBlobClient('empty').upload('', 0),
  'Put Block': client =>
    client.getBlockBlobClient('b').stageBlock('bmltY3Rs+/8=', 'text', 4, { transactionalContentMD5: Buffer.alloc(16) }),
  'Put Block List': client => client.getBlockBlobClient('b').commitBlockList(['bmltY3Rs']),
  'Get Block List': client => client.getBlockBlobClient('b').getBlockList('uncommitted'),
  'Get Blob': client => client.getBlobClient('b').download(10, 5, { conditions: { ifMatch: '"0x1"' } }),
  'Get Blob Properties': client => client.getBlobClient('b').getProperties(),
  'Delete Blob': client => client.getBlobClient('b').delete({ conditions: { ifMatch: '"0x1"' } }),
  'Copy Blob': client => client.getBlobClient('b').beginCopyFromURL('https://example.com/a%20b'),
  'List Blobs': client =>
    client.listBlobsFlat({ prefix: 'a b/ü&=', includeMetadata: true }).byPage({ maxPageSize: 7 }).next(),
}

it.each(Object.entries(requests))("signs as Azure's own client does: %s", async (_, make) => {
  const { port } = server.address() as AddressInfo
  const endpoint = `http://127.0.0.1:${port}/${account}`
  const service = new BlobServiceClient(endpoint, new StorageSharedKeyCredential(account, key), {
    retryOptions: { maxTries: 1 },
  })
  await make(service.getContainerClient('models')).catch(() => undefined)
  const { method = '', url = '', headers = {} } = seen ?? {}
  const { pathname, searchParams } = new URL(url, endpoint)
  const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  const request = { method, path: pathname, query: Object.fromEntries(searchParams), headers: texts }
  expect(sharedKeyAuthorization(request, account, createSecretKey(key, 'base64'))).toBe(headers.authorization)
})
