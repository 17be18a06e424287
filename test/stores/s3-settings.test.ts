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
  encrypts = 'aws:kms'
  server = await startStandIn(answer)
  options = { endpointUrl: `http://127.0.0.1:${server.port}`, s3: everything }
})
afterEach(() => server.stop())

let encrypts: string | undefined

/** Enough of every answer for the next request to be made. */
function answer(request: IncomingMessage): Given {
  const { headers = {}, ...given } = answerTo(request)
  return {
    ...given,
    headers: { ...headers, ...(encrypts !== undefined && { 'x-amz-server-side-encryption': encrypts }) },
  }
}

function answerTo({ method, url: path = '', headers }: IncomingMessage): Given {
  const sum = String(headers['x-amz-checksum-crc32c'] ?? 'hqEyew==')
  const known = { etag: '"0123"', 'x-amz-checksum-crc32c': sum }
  if (method === 'HEAD') return { headers: { ...known, 'content-length': '4' } }
  if ('x-amz-copy-source' in headers) return { body: '<R><ETag>"0123"</ETag></R>' }
  if (path.includes('list-type=2')) return { body: '<ListBucketResult></ListBucketResult>' }
  if (/[?&]uploads/.test(path) && method === 'GET') return { body: '<ListMultipartUploadsResult/>' }
  if (/[?&]uploads/.test(path)) return { body: '<R><UploadId>id</UploadId></R>' }
  if (method === 'POST') return { body: '<R><ETag>"0123"</ETag><ChecksumCRC32C>hqEyew==</ChecksumCRC32C></R>' }
  return method === 'PUT' ? { headers: known } : { body: 'text' }
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
  ).toEqual([paying, paying, paying])
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

it('says nothing of what is not set', async () => {
  const store = await openStore(url, { ...options, s3: {} })
  await putText(store, 'key', 'text')
  await store.copy('from', 'to', never)
  expect(settingsSeen().map(([, headers]) => headers)).toEqual([{}, {}, {}])
  store.close()
})

describe('a server that does not say that it encrypts', () => {
  const inTheClear = { category: 'check-failed', code: 'ENCRYPTION_NOT_CONFIRMED', mend: 'not' }

  it.each([undefined, 'AES256'])('but %s, fails what is written', async said => {
    encrypts = said
    const store = await openStore(url, options)
    await expect(putText(store, 'key', 'text')).rejects.toMatchObject(inTheClear)
    await expect(store.copy('from', 'to', never)).rejects.toMatchObject(inTheClear)
    const upload = await store.openUpload('key', { size: 4, partSize: 4, ...never })
    const part = await upload.putPart(1, text, sumsOf(text), never)
    await expect(upload.complete(sumsOf(text), [part], never)).rejects.toMatchObject(inTheClear)
    store.close()
  })

  it('is asked once more by HEAD', async () => {
    encrypts = undefined
    const store = await openStore(url, options)
    const failed = putText(store, 'key', 'text')
    await expect(failed).rejects.toMatchObject({ why: 'It says nothing of encryption.' })
    expect(server.seen.map(({ method }) => method)).toEqual(['PUT', 'HEAD'])
    store.close()
  })

  it('is not asked where nobody wants it', async () => {
    encrypts = undefined
    const store = await openStore(url, { ...options, s3: {} })
    await putText(store, 'key', 'text')
    expect(server.seen).toHaveLength(1)
    store.close()
  })
})
