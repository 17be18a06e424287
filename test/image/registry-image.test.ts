import type { ServerResponse } from 'node:http'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { RegistryCredentials } from '../../src/image/auth-file.ts'
import { inspectSource } from '../../src/image/inspect-source.ts'
import { openInspectionCache } from '../../src/image/inspection-cache.ts'
import { parseImageReference } from '../../src/image/reference.ts'
import { openRegistryImage } from '../../src/image/registry/image.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'
import { makeTemporaryDirectory, type TemporaryDirectory } from '../servers/temporary-directory.ts'
import { buildImage, file, manifestFile, manifestText } from './built-image.ts'
import { sendRange, type StandInRegistry, startStandInRegistry } from './stand-in-registry.ts'

const signal = new AbortController().signal
const repository = 'nim/meta/llama'
const built = buildImage({
  layers: [
    { entries: [file('bin/busybox', 'b'.repeat(3000))], compression: 'none' },
    { entries: [manifestFile()] },
    { entries: [file('etc/last', Buffer.alloc(200_000, 'l'))], compression: 'none' },
  ],
})

let directory: TemporaryDirectory
let registry: StandInRegistry
beforeEach(async () => {
  directory = makeTemporaryDirectory()
  registry = await startStandInRegistry()
  registry.add(built, '1.8.4')
})
afterEach(async () => {
  await registry.stop()
  directory.remove()
})

interface Request {
  name?: string
  credentials?: RegistryCredentials
  retries?: number
  stop?: AbortSignal
}

async function inspect({ name = `:1.8.4`, credentials, retries = 3, stop = signal }: Request = {}) {
  const events: ProgressEvent[] = []
  const report = (event: ProgressEvent) => events.push(event)
  const reference = parseImageReference(`${registry.host}/${repository}${name}`)
  if ('path' in reference) throw new Error('It is in a registry.')
  const source = await openRegistryImage(reference, {
    plainHttp: true,
    connections: {},
    retry: { maxRetries: retries, firstWaitMs: 1, longestWaitMs: 5 },
    report,
    signal: stop,
    ...(credentials && { credentials }),
  })
  const cache = openInspectionCache(join(directory.path, 'cache'))
  const image = await inspectSource(source, { platform: 'linux/amd64', cache, report, signal: stop })
  return { image, events }
}

const blobs = () => registry.asked.filter(({ path }) => path.includes('/blobs/'))
const me = { username: 'me', password: secret('pw-of-me') }
const basic = `Basic ${Buffer.from('me:pw-of-me').toString('base64')}`
const fail = (response: ServerResponse, status: number, headers: Record<string, string> = {}) => {
  response.writeHead(status, headers).end()
  return true
}

it('reads by tag and by digest, and nothing twice', async () => {
  const { image } = await inspect()
  expect(image).toMatchObject({
    reference: `${registry.host}/${repository}:1.8.4`,
    digest: built.digest,
    manifest: { text: manifestText },
  })
  const before = blobs().length
  expect((await inspect({ name: `@${built.digest}` })).image.digest).toBe(built.digest)
  expect((await inspect()).image).toEqual(image)
  expect(blobs()).toHaveLength(before)
})

describe('what mends', () => {
  it.each([500, 502, 503, 429])('asks again after %d', async status => {
    registry.fault = (_, count, response) => count === 1 && fail(response, status)
    const { image, events } = await inspect()
    expect(image.manifest?.text).toBe(manifestText)
    expect(events.filter(({ event }) => event === 'retrying').length).toBeGreaterThan(2)
  })

  it('goes on at the byte that is due where the connection was cut', async () => {
    registry.fault = ({ path, range }, _, response, usual) => {
      if (!path.includes('/blobs/') || usual === undefined || usual.length < 100_000) return false
      const from = Number(/\d+/.exec(range ?? '')?.[0] ?? 0)
      if (usual.length - from <= 70_000) return false
      response.writeHead(from === 0 ? 200 : 206, { 'content-length': usual.length - from })
      response.write(usual.subarray(from, from + 70_000), () => response.destroy())
      return true
    }
    await inspect()
    const ranges = blobs().flatMap(({ range }) => range ?? [])
    expect(ranges.length).toBeGreaterThan(0)
    expect(ranges[0]).not.toBe('bytes=0-')
  })

  it('passes over what it knows where the server takes no ranges', async () => {
    registry.fault = ({ path }, count, response, usual) => {
      if (!path.includes('/blobs/') || usual === undefined) return false
      response.writeHead(200, { 'content-length': usual.length })
      if (count > 1) response.end(usual)
      else response.write(usual.subarray(0, 50), () => response.destroy())
      return true
    }
    expect((await inspect()).image.manifest?.text).toBe(manifestText)
  })

  it('ends well where every third request is cut', async () => {
    registry.fault = (_asked, _count, response) => {
      if (registry.asked.length % 3 !== 0) return false
      response.destroy()
      return true
    }
    expect((await inspect()).image.manifest?.text).toBe(manifestText)
  })

  it('takes a layer that ends too early, but without an error, for one that was cut', async () => {
    registry.fault = ({ path }, count, response, usual) => {
      if (!path.includes('/blobs/') || count > 1 || usual === undefined) return false
      response.writeHead(200).end(usual.subarray(0, usual.length - 20))
      return true
    }
    expect((await inspect()).image.manifest?.text).toBe(manifestText)
  })
})

