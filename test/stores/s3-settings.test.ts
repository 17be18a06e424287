import type { IncomingMessage } from 'node:http'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { copyInParts } from '../../src/stores/s3/copy.ts'
import { openSession } from '../../src/stores/s3/session.ts'
import type { S3Settings } from '../../src/stores/s3/settings.ts'
import type { Store } from '../../src/stores/store.ts'
import { never, putText, readText, sumsOf } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'
import { type Given, type StandIn, startStandIn } from './stand-in-s3.ts'

useEnvironment({ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' })

const everything: S3Settings = {
  requestPayer: 'requester',
  sse: 'aws:kms',
  sseKmsKeyId: 'alias/models',
  storageClass: 'INTELLIGENT_TIERING',
  tagging: 'team=ml&stage=a%20b',
}
const paying = { 'x-amz-request-payer': 'requester' }
const making = {
  'x-amz-server-side-encryption': 'aws:kms',
  'x-amz-server-side-encryption-aws-kms-key-id': 'alias/models',
  'x-amz-storage-class': 'INTELLIGENT_TIERING',
  'x-amz-tagging': 'team=ml&stage=a%20b',
}
const url = new URL('s3://bucket/prefix')
const text = Buffer.from('text')

let server: StandIn
let options: { endpointUrl: string; s3: S3Settings }

beforeEach(async () => {
  server = await startStandIn(answer)
  options = { endpointUrl: `http://127.0.0.1:${server.port}`, s3: everything }
})
afterEach(() => server.stop())

/** Enough of every answer for the next request to be made. */
function answer({ method, url: path = '', headers }: IncomingMessage): Given {
  const sum = 'x-amz-checksum-crc32c' in headers ? String(headers['x-amz-checksum-crc32c']) : 'hqEyew=='
  const known = { etag: '"0123"', 'x-amz-checksum-crc32c': sum, 'content-length': '4' }
  if (method === 'HEAD') return { headers: known }
  if ('x-amz-copy-source' in headers) return { body: '<R><ETag>"0123"</ETag></R>' }
  if (path.includes('list-type=2')) return { body: '<ListBucketResult></ListBucketResult>' }
  if (/[?&]uploads/.test(path) && method === 'GET') return { body: '<ListMultipartUploadsResult/>' }
  if (path.includes('?uploads') && method === 'POST') return { body: '<R><UploadId>id</UploadId></R>' }
  if (method === 'POST') return { body: '<R><ETag>"0123"</ETag><ChecksumCRC32C>hqEyew==</ChecksumCRC32C></R>' }
  return method === 'PUT' ? { headers: { etag: known.etag, 'x-amz-checksum-crc32c': sum } } : { body: 'text' }
}

/** Headers of what was seen, as far as settings concern them, by what was asked. */
function settingsSeen(): [string, Record<string, unknown>][] {
  return server.seen.map(({ method, url: path = '', headers }) => [
    `${method} ${path.replace(/&?x-id=\w+/, '')}`,
    Object.fromEntries(
      Object.entries(headers).filter(([name]) => /^x-amz-(request-payer|server-side|storage-class|tagging)/.test(name)),
    ),
  ])
}

const operations: [string, (store: Store) => Promise<unknown>, Record<string, string>][] = [
  ['put', store => putText(store, 'key', 'text'), { ...paying, ...making }],
  [
    'beginning an upload',
    store => store.openUpload('key', { size: 4, partSize: 4, ...never }),
    { ...paying, ...making },
  ],
  ['stat', store => store.stat('key', never), paying],
  ['list', store => store.list('', undefined, never), paying],
  ['read', store => readText(store, 'key'), paying],
  ['remove', store => store.remove('key', never), paying],
  ['listing uploads', store => Array.fromAsync(store.listUploads?.('', never) ?? []), paying],
  ['aborting', async store => store.abortUpload?.({ key: 'key', id: 'id', partSize: 4 }, never), paying],
]

it.each(operations)('%s says what settings are for it', async (_name, operate, expected) => {
  const store = await openStore(url, options)
  await operate(store)
  expect(settingsSeen().map(([, headers]) => headers)).toEqual([expected])
  expect(server.seen[0]?.headers.authorization).toContain('x-amz-request-payer')
  store.close()
})

it('parts and their completion take what their upload has', async () => {
  const store = await openStore(url, options)
  const upload = await store.openUpload('key', { size: 4, partSize: 4, ...never })
  const part = await upload.putPart(1, text, sumsOf(text), never)
  await upload.complete(sumsOf(text), [part], never)
  expect(
    settingsSeen()
      .slice(1)
      .map(([, headers]) => headers),
  ).toEqual([paying, paying])
  store.close()
})

it('a copy says them anew, and that its tags are not those of the source', async () => {
  const store = await openStore(url, options)
  await store.copy('from', 'to', never)
  expect(settingsSeen().map(([, headers]) => headers)).toEqual([
    paying,
    { ...paying, ...making, 'x-amz-tagging-directive': 'REPLACE' },
  ])
  store.close()
})

it('a copy in parts says them where it begins', async () => {
  const session = await openSession(url, options)
  const source = { key: 'from', size: 8, etag: '0123' }
  await copyInParts(session, { from: session, source, to: 'to', partSize: 4, ...never })
  const [begun, ...others] = settingsSeen().map(([, headers]) => headers)
  expect(begun).toEqual({ ...paying, ...making })
  expect(others.every(headers => JSON.stringify(headers) === JSON.stringify(paying))).toBe(true)
  session.close()
})

describe('without settings', () => {
  it('nothing is said of them', async () => {
    const store = await openStore(url, { ...options, s3: {} })
    await putText(store, 'key', 'text')
    await store.copy('from', 'to', never)
    expect(settingsSeen().map(([, headers]) => headers)).toEqual([{}, {}, {}])
    store.close()
  })
})
