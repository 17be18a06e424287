import { afterEach, describe, expect, it, vi } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { crc32cToBase64 } from '../../src/system/hash.ts'
import { never, sumsOf } from './contract-tools.ts'
import { type Said, type SeenRequest, type StandInGcs, startStandInGcs } from './stand-in-gcs.ts'

const step = 256 * 1024
const bytes = Buffer.alloc(2 * step + 1000, 'nim')
const crc32c = crc32cToBase64(sumsOf(bytes).crc32c)
const wrong = 'AAAAAA=='
const resource = { name: 'p/key', size: String(bytes.length), crc32c, generation: '17' }

let server: StandInGcs
afterEach(() => {
  server.stop()
  vi.unstubAllEnvs()
})

async function open(say: (request: SeenRequest, count: number) => Said): Promise<Store> {
  server = await startStandInGcs(say)
  return await openStore(new URL('gs://models/p'), { gs: { emulatorHost: server.endpoint } })
}

describe('put', () => {
  it('sends name, checksum and bytes in one request', async () => {
    const store = await open(() => ({ body: resource }))
    expect(await store.put('key', bytes, sumsOf(bytes), { ifAbsent: true, ...never })).toEqual({
      key: 'key',
      size: bytes.length,
      crc32c: sumsOf(bytes).crc32c,
      etag: '17',
    })
    const [{ method, path, query, headers, body } = noRequest] = server.seen
    expect({ method, path, query }).toEqual({
      method: 'POST',
      path: '/upload/storage/v1/b/models/o',
      query: { uploadType: 'multipart', ifGenerationMatch: '0', fields: 'name,size,crc32c,generation' },
    })
    const boundary = /^multipart\/related; boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1]
    const [before, metadata, content, after] = body.toString('latin1').split(`--${boundary}`)
    expect([before, after]).toEqual(['', '--\r\n'])
    expect(JSON.parse(metadata?.split('\r\n\r\n')[1] ?? '')).toMatchObject({ name: 'p/key', crc32c })
    expect(content?.slice(content.indexOf('\r\n\r\n') + 4, -2)).toBe(bytes.toString('latin1'))
  })

  it('removes the generation whose checksum differs from ours, and no other', async () => {
    const store = await open(({ method }) =>
      method === 'POST' ? { body: { ...resource, crc32c: wrong } } : { status: 204 },
    )
    await expect(store.put('key', bytes, sumsOf(bytes), never)).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      mend: 'same',
      why: expect.stringContaining('is 00000000'),
    })
    expect(server.seen.map(({ method, path, query }) => [method, path, query.generation])).toEqual([
      ['POST', '/upload/storage/v1/b/models/o', undefined],
      ['DELETE', '/storage/v1/b/models/o/p%2Fkey', '17'],
    ])
  })

  it('tells of the difference also where nothing may be removed', async () => {
    const store = await open(({ method }) =>
      method === 'POST' ? { body: { ...resource, crc32c: wrong } } : { status: 403 },
    )
    await expect(store.put('key', bytes, sumsOf(bytes), never)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
  })

  it.each(['line\nbreak', 'x'.repeat(1023), '\u{1F600}'.repeat(256)])(
    'refuses a name that Google would refuse: %j',
    async key => {
      const store = await open(() => ({ body: resource }))
      await expect(store.put(key, bytes, sumsOf(bytes), never)).rejects.toMatchObject({
        category: 'usage',
        code: 'STORE_KEY_NOT_ALLOWED',
      })
      expect(server.seen).toEqual([])
    },
  )
})

it.each([499, 404, 410, 501])('takes an upload for given up when the server says %i', async status => {
  const store = await open(({ method }) =>
    method === 'DELETE' ? { status } : { headers: { location: `${server.endpoint}/upload/one?upload_id=1` } },
  )
  const upload = await store.openUpload('key', { size: bytes.length, partSize: step, ...never })
  await upload.abort()
  expect(server.seen.map(({ method }) => method)).toEqual(['POST', 'DELETE'])
})

