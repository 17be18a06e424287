import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { type ProgressEvent, silent } from '../../src/system/progress.ts'
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
import { useEnvironment } from './environment.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { s3Server } from './s3-server.ts'

const { bucket, endpoint, env } = s3Server()
useEnvironment(env)

let proxy: FaultProxy
let store: Store

beforeEach(async () => {
  proxy = await startFaultProxy(endpoint)
  store = await openStore(new URL(`s3://${bucket}/${randomUUID()}`), { endpointUrl: proxy.endpoint })
})
afterEach(() => {
  store.close()
  proxy.stop()
})

const isCompletion = ({ method, url = '' }: IncomingMessage) => method === 'POST' && url.includes('uploadId=')
const isPart = ({ method, url = '' }: IncomingMessage) => method === 'PUT' && url.includes('partNumber=')
const isPut = ({ method, url = '' }: IncomingMessage) => method === 'PUT' && !url.includes('uploadId=')
const xml = (code: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said the proxy</Message></Error>`
const policy = { maxRetries: 3, firstWaitMs: 1, longestWaitMs: 5 }

describe('completing', () => {
  it('counts when only the answer got lost', async () => {
    proxy.next(isCompletion, { type: 'lose-answer' })
    const { whole, stored } = await putMultipart(store, 'blob')
    expect(stored).toMatchObject({ size: whole.length, crc32c: sumsOf(whole).crc32c })
    expect(proxy.seen.filter(line => line.startsWith('POST') && line.includes('uploadId='))).toHaveLength(1)
  })

  it('counts when the answer got lost and the server is asked again', async () => {
    proxy.next(isCompletion, { type: 'lose-answer' })
    proxy.next(({ method }) => method === 'HEAD', { type: 'lose-answer' })
    const { whole } = await putMultipart(withRetry(store, policy, silent), 'blob')
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })

  it('does not count when the request never arrived, and can be asked for again', async () => {
    proxy.next(isCompletion, { type: 'reset' })
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const finished = await putParts(upload, parts, [1, 2, 3])
    await expect(upload.complete(sumsOf(whole), finished, never)).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      mend: 'same',
    })
    expect(await listKeys(store)).toEqual([])
    await upload.complete(sumsOf(whole), finished, never)
    expect(await listKeys(store)).toEqual(['blob'])
  })

  it('does not count when status 200 carries an error', async () => {
    proxy.next(isCompletion, { type: 'answer', status: 200, body: xml('InternalError') })
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const finished = await putParts(upload, parts, [1, 2, 3])
    await expect(upload.complete(sumsOf(whole), finished, never)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      mend: 'same',
    })
    await upload.complete(sumsOf(whole), finished, never)
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })

  it('is refused by the server when parts and total lie together', async () => {
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const finished = await putParts(upload, parts, [1, 2, 3])
    // The combination of a changed last part is the same change of the total.
    const forged = finished.map(part => (part.number === 3 ? { ...part, crc32c: (part.crc32c ^ 5) >>> 0 } : part))
    const total = { crc32c: (sumsOf(whole).crc32c ^ 5) >>> 0 }
    await expect(upload.complete(total, forged, never)).rejects.toMatchObject({ mend: 'new-upload' })
    expect(await listKeys(store)).toEqual([])
  })
})

describe('a part', () => {
  it('goes again after the connection broke in the middle of it', async () => {
    const events: ProgressEvent[] = []
    proxy.next(isPart, { type: 'reset' })
    const { whole } = await putMultipart(
      withRetry(store, policy, event => events.push(event)),
      'blob',
    )
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
    expect(events).toMatchObject([{ event: 'retrying', attempt: 1 }])
  })

  it('waits as long as the server asks', async () => {
    const events: ProgressEvent[] = []
    const headers = { 'retry-after': '1' }
    proxy.next(isPart, { type: 'answer', status: 503, headers, body: xml('SlowDown') })
    const begun = performance.now()
    await putMultipart(
      withRetry(store, policy, event => events.push(event)),
      'blob',
    )
    // Timers may fire a little early.
    expect(performance.now() - begun).toBeGreaterThan(950)
    expect(events).toMatchObject([{ event: 'retrying', waitMs: 1000 }])
  })

  it('says why when an early refusal is lost in a reset', async () => {
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    await upload.abort()
    proxy.next(isPart, { type: 'reset' })
    await expect(putParts(upload, parts, [1])).rejects.toMatchObject({ code: 'UPLOAD_GONE', mend: 'new-upload' })
  })
})

describe('a server without the newer checksums', () => {
  const withCrc = ({ headers }: IncomingMessage) =>
    'x-amz-checksum-crc32c' in headers || 'x-amz-checksum-algorithm' in headers

  it.each([
    [400, 'InvalidRequest'],
    [501, 'NotImplemented'],
    [403, 'SignatureDoesNotMatch'],
  ])('that refuses them with %i %s gets Content-MD5', async (status, code) => {
    proxy.always(withCrc, { type: 'answer', status, body: xml(code) })
    await putText(store, 'small', 'text')
    expect(store.capabilities.statProof).toBe('parts')
    expect(await readText(store, 'small')).toBe('text')
    const { whole } = await putMultipart(store, 'blob')
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })

  it('that refuses them gets Content-MD5 when a part comes first', async () => {
    proxy.always(withCrc, { type: 'answer', status: 400, body: xml('InvalidArgument') })
    const { whole } = await putMultipart(store, 'blob')
    expect(store.capabilities.statProof).toBe('parts')
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })

  it.each(['small', 'parts'])('that takes them and forgets them gets Content-MD5 (%s first)', async first => {
    const headers = ['x-amz-checksum-crc32c', 'x-amz-checksum-type', 'x-amz-checksum-algorithm']
    proxy.always(() => true, { type: 'strip', headers })
    if (first === 'small') await putText(store, 'small', 'text')
    const { whole } = await putMultipart(store, 'blob')
    expect(store.capabilities.statProof).toBe('parts')
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })

  it('decides a lost completion by the ETag', async () => {
    proxy.always(withCrc, { type: 'answer', status: 400, body: xml('InvalidArgument') })
    proxy.next(isCompletion, { type: 'lose-answer' })
    const { whole } = await putMultipart(store, 'blob')
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })

  it('is not blamed for what else is wrong', async () => {
    proxy.always(isPut, { type: 'answer', status: 403, body: xml('SignatureDoesNotMatch') })
    await expect(putText(store, 'small', 'text')).rejects.toMatchObject({ code: 'CREDENTIALS_REFUSED' })
    expect(store.capabilities.statProof).toBe('full-checksum')
  })
})

it('asks for the reason that an answer to HEAD can not carry', async () => {
  proxy.always(({ method }) => method === 'HEAD', { type: 'answer', status: 400, body: '' })
  proxy.next(({ method }) => method === 'GET', { type: 'answer', status: 400, body: xml('ExpiredToken') })
  await expect(store.stat('key', never)).rejects.toMatchObject({ code: 'CREDENTIALS_EXPIRED', mend: 'new-credentials' })
  await expect(store.stat('key', never)).rejects.toMatchObject({ code: 'STORE_REQUEST_REFUSED' })
})

it('fails as unreachable when the answer breaks off while it is read', async () => {
  await putText(store, 'key', 'text')
  proxy.next(({ method }) => method === 'GET', { type: 'lose-answer' })
  await expect(store.read('key', undefined, never)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' })
  expect((await buffer(await store.read('key', undefined, never))).toString()).toBe('text')
})

it('never signs the body, nor sends a trailer', async () => {
  const headers: string[] = []
  proxy.always(
    request => {
      if (isPut(request) || isPart(request)) {
        const { 'x-amz-content-sha256': signed, 'transfer-encoding': transfer } = request.headers
        headers.push(`${String(signed)} ${String(transfer)}`)
      }
      return false
    },
    { type: 'reset' },
  )
  await putText(store, 'small', 'text')
  await putText(store, 'empty', '')
  await putMultipart(store, 'blob')
  expect(new Set(headers)).toEqual(new Set(['UNSIGNED-PAYLOAD undefined']))
})
