import type { ServerResponse } from 'node:http'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { openSession, type ScriptedServer, startScriptedServer } from './scripted-ngc.ts'

const model = { repository: 'nim/meta/llama', version: 'hf-1+nim' }
const list = '/v2/org/nim/team/meta/models/llama/hf-1%2Bnim/files'
const byName = '/v2/org/nim/team/meta/models/llama/versions/hf-1%2Bnim/files/deep/a%20b'
const { signal } = new AbortController()

let api: ScriptedServer
let storage: ScriptedServer
beforeEach(async () => {
  api = await startScriptedServer()
  storage = await startScriptedServer()
})
afterEach(async () => {
  await api.stop()
  await storage.stop()
})

const json = (response: ServerResponse, body: unknown) => void response.end(JSON.stringify(body))
const refuse = (response: ServerResponse, status: number, statusDescription = '') =>
  void response.writeHead(status).end(JSON.stringify({ requestStatus: { statusDescription } }))

describe('the list of files', () => {
  it('is read page by page, with the key', async () => {
    api.answer = ({ query }, response) => {
      const page = query.get('page-number')
      json(response, {
        paginationInfo: { totalPages: 2 },
        urls: [`${storage.url}/${page}?X-Amz-Signature=abc`],
        filepath: [`file-${page}`],
      })
    }
    const { session } = await openSession(api.url)
    const files = await session.listFiles(model, signal)
    expect([...files.keys()]).toEqual(['file-1', 'file-2'])
    expect(files.get('file-2')?.href).toBe(`${storage.url}/2?X-Amz-Signature=abc`)
    expect(api.asked.map(({ path }) => path)).toEqual([list, list])
    expect(api.asked.map(({ authorization }) => authorization)).toEqual(Array(2).fill('Bearer nvapi-the-secret-key'))
  })

  it('is asked for below the path of a mirror, and of models without a team', async () => {
    api.answer = (_, response) => json(response, {})
    const { session } = await openSession(`${api.url}/artifactory/api/nimmodel/repo/`)
    await session.listFiles({ repository: 'nvidia/model', version: '1.0' }, signal)
    expect(api.asked[0]?.path).toBe('/artifactory/api/nimmodel/repo/v2/org/nvidia/models/model/1.0/files')
  })

  it.each([400, 401])('is empty where %i says that only members may have it', async status => {
    api.answer = (_, response) => refuse(response, status, 'Org contex missing')
    const { session } = await openSession(api.url)
    expect(await session.listFiles(model, signal)).toEqual(new Map())
  })

  it.each([
    [402, 'NGC_NOT_ENTITLED'],
    [403, 'NGC_FORBIDDEN'],
    [404, 'MODEL_NOT_FOUND'],
    [429, 'NGC_THROTTLED'],
    [500, 'NGC_UNREACHABLE'],
    [418, 'NGC_ANSWER_INVALID'],
  ])('is refused with %i: %s', async (status, code) => {
    api.answer = (_, response) => refuse(response, status, 'words with Bearer nvapi-the-secret-key')
    const { session, events } = await openSession(api.url)
    const error = await session.listFiles(model, signal).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code, why: expect.stringContaining(`It answers ${status}.`) })
    expect(error).toHaveProperty('message', expect.stringContaining('nim/meta/llama:hf-1+nim'))
    const { message, why, next } = error as Error & Record<string, unknown>
    expect(JSON.stringify({ message, why, next, events })).not.toContain('the-secret-key')
  })

  it('names the missing entitlement by the words of a 403', async () => {
    api.answer = (_, response) => refuse(response, 403, 'User is not a member of the organization that owns the repo')
    const { session } = await openSession(api.url)
    await expect(session.listFiles(model, signal)).rejects.toMatchObject({ code: 'NGC_NOT_ENTITLED' })
  })

  it.each([
    ['no JSON', (response: ServerResponse) => void response.end('<html>')],
    ['no list', (response: ServerResponse) => json(response, { urls: 'none' })],
    ['more addresses than names', (response: ServerResponse) => json(response, { urls: ['http://a'], filepath: [] })],
    ['an answer without end', (response: ServerResponse) => void response.end(Buffer.alloc(17 * 1024 * 1024, ' '))],
    ['a circle', (response: ServerResponse) => void response.writeHead(302, { location: list }).end()],
  ])('is not understood: %s', async (_, answer) => {
    api.answer = (_asked, response) => answer(response)
    const { session } = await openSession(api.url)
    await expect(session.listFiles(model, signal)).rejects.toMatchObject({ code: 'NGC_ANSWER_INVALID' })
  })

  it('is asked for again while that can mend', async () => {
    api.answer = (_, response, count) => {
      if (count === 1) return void response.writeHead(429, { 'retry-after': '0' }).end()
      if (count === 2) return void response.destroy()
      json(response, { urls: [`${storage.url}/x`], filepath: ['x'] })
    }
    const { session, events } = await openSession(api.url, { maxRetries: 3 })
    expect((await session.listFiles(model, signal)).size).toBe(1)
    expect(events.filter(({ event }) => event === 'retrying')).toHaveLength(2)
  })

  it('says that nobody is there', async () => {
    const { url } = api
    await api.stop()
    const { session } = await openSession(url)
    await expect(session.listFiles(model, signal)).rejects.toMatchObject({
      code: 'NGC_UNREACHABLE',
      why: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('ends with the signal', async () => {
    const stopped = new AbortController()
    const reason = new Error('no longer wanted')
    api.answer = () => stopped.abort(reason)
    const { session } = await openSession(api.url, { maxRetries: 3 })
    await expect(session.listFiles(model, stopped.signal)).rejects.toBe(reason)
  })
})

describe('the size of a file', () => {
  const file = () => ({ name: 'deep/a b', url: new URL(`${storage.url}/signed?X-Amz-Signature=abc`) })

  it.each([
    ['the first byte', 206, { 'content-range': 'bytes 0-0/4711', 'content-length': '1' }, 'x', 4711],
    ['the whole, from a server without ranges', 200, { 'content-length': '1000000' }, 'x', 1_000_000],
    ['no byte, as it is empty', 416, { 'content-range': 'bytes */0' }, '', 0],
  ])('is told with %s, without a key', async (_, status, headers, body, size) => {
    storage.answer = (_asked, response) => {
      response.writeHead(status, headers)
      if (status === 200) response.write(body)
      else response.end(body)
    }
    const { session, events } = await openSession(api.url)
    expect(await session.sizeOf(model, file(), signal)).toBe(size)
    expect(storage.asked).toMatchObject([{ path: '/signed', authorization: undefined, range: 'bytes=0-0' }])
    expect(storage.asked[0]?.query.get('X-Amz-Signature')).toBe('abc')
    expect(JSON.stringify(events)).not.toContain('abc')
  })

  it('is asked for by name where there is no address, and the key stays with NGC', async () => {
    api.answer = (_, response) => void response.writeHead(302, { location: `${storage.url}/signed` }).end()
    storage.answer = (_, response) => void response.writeHead(206, { 'content-range': 'bytes 0-0/9' }).end('x')
    const { session } = await openSession(api.url)
    expect(await session.sizeOf(model, { name: 'deep/a b', url: undefined }, signal)).toBe(9)
    expect(api.asked).toMatchObject([{ path: byName, authorization: 'Bearer nvapi-the-secret-key' }])
    expect(storage.asked).toMatchObject([{ path: '/signed', authorization: undefined, range: 'bytes=0-0' }])
  })

  it('does not send the key along where NGC leads to itself', async () => {
    api.answer = ({ path }, response) => {
      if (path === byName) return void response.writeHead(307, { location: '/signed' }).end()
      response.writeHead(206, { 'content-range': 'bytes 0-0/9' }).end('x')
    }
    const { session } = await openSession(api.url)
    expect(await session.sizeOf(model, { name: 'deep/a b', url: undefined }, signal)).toBe(9)
    expect(api.asked.map(({ authorization }) => authorization !== undefined)).toEqual([true, false])
  })

  it.each([
    ['nothing', 206, {}],
    ['a star', 206, { 'content-range': 'bytes 0-0/*' }],
    ['no number', 206, { 'content-range': 'bytes 0-0/12x' }],
    ['more than can be', 206, { 'content-range': 'bytes 0-0/99999999999999999999' }],
  ])('is not understood where the server says %s', async (_, status, headers) => {
    storage.answer = (_asked, response) => void response.writeHead(status, headers).end('x')
    const { session } = await openSession(api.url)
    await expect(session.sizeOf(model, file(), signal)).rejects.toMatchObject({ code: 'NGC_ANSWER_INVALID' })
  })
})

it.each(['nvapi-two\nlines', 'nvapi-ключ', 'old key'])('sends no key that is none: %j', async key => {
  const { session } = await openSession(api.url, { key })
  await expect(session.listFiles(model, signal)).rejects.toMatchObject({ code: 'NGC_KEY_REFUSED' })
  expect(api.asked).toEqual([])
})

describe('keys of the old kind', () => {
  const basic = `Basic ${Buffer.from('$oauthtoken:an-old-key').toString('base64')}`

  it('become a token of the team, once', async () => {
    api.answer = ({ path }, response) => json(response, path === '/token' ? { token: 'short-lived' } : {})
    const { session } = await openSession(api.url, { key: 'an-old-key' })
    await Promise.all([session.listFiles(model, signal), session.listFiles({ ...model, version: '2' }, signal)])
    const [exchange, ...rest] = api.asked
    expect(exchange).toMatchObject({ path: '/token', authorization: basic })
    expect(Object.fromEntries(exchange?.query ?? [])).toEqual({ service: 'ngc', scope: 'group/ngc:nim/meta' })
    expect(rest.map(({ authorization }) => authorization)).toEqual(Array(2).fill('Bearer short-lived'))
  })

  it('may be refused, and are exchanged again the next time', async () => {
    api.answer = ({ path }, response, count) => {
      if (path !== '/token') return json(response, {})
      if (count === 1) return refuse(response, 401)
      json(response, { token: 'short-lived' })
    }
    const { session } = await openSession(api.url, { key: 'an-old-key' })
    await expect(session.listFiles(model, signal)).rejects.toMatchObject({ code: 'NGC_KEY_REFUSED' })
    await session.listFiles(model, signal)
  })

  it.each([{ token: 'two\nlines' }, { token: 7 }, {}])('get no use of %o', async token => {
    api.answer = (_, response) => json(response, token)
    const { session } = await openSession(api.url, { key: 'an-old-key' })
    await expect(session.listFiles(model, signal)).rejects.toMatchObject({ code: 'NGC_ANSWER_INVALID' })
  })
})