it('copies call by call until all is rewritten', async () => {
  const store = await open((_, count) =>
    count < 3 ? { body: { done: false, rewriteToken: `token ${count}` } } : { body: { done: true, resource } },
  )
  expect(await store.copy('from/a b', 'key', never)).toMatchObject({ key: 'key', size: bytes.length, etag: '17' })
  expect(server.seen.map(({ method, path, query }) => [method, path, query.rewriteToken])).toEqual(
    [undefined, 'token 1', 'token 2'].map(token => [
      'POST',
      '/storage/v1/b/models/o/p%2Ffrom%2Fa%20b/rewriteTo/b/models/o/p%2Fkey',
      token,
    ]),
  )
})

describe("requests that Google's client thinks up", () => {
  const busy: Said = { status: 503, headers: { 'retry-after': '3' } }
  const more: Said = { body: { done: false, rewriteToken: 'token' } }
  const copy = (store: Store, options = never) => store.copy('from', 'key', options)

  it('are made once', async () => {
    const store = await open(() => busy)
    const throttled = { code: 'STORE_FAILED', mend: 'same', retryAfterMs: 3000 }
    await expect(copy(store)).rejects.toMatchObject(throttled)
    await expect(store.remove('key', never)).rejects.toMatchObject(throttled)
    expect(server.seen.map(({ method }) => method)).toEqual(['POST', 'DELETE'])
  })

  it('end with the signal, between two of them too', async () => {
    const controller = new AbortController()
    const store = await open(() => {
      controller.abort(new Error('told to stop'))
      return more
    })
    await expect(copy(store, controller)).rejects.toThrow('told to stop')
    expect(server.seen).toHaveLength(1)
  })

  it('go where they are told, whatever STORAGE_EMULATOR_HOST says', async () => {
    vi.stubEnv('STORAGE_EMULATOR_HOST', 'http://127.0.0.1:1')
    server = await startStandInGcs(() => ({ body: { done: true, resource } }))
    const options = { endpointUrl: server.endpoint, signRequests: false }
    const store = await openStore(new URL('gs://models/p'), options)
    await copy(store)
    await store.remove('a b//c', never)
    expect(server.seen.map(({ path }) => path)).toEqual([
      '/storage/v1/b/models/o/p%2Ffrom/rewriteTo/b/models/o/p%2Fkey',
      '/storage/v1/b/models/o/p%2Fa%20b%2F%2Fc',
    ])
  })

  it('say which permission was missing', async () => {
    const store = await open(() => ({ status: 403, body: { error: { code: 403, message: 'no', errors: [] } } }))
    await expect(copy(store)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('storage.objects.get and storage.objects.create on gs://models/p/from'),
    })
  })
})

it('reads what is stored, not what Google would unpack of it', async () => {
  const store = await open(() => ({ body: 'packed', headers: { 'x-goog-generation': '17' } }))
  await (await store.read('key', { start: 2, end: 5 }, { ifMatch: '17', ...never })).toArray()
  expect(server.seen[0]).toMatchObject({
    query: { alt: 'media', ifGenerationMatch: '17' },
    headers: { 'accept-encoding': 'gzip', range: 'bytes=2-5' },
  })
})

it('says that something else answers', async () => {
  const store = await open(() => ({ body: '<html>log in first</html>' }))
  await expect(store.list('', undefined, never)).rejects.toMatchObject({ code: 'STORE_ANSWER_NOT_UNDERSTOOD' })
  await expect(store.copy('from', 'key', never)).rejects.toMatchObject({ code: 'STORE_ANSWER_NOT_UNDERSTOOD' })
})

