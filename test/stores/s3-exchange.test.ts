import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

import { openStore, type StoreOptions } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store } from '../../src/stores/store.ts'
import { crc32cToBase64 } from '../../src/system/hash.ts'
import { silent } from '../../src/system/progress.ts'
import { never, putText, sumsOf } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'
import { type Given, type StandIn, startStandIn, taken } from './stand-in-s3.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'nimctl-exchange-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

useEnvironment({ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' })

const running: { stop?: () => void; close?: () => void }[] = []
afterEach(() => {
  for (const each of running.splice(0)) (each.stop ?? each.close)?.call(each)
})

type Answering = (count: number, request: IncomingMessage) => Given | undefined

async function start(answering: Answering, options: StoreOptions = {}): Promise<{ store: Store; server: StandIn }> {
  const server = await startStandIn((request, count) => answering(count, request))
  const store = await openStore(new URL('s3://bucket/prefix'), {
    endpointUrl: `http://127.0.0.1:${server.port}`,
    ...options,
  })
  running.push(server, store)
  return { store, server }
}

const policy = { maxRetries: 2, firstWaitMs: 1, longestWaitMs: 2 }
const error = (code: string) => `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`

describe('a request', () => {
  it('carries what protects and names the bytes, and nothing that waits', async () => {
    const { store, server } = await start(taken)
    await putText(store, 'a b', 'text')
    expect(server.seen[0]).toMatchObject({ method: 'PUT', url: '/bucket/prefix/a%20b' })
    const headers = server.seen[0]?.headers
    expect(headers).toMatchObject({
      'content-length': '4',
      'content-type': 'application/octet-stream',
      'x-amz-checksum-crc32c': crc32cToBase64(sumsOf(Buffer.from('text')).crc32c),
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      authorization: expect.stringContaining('SignedHeaders=content-type;host;x-amz-checksum-crc32c;'),
    })
    expect(Object.keys(headers ?? {})).not.toContain('expect')
    expect(Object.keys(headers ?? {})).not.toContain('transfer-encoding')
  })

  it("carries the session's token", async () => {
    vi.stubEnv('AWS_SESSION_TOKEN', 'token')
    const { store, server } = await start(taken)
    await putText(store, 'key', 'text')
    expect(server.seen[0]?.headers['x-amz-security-token']).toBe('token')
  })

  it('is not signed when nothing is to be', async () => {
    const { store, server } = await start(taken, { signRequests: false })
    await putText(store, 'key', 'text')
    expect(server.seen[0]?.headers.authorization).toBeUndefined()
  })

  it('goes over one connection after the other', async () => {
    const { store, server } = await start(taken)
    for (const text of ['one', 'two', 'six']) await putText(store, 'key', text)
    expect(new Set(server.seen.map(({ socket }) => socket.remotePort)).size).toBe(1)
  })
})

describe('an answer', () => {
  it('teaches the time of the server', async () => {
    const there = Date.now() + 3_600_000
    const skewed = {
      status: 403,
      headers: { date: new Date(there).toUTCString() },
      body: error('RequestTimeTooSkewed'),
    }
    const { store, server } = await start((count, request) => (count === 1 ? skewed : taken(count, request)))
    await putText(withRetry(store, policy, silent), 'key', 'text')
    const signed = String(server.seen[1]?.headers['x-amz-date'])
    const [, year, month, day, hour, minute, second] = /^(.{4})(..)(..)T(..)(..)(..)Z$/.exec(signed) ?? []
    expect(Math.abs(Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - there)).toBeLessThan(30_000)
  })

  it('asks for new credentials', async () => {
    const file = join(directory, 'credentials')
    const write = (key: string) =>
      writeFileSync(file, `[default]\naws_access_key_id=${key}\naws_secret_access_key=secret\naws_session_token=t\n`)
    write('OLD')
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file)
    const expired = () => {
      write('NEW')
      return { status: 400, body: error('ExpiredToken') }
    }
    const { store, server } = await start((count, request) => (count === 1 ? expired() : taken(count, request)))
    await putText(withRetry(store, policy, silent), 'key', 'text')
    expect(server.seen.map(({ headers }) => /Credential=(\w+)/.exec(headers.authorization ?? '')?.[1])).toEqual([
      'OLD',
      'NEW',
    ])
  })

  it.each<[string, string, Given]>([
    ['STORE_THROTTLED', 'same', { status: 200, body: error('SlowDown') }],
    ['STORE_FAILED', 'same', { status: 200, body: `${' '.repeat(100)}${error('InternalError')}` }],
    ['STORE_FAILED', 'same', { status: 200, body: '' }],
    ['STORE_ANSWER_NOT_UNDERSTOOD', 'not', { status: 200, body: '<html><body>Sign in</body></html>' }],
    ['STORE_THROTTLED', 'same', { status: 503, headers: { 'retry-after': '3' }, body: '<html>' }],
    ['WRONG_REGION', 'not', { status: 301, headers: { 'x-amz-bucket-region': 'eu-west-1' } }],
    ['STORE_REQUEST_REFUSED', 'not', { status: 400, body: 'x'.repeat(2_000_000) }],
  ])('to a copy may say %s, mended by: %s', async (code, mend, given) => {
    const head = { headers: { 'content-length': '4', etag: '"1"' } }
    const { store } = await start(count => (count === 1 ? head : given))
    await expect(store.copy('from', 'to', never)).rejects.toMatchObject({ code, mend })
  })

  it('to a copy is read with its entities', async () => {
    const body =
      '<CopyObjectResult xmlns="x"><ETag>&quot;ab&#99;&quot;</ETag><ChecksumCRC32C>hqEyew==</ChecksumCRC32C></CopyObjectResult>'
    const head = { headers: { 'content-length': '4', etag: '"1"' } }
    const { store } = await start(count => (count === 1 ? head : { body }))
    expect(await store.copy('from', 'to', never)).toEqual({ key: 'to', size: 4, etag: 'abc', crc32c: 0x86a1327b })
  })

  it('that never comes ends when it is told to', async () => {
    const { store } = await start(() => undefined)
    const stop = new AbortController()
    const reason = new Error('told to stop')
    setTimeout(() => stop.abort(reason), 50)
    const bytes = Buffer.from('text')
    await expect(store.put('key', bytes, sumsOf(bytes), { signal: stop.signal })).rejects.toBe(reason)
  })
})
