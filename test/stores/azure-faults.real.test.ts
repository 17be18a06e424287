import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { openStore, type StoreOptions } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { silent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'
import { type Azurite, azuriteAccount, azuriteClient, containerSas, startAzurite } from '../servers/azurite.ts'
import {
  listKeys,
  never,
  putMultipart,
  putParts,
  putText,
  readText,
  sameBytes,
  sumsOf,
  threeParts,
} from './contract-tools.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

let azurite: Azurite
let proxy: FaultProxy
let store: Store
let prefix: string

beforeAll(async () => {
  azurite = await startAzurite({ containers: ['models'] })
})
afterAll(() => azurite.stop())
beforeEach(async () => {
  proxy = await startFaultProxy(new URL(azurite.endpoint).origin)
  prefix = randomUUID()
  store = await open()
})
afterEach(() => {
  store.close()
  proxy.stop()
})

async function open(options: StoreOptions = {}, container = 'models'): Promise<Store> {
  const azure = { account: azuriteAccount.name, key: secret(azuriteAccount.key) }
  const endpointUrl = `${proxy.endpoint}/${azuriteAccount.name}`
  return await openStore(new URL(`az://${container}/${prefix}`), { endpointUrl, azure, ...options })
}

const withSas = (permissions: string) => {
  const sasToken = secret(containerSas('models', permissions, Date.now() + 3600_000))
  return { azure: { account: azuriteAccount.name, sasToken } }
}
const wrongSas = secret('sv=2020-10-02&se=2099-01-01&sr=c&sp=rl&sig=AAAA')
const blockClient = (key: string) =>
  azuriteClient(azurite.endpoint).getContainerClient('models').getBlockBlobClient(`${prefix}/${key}`)

const isBlock = ({ method, url = '' }: IncomingMessage) => method === 'PUT' && /[?&]comp=block&/.test(url)
const isCommit = ({ method, url = '' }: IncomingMessage) => method === 'PUT' && url.includes('comp=blocklist')
const isPut = ({ method, headers }: IncomingMessage) => method === 'PUT' && 'x-ms-blob-type' in headers
const isCopy = ({ headers }: IncomingMessage) => 'x-ms-copy-source' in headers
const isHead = ({ method }: IncomingMessage) => method === 'HEAD'
const policy = { maxRetries: 3, firstWaitMs: 1, longestWaitMs: 5 }

describe('bytes that change on the way', () => {
  it.each([
    { what: 'an object', fits: isPut, send: () => putText(store, 'key', 'text') },
    { what: 'a block', fits: isBlock, send: () => putMultipart(store, 'key') },
  ])('are refused by the service: $what', async ({ fits, send }) => {
    proxy.always(fits, { type: 'corrupt' })
    await expect(send()).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH', mend: 'same' })
    expect(await listKeys(store)).toEqual([])
  })
})

describe('completing', () => {
  it('gives the same object when the answer got lost', async () => {
    proxy.next(isCommit, { type: 'lose-answer' })
    const { whole, stored } = await putMultipart(withRetry(store, policy, silent), 'blob')
    expect(stored).toEqual(await store.stat('blob', never))
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })

  it('needs a new upload when another one was completed meanwhile', async () => {
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const finished = await putParts(upload, parts, [1, 2, 3])
    const another = Buffer.from('another')
    const quicker = await store.openUpload('blob', { size: another.length, partSize, ...never })
    const other = await quicker.complete(sumsOf(another), await putParts(quicker, [another], [1]), never)
    await expect(upload.complete(sumsOf(whole), finished, never)).rejects.toMatchObject({
      code: 'UPLOAD_GONE',
      mend: 'new-upload',
    })
    expect(await store.stat('blob', never)).toEqual(other)
  })

  it('keeps the MD5 of the whole where somebody has computed it, and claims none where not', async () => {
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const finished = await putParts(upload, parts, [1, 2, 3])
    const md5 = Buffer.alloc(16, 7)
    const stored = await upload.complete({ ...sumsOf(whole), md5 }, finished, never)
    expect(stored.md5).toBe(md5.toString('hex'))
    expect(await store.stat('blob', never)).toEqual(stored)
    expect((await putMultipart(store, 'other')).stored.md5).toBeUndefined()
  })
})

describe('giving up', () => {
  it('leaves an object of that name as it is', async () => {
    await putText(store, 'blob', 'before')
    const before = await store.stat('blob', never)
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    await putParts(upload, parts, [1])
    const listed = await Array.fromAsync(store.listUploads?.('blob', never) ?? [])
    expect(listed.map(({ id }) => id)).toEqual([upload.saved.id])
    await upload.abort()
    expect(await Array.fromAsync(store.listUploads?.('blob', never) ?? [])).toEqual([])
    expect(await store.stat('blob', never)).toEqual(before)
  })

  it('leaves to other uploads of that name what is theirs', async () => {
    const { whole, partSize, parts } = threeParts(store)
    const begin = () => store.openUpload('blob', { size: whole.length, partSize, ...never })
    const [one, other] = [await begin(), await begin()]
    await putParts(one, parts, [1])
    const finished = await putParts(other, parts, [1, 2, 3])
    await one.abort()
    await other.complete(sumsOf(whole), finished, never)
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })
})

describe('an upload of another part size', () => {
  it('is another upload', async () => {
    const { whole, partSize } = threeParts(store)
    const { saved } = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const resume = { ...saved, partSize: partSize * 2 }
    const other = await store.openUpload('blob', { size: whole.length, partSize: partSize * 2, resume, ...never })
    expect(other.saved.id).not.toBe(saved.id)
    expect(other.partSize).toBe(partSize * 2)
  })
})

it('says when blocks of another tool are in the way', async () => {
  await blockClient('blob').stageBlock(Buffer.from('short').toString('base64'), 'text', 4)
  await expect(putMultipart(store, 'blob')).rejects.toMatchObject({
    category: 'unavailable',
    code: 'BLOCKS_OF_ANOTHER_TOOL',
    mend: 'not',
  })
})

describe('copying', () => {
  const pending = { 'x-ms-copy-id': 'the-copy', 'x-ms-copy-status': 'pending' }

  it('waits until the service is through', async () => {
    proxy.next(isCopy, { type: 'answer', status: 202, headers: pending, body: '' })
    for (let count = 0; count < 2; count++)
      proxy.next(isHead, { type: 'answer', status: 200, headers: pending, body: '' })
    const done = { ...pending, 'x-ms-copy-status': 'success', etag: '"0x1"', 'x-ms-meta-nimctlcrc32c': '0000000a' }
    proxy.next(isHead, { type: 'answer', status: 200, headers: done, body: '' })
    expect(await store.copy('from', 'to', never)).toEqual({ key: 'to', size: 0, etag: '0x1', notedCrc32c: 10 })
  })

  it.each([
    { 'x-ms-copy-id': 'the-copy', 'x-ms-copy-status': 'failed', 'x-ms-copy-status-description': '500 InternalError' },
    { 'x-ms-copy-id': 'another', 'x-ms-copy-status': 'success' },
    { 'x-ms-copy-id': 'the-copy', 'x-ms-copy-status': 'aborted' },
    { etag: '"of what was written over it"' },
  ])('does not take this for a copy: %j', async headers => {
    proxy.next(isCopy, { type: 'answer', status: 202, headers: pending, body: '' })
    proxy.next(isHead, { type: 'answer', status: 200, headers, body: '' })
    await expect(store.copy('from', 'to', never)).rejects.toMatchObject({ code: 'COPY_FAILED', mend: 'same' })
  })

  it('works with a SAS, which the source has to carry too', async () => {
    store = await open(withSas('racwl'))
    await putText(store, 'from', 'text')
    await store.copy('from', 'to', never)
    expect(await readText(store, 'to')).toBe('text')
  })
})

describe("requests that Azure's client thinks up", () => {
  const isRemoval = ({ method }: IncomingMessage) => method === 'DELETE'
  const isBlockList = ({ method, url = '' }: IncomingMessage) => method === 'GET' && url.includes('comp=blocklist')
  const uploads = () => Array.fromAsync(store.listUploads?.('blob', never) ?? [])

  it('are made once', async () => {
    const busy = { 'x-ms-error-code': 'ServerBusy', 'retry-after': '3' }
    proxy.always(() => true, { type: 'answer', status: 503, headers: busy, body: '' })
    const throttled = { code: 'STORE_THROTTLED', mend: 'same', retryAfterMs: 3000 }
    await expect(store.remove('key', never)).rejects.toMatchObject(throttled)
    expect(proxy.seen).toHaveLength(1)
  })

  it('end with the signal', async () => {
    const controller = new AbortController()
    const stop = (request: IncomingMessage) => {
      if (isRemoval(request)) controller.abort(new Error('told to stop'))
      return isRemoval(request)
    }
    proxy.next(stop, { type: 'stall' })
    await expect(store.remove('key', controller)).rejects.toThrow('told to stop')
  })

  it('have the same version, name and credentials as all others', async () => {
    store = await open(withSas('racwdl'))
    await putText(store, 'a b//c', 'text')
    const seen: IncomingMessage[] = []
    proxy.next(request => isRemoval(request) && seen.push(request) > 0, { type: 'refuse' })
    await expect(store.remove('a b//c', never)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' })
    expect(seen[0]?.headers).toMatchObject({ 'x-ms-version': '2021-12-02', 'user-agent': 'nimctl' })
    expect(seen[0]?.url).toMatch(/\/models\/[-0-9a-f]+\/a%20b\/\/c\?.*sig=/)
    await store.remove('a b//c', never)
    expect(await listKeys(store)).toEqual([])
  })

  it('say that something else answers', async () => {
    const headers = { 'content-type': 'application/xml' }
    proxy.next(isBlockList, { type: 'answer', status: 200, headers, body: '<BlockList' })
    await expect(uploads()).rejects.toMatchObject({ code: 'STORE_ANSWER_NOT_UNDERSTOOD' })
  })

  it('teach the time of the service too', async () => {
    const date = new Date(Date.now() - 3600_000).toUTCString()
    const refusal = { 'x-ms-error-code': 'AuthenticationFailed', date }
    proxy.next(isRemoval, { type: 'answer', status: 403, headers: refusal, body: '' })
    await expect(store.remove('key', never)).rejects.toMatchObject({ code: 'CLOCK_SKEW', mend: 'same' })
  })
})

describe('requests that are refused', () => {
  // Azurite calls all of them AuthorizationFailure; what Azure says is in azure-errors.test.ts.
  it.each<{ why: string; options: StoreOptions }>([
    { why: 'a wrong key', options: { azure: { account: azuriteAccount.name, key: secret('d3Jvbmc=') } } },
    { why: 'a SAS with a wrong signature', options: { azure: { account: azuriteAccount.name, sasToken: wrongSas } } },
    { why: 'nothing', options: { signRequests: false } },
  ])('with $why', async ({ options }) => {
    store = await open(options)
    await expect(store.list('', undefined, never)).rejects.toMatchObject({ category: 'auth', mend: 'not' })
  })

  it('a container that is not there, for reading and for writing', async () => {
    store = await open({}, 'absent')
    const missing = { category: 'not-found', code: 'BUCKET_NOT_FOUND' }
    await expect(store.list('', undefined, never)).rejects.toMatchObject(missing)
    await expect(store.read('key', undefined, never)).rejects.toMatchObject(missing)
    await expect(putText(store, 'key', 'text')).rejects.toMatchObject(missing)
  })

  it('writing with a SAS that permits reading alone', async () => {
    store = await open(withSas('rl'))
    await expect(putText(store, 'key', 'text')).rejects.toMatchObject({ category: 'auth', code: 'ACCESS_DENIED' })
  })

  it('reading with a SAS, or of a public container, is no such', async () => {
    await putText(store, 'key', 'text')
    store = await open(withSas('rl'))
    expect(await readText(store, 'key')).toBe('text')
    await azuriteClient(azurite.endpoint)
      .createContainer('open', { access: 'container' })
      .catch(() => undefined)
    const open_ = await open({}, 'open')
    await putText(open_, 'key', 'for all')
    store = await open({ signRequests: false }, 'open')
    expect(await readText(store, 'key')).toBe('for all')
    expect(await listKeys(store)).toEqual(['key'])
  })
})

describe('patience', () => {
  it('is had as long as the service asks for it', async () => {
    const busy = { 'x-ms-error-code': 'ServerBusy', 'retry-after': '3' }
    proxy.next(isPut, { type: 'answer', status: 503, headers: busy, body: '' })
    await expect(putText(store, 'key', 'text')).rejects.toMatchObject({ code: 'STORE_THROTTLED', retryAfterMs: 3000 })
  })

  it('is had with an answer to a listing that breaks off', async () => {
    await putText(store, 'key', 'text')
    proxy.next(({ method }) => method === 'GET', { type: 'cut-answer' })
    await expect(listKeys(store)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE', mend: 'same' })
    proxy.next(({ method }) => method === 'GET', { type: 'cut-answer' })
    expect(await listKeys(withRetry(store, policy, silent))).toEqual(['key'])
  })
})

it('learns the time of the service from a refusal, and signs with it', async () => {
  const date = new Date(Date.now() - 3600_000).toUTCString()
  const refusal = { 'x-ms-error-code': 'AuthenticationFailed', date }
  proxy.next(isPut, { type: 'answer', status: 403, headers: refusal, body: '' })
  await expect(putText(store, 'key', 'text')).rejects.toMatchObject({
    category: 'local',
    code: 'CLOCK_SKEW',
    mend: 'same',
  })
  const dates: unknown[] = []
  proxy.next(request => isPut(request) && dates.push(request.headers['x-ms-date']) > 0, { type: 'refuse' })
  await expect(putText(store, 'key', 'text')).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' })
  expect(Math.abs(Date.parse(String(dates[0])) - Date.parse(date))).toBeLessThan(60_000)
})

it('passes over the directories of accounts with a hierarchical namespace', async () => {
  await putText(store, 'folder/key', 'text')
  await blockClient('folder').upload('', 0, { metadata: { hdi_isfolder: 'true' } })
  expect(await listKeys(store)).toEqual(['folder/key'])
  expect(await store.stat('folder', never)).toBeUndefined()
})

it('takes what another tool wrote for an object without a note', async () => {
  await blockClient('theirs').upload('text', 4)
  const { objects } = await store.list('', undefined, never)
  const [object] = objects
  expect(object).toEqual({ key: 'theirs', size: 4, etag: expect.any(String), md5: '1cb251ec0d568de6a929b520c4aed8d1' })
  expect(await store.stat('theirs', never)).toEqual(object)
})