describe('an upload', () => {
  const parts = [bytes.subarray(0, step), bytes.subarray(step, 2 * step), bytes.subarray(2 * step)]
  const sent = () => server.seen.slice(1).map(({ headers, body }) => [headers['content-range'], body.length])
  const size = bytes.length

  /** As Google: it keeps what arrives, and knows the upload until it is complete. */
  function google(change: (request: SeenRequest, arrived: number) => Said | undefined = () => undefined) {
    let arrived = 0
    return (request: SeenRequest): Said => {
      const { method, headers } = request
      if (method === 'POST') return { headers: { location: `${server.endpoint}/session?upload_id=secret` } }
      if (method !== 'PUT') return { body: resource }
      const said = change(request, arrived)
      if (said !== undefined) return said
      const [, end, total] = /^bytes (?:\d+-(\d+)|\*)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? []
      if (end !== undefined) arrived = Number(end) + 1
      if (String(arrived) === total) return { body: resource }
      return { status: 308, headers: arrived === 0 ? {} : { range: `bytes=0-${arrived - 1}` } }
    }
  }

  async function begin(store: Store) {
    const upload = await store.openUpload('key', { size, partSize: step, ...never })
    const put = (number: number) => {
      const part = parts[number - 1] ?? Buffer.alloc(0)
      return upload.putPart(number, part, sumsOf(part), never)
    }
    return { upload, put }
  }

  it('keeps the last bytes back until it completes, and sends the checksum of the whole with them', async () => {
    const store = await open(google())
    const { upload, put } = await begin(store)
    const finished = [await put(1), await put(2), await put(3)]
    expect(sent()).toEqual([
      [`bytes 0-${step - 1}/${size}`, step],
      [`bytes ${step}-${2 * step - 1}/${size}`, step],
    ])
    expect(await upload.complete(sumsOf(bytes), finished, never)).toMatchObject({ size, etag: '17' })
    expect(sent().at(-1)).toEqual([`bytes ${2 * step}-${size - 1}/${size}`, 1000])
    expect(server.seen.at(-1)?.headers['x-goog-hash']).toBe(`crc32c=${crc32c}`)
    expect(JSON.parse(String(server.seen[0]?.body))).toMatchObject({ name: 'p/key' })
  })

  it('sends parts in pieces of 256 KiB, whatever size was asked for', async () => {
    const store = await open(google())
    const { partSize } = await store.openUpload('key', { size, partSize: step + 1, ...never })
    expect(partSize).toBe(2 * step)
  })

  it('sends only what is missing of a part that arrived by half', async () => {
    let halves = 0
    const store = await open(
      google(({ headers }) => {
        const half = headers['content-range']?.startsWith(`bytes ${step}-`) === true && halves++ === 0
        return half ? { status: 308, headers: { range: `bytes=0-${step + step - 1}` } } : undefined
      }),
    )
    const whole = Buffer.concat([bytes.subarray(0, 2 * step), bytes.subarray(0, 2 * step)])
    const upload = await store.openUpload('key', { size: whole.length, partSize: 2 * step, ...never })
    const part = whole.subarray(0, 2 * step)
    await upload.putPart(1, part, sumsOf(part), never)
    const last = whole.subarray(2 * step)
    await upload.putPart(2, last, sumsOf(last), never)
    expect(sent()).toEqual([
      [`bytes 0-${2 * step - 1}/${whole.length}`, 2 * step],
      [`bytes ${2 * step}-${3 * step - 1}/${whole.length}`, step],
    ])
  })

  it('asks how far it came after an answer that said nothing', async () => {
    let failed = false
    const store = await open(
      google(() => {
        if (failed) return undefined
        failed = true
        return { status: 503 }
      }),
    )
    const { put } = await begin(store)
    await expect(put(1)).rejects.toMatchObject({ code: 'STORE_FAILED', mend: 'same' })
    await put(1)
    expect(sent().map(([range]) => range)).toEqual([
      `bytes 0-${step - 1}/${size}`,
      `bytes */${size}`,
      `bytes 0-${step - 1}/${size}`,
    ])
  })

  it('goes on in the middle of a part', async () => {
    const store = await open(google())
    const { upload, put } = await begin(store)
    await put(1)
    const saved = { ...upload.saved, partSize: 2 * step }
    const again = await store.openUpload('key', { size, partSize: 2 * step, resume: saved, ...never })
    expect({ saved: again.saved, finished: again.finished }).toEqual({ saved, finished: [] })
    const first = bytes.subarray(0, 2 * step)
    await again.putPart(1, first, sumsOf(first), never)
    expect(sent().slice(1)).toEqual([
      [`bytes */${size}`, 0],
      [`bytes ${step}-${2 * step - 1}/${size}`, step],
    ])
  })

  it('begins anew where Google no longer knows it, or where it is complete', async () => {
    for (const said of [{ status: 404 }, { status: 410 }, { status: 200, body: resource }]) {
      const store = await open(
        google(({ headers }) => (headers['content-range'] === `bytes */${size}` ? said : undefined)),
      )
      const { upload } = await begin(store)
      const again = await store.openUpload('key', { size, partSize: step, resume: upload.saved, ...never })
      expect(again.finished).toEqual([])
      expect(server.seen.map(({ method }) => method)).toEqual(['POST', 'PUT', 'POST'])
      server.stop()
    }
  })

  it('begins anew where it was begun at another address, which is gone', async () => {
    const store = await open(google())
    const { upload } = await begin(store)
    const resume = { ...upload.saved, id: 'http://127.0.0.1:1/session?upload_id=secret' }
    const again = await store.openUpload('key', { size, partSize: step, resume, ...never })
    expect(again.saved).toEqual(upload.saved)
  })

  it('is complete when only the answer got lost', async () => {
    let lost = false
    const store = await open(
      google(({ headers, body }, arrived) => {
        if (body.length !== 1000 || lost)
          return lost && headers['content-range'] === `bytes */${size}` ? { status: 410 } : undefined
        lost = true
        return { status: 503, headers: { 'x-arrived': String(arrived) } }
      }),
    )
    const { upload, put } = await begin(store)
    const finished = [await put(1), await put(2), await put(3)]
    expect(await upload.complete(sumsOf(bytes), finished, never)).toMatchObject({
      crc32c: sumsOf(bytes).crc32c,
      etag: '17',
    })
    expect(server.seen.filter(({ body }) => body.length === 1000)).toHaveLength(1)
  })

  it('removes what it became when the checksum of that is not ours', async () => {
    const store = await open(
      google(({ body }) => (body.length === 1000 ? { body: { ...resource, crc32c: wrong } } : undefined)),
    )
    const { upload, put } = await begin(store)
    const finished = [await put(1), await put(2), await put(3)]
    await expect(upload.complete(sumsOf(bytes), finished, never)).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      mend: 'new-upload',
    })
    expect(server.seen.at(-1)).toMatchObject({ method: 'DELETE', query: { generation: '17' } })
  })

  it('only begins anew after Google refused the whole', async () => {
    const message = `Provided CRC32C "${crc32c}" doesn't match calculated CRC32C "${wrong}".`
    const refused = { status: 400, body: { error: { code: 400, message, errors: [{ reason: 'invalid' }] } } }
    const store = await open(google(({ body }) => (body.length === 1000 ? refused : undefined)))
    const { upload, put } = await begin(store)
    const finished = [await put(1), await put(2), await put(3)]
    await expect(upload.complete(sumsOf(bytes), finished, never)).rejects.toMatchObject({ mend: 'new-upload' })
  })

  it('names its address in no error', async () => {
    const store = await open(google(() => ({ status: 400, body: 'PUT /session?upload_id=secret is not valid' })))
    const { put } = await begin(store)
    const error: unknown = await put(1).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      code: 'STORE_REQUEST_REFUSED',
      why: expect.stringContaining('upload_id=**redacted**'),
    })
  })
})

const noRequest: SeenRequest = { method: '', path: '', query: {}, headers: {}, body: Buffer.alloc(0) }