describe('what does not', () => {
  it.each([
    [500, 'unavailable', 'REGISTRY_FAILED'],
    [429, 'unavailable', 'REGISTRY_THROTTLED'],
    [404, 'not-found', 'IMAGE_NOT_FOUND'],
    [403, 'auth', 'REGISTRY_AUTH'],
    [402, 'auth', 'REGISTRY_AUTH'],
    [418, 'unavailable', 'REGISTRY_REFUSED'],
  ])('says what %d means', async (status, category, code) => {
    registry.fault = (_asked, _count, response) => fail(response, status)
    await expect(inspect({ retries: 1 })).rejects.toMatchObject({ category, code })
  })

  it('says what the registry says, without control characters', async () => {
    const words = { errors: [{ code: 'DENIED', message: 'no \u001b[31mentitlement' }] }
    registry.fault = (_asked, _count, response) => {
      response.writeHead(403).end(JSON.stringify(words))
      return true
    }
    await expect(inspect()).rejects.toMatchObject({ why: 'It answers 403. The registry says: DENIED: no entitlement' })
  })

  it('names a layer that ends too early each time', async () => {
    registry.fault = ({ path, range }, _, response, usual) => {
      if (!path.includes('/blobs/') || usual === undefined || usual.length < 100_000) return false
      sendRange(response, usual.subarray(0, 100_000), range)
      return true
    }
    await expect(inspect({ retries: 1 })).rejects.toMatchObject({ category: 'check-failed', code: 'IMAGE_DAMAGED' })
  })

  it('refuses a layer that is longer than its manifest says', async () => {
    registry.fault = ({ path }, _, response, usual) => {
      if (!path.includes('/blobs/') || usual === undefined) return false
      response.writeHead(200).end(Buffer.concat([usual, usual]))
      return true
    }
    await expect(inspect()).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' })
  })

  it('refuses another manifest than the digest that was asked for', async () => {
    registry.contents.set(built.digest, buildImage({ layers: [] }).manifest)
    await expect(inspect({ name: `@${built.digest}` })).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' })
  })

  it('refuses a manifest without an end', async () => {
    registry.contents.set('1.8.4', Buffer.alloc(5 * 1024 * 1024, ' '))
    await expect(inspect()).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' })
  })

  it.each(['<html>', '{}', '{"config":{},"layers":[]}'])('takes %s for no image', async text => {
    registry.contents.set('1.8.4', Buffer.from(text))
    await expect(inspect()).rejects.toMatchObject({ category: 'usage', code: 'NOT_AN_IMAGE' })
  })

  it('says that nobody is there', async () => {
    const { host } = registry
    await registry.stop()
    registry = { ...registry, host, stop: async () => {} }
    await expect(inspect({ retries: 0 })).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  })

  it('ends a transfer that is told to end', async () => {
    const told = new AbortController()
    registry.fault = ({ path }, _, response) => {
      if (!path.includes('/blobs/')) return false
      response.writeHead(200)
      response.write('x', () => told.abort(new Error('enough')))
      return true
    }
    await expect(inspect({ stop: told.signal })).rejects.toThrow('enough')
  })
})

