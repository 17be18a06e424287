import { writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import { translateHttpsError } from '../../src/stores/https/errors.ts'
import { foldersAbove } from '../../src/stores/https/location.ts'
import { MultistatusError, readMultistatus } from '../../src/stores/https/multistatus.ts'
import type { HttpsSettings } from '../../src/stores/https/settings.ts'
import { openStore } from '../../src/stores/open.ts'
import { secret } from '../../src/system/secret.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { never, putText, readText, sumsOf } from './contract-tools.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

/** Answers 404 to whatever the listener leaves alone. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    listener(request, response)
    if (!response.writableEnded) response.writeHead(404).end()
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const open = (endpoint: string, https: HttpsSettings = {}) => openStore(new URL(`${endpoint}/models`), { https })

it('knows the folders above a path, the deepest first', () => {
  expect(foldersAbove('/a/b/c')).toEqual(['/a/b/', '/a/'])
  expect(foldersAbove('/a/b/')).toEqual(['/a/'])
  expect(foldersAbove('/a')).toEqual([])
})

it.each(['https://host/models?x=1', 'https://host/models#x'])('refuses the address %s', async url => {
  await expect(openStore(new URL(url), {})).rejects.toMatchObject({ category: 'usage', code: 'STORE_URL_INVALID' })
})

it.each(['a//b', 'a/', 'lone \ud800'])('refuses the key %j', async key => {
  const store = await open(await serve(() => {}))
  await expect(putText(store, key, 'x')).rejects.toMatchObject({ category: 'usage', code: 'STORE_KEY_NOT_ALLOWED' })
})

describe('credentials', () => {
  it.each([
    ['in the address', 'someone:p%40ss@', {}, `Basic ${Buffer.from('someone:p@ss').toString('base64')}`],
    ['of the environment', '', { username: 'u', password: secret('p') }, 'Basic dTpw'],
    ['first of all in the address', 'u:p@', { token: secret('t') }, 'Basic dTpw'],
    ['as a token', '', { token: secret('tok.en') }, 'Bearer tok.en'],
  ])('%s go with every request', async (_, user, https, expected) => {
    const seen = new Set<string | undefined>()
    const endpoint = await serve(({ headers }) => void seen.add(headers.authorization))
    const store = await openStore(new URL(`${endpoint.replace('//', `//${user}`)}/models`), { https })
    await store.stat('key', never)
    expect([...seen]).toEqual([expected])
    expect(store.url.href).not.toContain('@')
  })

  it('are read anew from a file when they are no longer accepted', async () => {
    const file = join(await temporaryDirectory(), 'token')
    await writeFile(file, 'first\n')
    let accepted = 'first'
    const endpoint = await serve(({ headers }, response) => {
      if (headers.authorization !== `Bearer ${accepted}`) response.writeHead(401).end()
    })
    const store = await open(endpoint, { tokenFile: file })
    accepted = 'second'
    const expired = { category: 'auth', code: 'CREDENTIALS_EXPIRED', mend: 'new-credentials' }
    await expect(store.stat('key', never)).rejects.toMatchObject(expired)
    await writeFile(file, 'second\n')
    expect(await store.stat('key', never)).toBeUndefined()
  })

  it('are not needed where anybody may read', async () => {
    const endpoint = await serve(({ method }, response) => {
      if (method === 'GET') response.writeHead(200, { 'content-length': '2' }).end('ok')
      else if (method !== 'HEAD') response.writeHead(401).end()
    })
    expect(await readText(await open(endpoint), 'key')).toBe('ok')
  })

  it('come as headers of a file', async () => {
    const file = join(await temporaryDirectory(), 'headers')
    await writeFile(file, 'X-JFrog-Art-Api: key\n\nX-Other:   two words\n')
    let seen: unknown
    const endpoint = await serve(({ headers }) => {
      seen = [headers['x-jfrog-art-api'], headers['x-other']]
    })
    await open(endpoint, { headerFile: file })
    expect(seen).toEqual(['key', 'two words'])
  })

  it('are not shown where a file holds something else', async () => {
    const file = join(await temporaryDirectory(), 'headers')
    await writeFile(file, 'X-Good: yes\nhunter2\n')
    const error = await open('http://127.0.0.1:1', { headerFile: file }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ category: 'usage', code: 'HEADER_FILE_INVALID' })
    expect(String(error)).toContain('Line 2')
    expect(JSON.stringify([error, String(error)])).not.toContain('hunter2')
  })

  it('go to no other host, and bodies are not sent on', async () => {
    const elsewhere: unknown[] = []
    const other = await serve(({ method, headers }) => void elsewhere.push([method, headers]))
    const endpoint = await serve(({ method, url = '' }, response) => {
      if (method === 'GET' && url === '/models/near') response.writeHead(302, { location: '/elsewhere' }).end()
      if (method === 'GET' && url === '/elsewhere') response.writeHead(200, { 'content-length': '2' }).end('ok')
      if (url.startsWith('/models/far')) response.writeHead(307, { location: `${other}/far?sig=hunter2` }).end()
    })
    const store = await open(endpoint, { token: secret('token') })
    expect(await readText(store, 'near')).toBe('ok')
    const refused = { category: 'usage', code: 'STORE_REDIRECTED', why: expect.not.stringContaining('hunter2') }
    await expect(store.read('far', undefined, never)).rejects.toMatchObject(refused)
    await expect(putText(store, 'far', 'x')).rejects.toMatchObject(refused)
    expect(elsewhere).toEqual([])
  })
})

it('gives no part of a file from a server that takes no notice of ranges', async () => {
  const endpoint = await serve(({ method }, response) => {
    if (method === 'GET') response.writeHead(200, { 'content-length': '4' }).end('text')
  })
  const store = await open(endpoint)
  expect(await readText(store, 'key', { start: 0, end: 3 })).toBe('text')
  await expect(store.read('key', { start: 1, end: 2 }, never)).rejects.toMatchObject({ code: 'STORE_UNSUPPORTED' })
})

it('begins a file anew when its one request has failed', async () => {
  let puts = 0
  const endpoint = await serve(({ method, socket }) => {
    if (method === 'PUT' && ++puts === 1) socket.destroy()
  })
  const store = await open(endpoint)
  const bytes = Buffer.alloc(300_000)
  const upload = await store.openUpload('key', { size: 600_000, partSize: 300_000, ...never })
  const send = async () => {
    const parts = [
      await upload.putPart(1, bytes, sumsOf(bytes), never),
      await upload.putPart(2, bytes, sumsOf(bytes), never),
    ]
    await upload.complete(sumsOf(Buffer.alloc(600_000)), parts, never)
  }
  await expect(send()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE', mend: 'new-upload' })
  await expect(upload.putPart(1, bytes, sumsOf(bytes), never)).rejects.toMatchObject({ code: 'UPLOAD_GONE' })
})

describe('a whole file whose answer is lost', () => {
  const bytes = Buffer.alloc(300_000, 'x')
  const sendOver = async (before: string | undefined, after: string | undefined, size = bytes.length) => {
    let puts = 0
    const server = createServer((request, response) => {
      const etag = puts === 0 ? before : after
      if (request.method === 'PUT') {
        puts += 1
        request.resume().on('end', () => request.socket.destroy())
      } else if (request.method === 'HEAD' && etag !== undefined) {
        response.writeHead(200, { 'content-length': size, etag }).end()
      } else response.writeHead(404).end()
    })
    servers.push(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const store = await open(endpoint)
    const upload = await store.openUpload('key', { size: bytes.length, partSize: bytes.length, ...never })
    const part = await upload.putPart(1, bytes, sumsOf(bytes), never)
    return await upload.complete(sumsOf(bytes), [part], never)
  }

  it.each([
    ['was not there before', undefined, '"1"'],
    ['has another ETag than before', '"1"', '"2"'],
  ])('is there when a file of its size %s', async (_, before, after) => {
    expect(await sendOver(before, after)).toMatchObject({ key: 'key', size: bytes.length })
  })

  it.each([
    ['nothing is there', undefined, undefined, bytes.length],
    ['what is there was there before', '"1"', '"1"', bytes.length],
    ['what is there is shorter', undefined, '"1"', bytes.length - 1],
  ])('is sent again when %s', async (_, before, after, size) => {
    await expect(sendOver(before, after, size)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE', mend: 'new-upload' })
  })
})

it('hears a refusal before it sends the bytes', async () => {
  const endpoint = await serve(() => {})
  servers.at(-1)?.on('checkContinue', (_, response) => response.writeHead(413).end())
  const store = await open(endpoint)
  const bytes = Buffer.alloc(2 ** 20 + 1)
  const refused = { category: 'usage', code: 'FILE_TOO_LARGE', mend: 'not' }
  await expect(store.put('key', bytes, sumsOf(bytes), never)).rejects.toMatchObject(refused)
  const upload = await store.openUpload('key', { size: 2 * bytes.length, partSize: bytes.length, ...never })
  await expect(upload.putPart(1, bytes, sumsOf(bytes), never)).rejects.toMatchObject(refused)
})

describe('errors', () => {
  it.each([
    [400, 'unavailable', 'STORE_REQUEST_REFUSED', 'not'],
    [401, 'auth', 'CREDENTIALS_REFUSED', 'not'],
    [403, 'auth', 'ACCESS_DENIED', 'not'],
    [404, 'not-found', 'BUCKET_NOT_FOUND', 'not'],
    [405, 'unavailable', 'STORE_UNSUPPORTED', 'not'],
    [408, 'unavailable', 'STORE_FAILED', 'same'],
    [413, 'usage', 'FILE_TOO_LARGE', 'not'],
    [414, 'usage', 'STORE_KEY_NOT_ALLOWED', 'not'],
    [416, 'not-found', 'RANGE_OUTSIDE_OBJECT', 'not'],
    [423, 'unavailable', 'STORE_FAILED', 'same'],
    [429, 'unavailable', 'STORE_THROTTLED', 'same'],
    [500, 'unavailable', 'STORE_FAILED', 'same'],
    [503, 'unavailable', 'STORE_THROTTLED', 'same'],
    [507, 'unavailable', 'STORE_FULL', 'not'],
  ])('%i is %s %s, mended by: %s', (status, category, code, mend) => {
    const error = Object.assign(new Error('the words'), { status, headers: { 'retry-after': '2' } })
    const credentials = { given: true, renewable: false }
    const asked = { method: 'PUT', target: 'https://host/key', origin: 'https://host', credentials }
    expect(translateHttpsError(error, asked)).toMatchObject({ category, code, mend, retryAfterMs: 2000 })
  })

  it('says that credentials are missing where none were given', async () => {
    const endpoint = await serve((_, response) => void response.writeHead(401).end())
    await expect(open(endpoint)).rejects.toMatchObject({ category: 'auth', code: 'CREDENTIALS_MISSING' })
  })
})

describe('a multistatus', () => {
  const answer = [
    '<?xml version="1.0"?><x:multistatus xmlns:x="DAV:"><x:response><x:href>http://host/a%20b/</x:href><x:propstat>',
    '<x:prop><x:resourcetype><x:collection/></x:resourcetype></x:prop></x:propstat></x:response>\n<x:response>',
    '<x:href>/a%20b/&#x41;&amp;</x:href><x:propstat><x:prop><x:resourcetype/><x:getcontentlength xmlns:y="z"> 12 ',
    '</x:getcontentlength></x:prop><x:status>HTTP/1.1 200 OK</x:status></x:propstat></x:response></x:multistatus>',
  ].join('')
  const entries = [
    { path: '/a%20b', isFolder: true, size: 0 },
    { path: '/a%20b/A&', isFolder: false, size: 12 },
  ]

  it.each([1, 7, 100, 10_000])('is read in pieces of %i bytes', async size => {
    const bytes = Buffer.from(answer)
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    )
    expect(await Array.fromAsync(readMultistatus(arriving(pieces)))).toEqual(entries)
  })

  it.each([
    ['that ended early', answer.slice(0, -20)],
    ['of another kind', '<html>Log in</html>'],
    ['with an entry without an address', '<multistatus><response></response></multistatus>'],
    ['with a file without a size', '<multistatus><response><href>/a</href></response></multistatus>'],
  ])('%s is refused', async (_, text) => {
    await expect(Array.fromAsync(readMultistatus(arriving([Buffer.from(text)])))).rejects.toThrow(MultistatusError)
  })
})

async function* arriving(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces
}