describe('who asks', () => {
  /** Bearer tokens, as Docker Hub and nvcr.io hand them out. */
  const withTokens = (permit: (authorization: string | undefined) => string | undefined) => {
    registry.fault = ({ path, authorization }, _, response) => {
      if (path.startsWith('/token')) {
        const token = permit(authorization)
        if (token === undefined) return fail(response, 401)
        response.writeHead(200).end(JSON.stringify({ token }))
        return true
      }
      if (authorization === 'Bearer good') return false
      const realm = `Bearer realm="http://${registry.host}/token",service="reg",scope="repository:${repository}:pull"`
      return fail(response, 401, { 'www-authenticate': realm })
    }
  }

  it('takes a token for anybody where that is enough', async () => {
    withTokens(authorization => (authorization === undefined ? 'good' : undefined))
    expect((await inspect()).image.family).toBe('llm')
    const [token, ...more] = registry.asked.filter(({ path }) => path.startsWith('/token'))
    expect(token?.path).toBe(`/token?service=reg&scope=${encodeURIComponent(`repository:${repository}:pull`)}`)
    expect(more).toEqual([])
  })

  it('shows user and password to those who hand out tokens, and the token to the registry', async () => {
    withTokens(authorization => (authorization === basic ? 'good' : undefined))
    expect((await inspect({ credentials: me })).image.family).toBe('llm')
    expect(blobs().every(({ authorization }) => authorization === 'Bearer good')).toBe(true)
  })

  it('fetches a new token when the old one is over', async () => {
    let handedOut = 0
    withTokens(() => `t${(handedOut += 1)}`)
    const asksForTokens = registry.fault
    registry.fault = (asked, count, response, usual) => {
      const current = asked.authorization === `Bearer t${handedOut}`
      const over = asked.path.includes('/blobs/') && handedOut === 1
      return current && !over ? false : (asksForTokens?.(asked, count, response, usual) ?? false)
    }
    expect((await inspect()).image.family).toBe('llm')
    expect(handedOut).toBe(2)
  })

  it('says user and password where they are asked for', async () => {
    registry.fault = ({ authorization }, _, response) =>
      authorization !== basic && fail(response, 401, { 'www-authenticate': 'Basic realm="r"' })
    expect((await inspect({ credentials: me })).image.family).toBe('llm')
    await expect(inspect()).rejects.toMatchObject({
      category: 'auth',
      code: 'REGISTRY_AUTH',
      next: expect.stringContaining('docker login'),
    })
    const wrong = { username: 'me', password: secret('wrong') }
    await expect(inspect({ credentials: wrong })).rejects.toMatchObject({ code: 'REGISTRY_AUTH' })
  })

  it('trades in a token of a log-in', async () => {
    let form = ''
    registry.fault = ({ path, authorization }, _, response) => {
      if (path.startsWith('/token')) {
        response.req.on('data', chunk => (form += String(chunk)))
        response.req.on('end', () => response.writeHead(200).end('{"access_token":"good"}'))
        return true
      }
      const realm = `Bearer realm="http://${registry.host}/token",service="reg"`
      return authorization !== 'Bearer good' && fail(response, 401, { 'www-authenticate': realm })
    }
    await inspect({ credentials: { username: '<token>', password: secret('refresh-me') } })
    expect(Object.fromEntries(new URLSearchParams(form))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-me',
      scope: `repository:${repository}:pull`,
    })
  })

  it('follows to the storage behind the registry, and tells nothing of who it is there', async () => {
    const storage = await startStandInRegistry()
    storage.add(built, '1.8.4')
    registry.fault = ({ path, authorization }, _, response) => {
      if (authorization !== basic) return fail(response, 401, { 'www-authenticate': 'Basic realm="r"' })
      if (!path.includes('/blobs/')) return false
      return fail(response, 307, { location: `http://${storage.host}/bucket/${path.split('/').at(-1)}?sig=1` })
    }
    storage.fault = ({ path }, _, response) => {
      const name = decodeURIComponent(path.split('/').at(-1)?.split('?')[0] ?? '')
      sendRange(response, storage.contents.get(name) ?? Buffer.alloc(0), undefined)
      return true
    }
    try {
      expect((await inspect({ credentials: me })).image.family).toBe('llm')
      expect(storage.asked.length).toBeGreaterThan(1)
      expect(storage.asked.every(({ authorization }) => authorization === undefined)).toBe(true)
    } finally {
      await storage.stop()
    }
  })

  it('does not follow in a circle', async () => {
    registry.fault = ({ path }, _, response) => fail(response, 302, { location: path })
    await expect(inspect()).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
    expect(registry.asked.length).toBeLessThan(10)
  })

  it('never shows a password in an event', async () => {
    registry.fault = ({ authorization }, _, response) =>
      authorization !== basic && fail(response, 401, { 'www-authenticate': 'Basic realm="r"' })
    const { events } = await inspect({ credentials: me })
    expect(events.some(({ event }) => event === 'request')).toBe(true)
    expect(JSON.stringify(events)).not.toMatch(/pw-of-me|Basic/)
  })
})
