import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'

import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import type { ProxySettings } from '../../src/system/http/proxy.ts'
import { requireProgram } from '../servers/locate.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { never, putText, sumsOf } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'
import { type StandIn, startStandIn, taken } from './stand-in-s3.ts'

useEnvironment({ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' })

const directory = makeTemporaryDirectory()
const cert = `${directory.path}/cert.pem`
let server: StandIn
let proxy: Server
let asked: { target: string; authorization: string | undefined }[]
/** What the proxy answers to CONNECT; 200 connects. */
let answer: number
let store: Store | undefined

beforeAll(async () => {
  const key = `${directory.path}/key.pem`
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert]
  await execa(requireProgram('registry', 'openssl'), ['req', '-x509', ...made, ...names])
  const files = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  server = await startStandIn((request, count) => taken(count, request), files)
})
afterAll(() => {
  server.stop()
  directory.remove()
})
beforeEach(async () => {
  asked = []
  answer = 200
  proxy = createServer().on('connect', ({ url = '', headers }, socket) => {
    asked.push({ target: url, authorization: headers['proxy-authorization'] })
    socket.on('error', () => {})
    if (answer !== 200) return void socket.end(`HTTP/1.1 ${answer} No\r\n\r\n`)
    const onward = connect(server.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    return void onward.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  store?.close()
  proxy.close()
})

const port = () => (proxy.address() as AddressInfo).port

async function put(settings: Partial<ProxySettings> = {}): Promise<void> {
  const options = { endpointUrl: `https://127.0.0.1:${server.port}`, caFile: cert }
  store = await openStore(new URL('s3://bucket'), { ...options, proxy: { url: `127.0.0.1:${port()}`, ...settings } })
  await putText(store, 'key', 'text')
}

describe('a proxy', () => {
  it('carries bodies through one tunnel, with requests of our own and of the SDK', async () => {
    await put()
    const bytes = Buffer.alloc(3 * 1024 * 1024 + 3, 'x')
    await store?.put('large', bytes, sumsOf(bytes), never)
    await store?.remove('large', never)
    expect(asked).toEqual([{ target: `127.0.0.1:${server.port}`, authorization: undefined }])
    expect(server.seen.at(-2)?.headers['content-length']).toBe(String(bytes.length))
  })

  it('gets user and password', async () => {
    await put({ url: `http://me:p%40ss@127.0.0.1:${port()}` })
    expect(asked[0]?.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
  })

  it.each(['127.0.0.1', '*', 'other.example, 127.0.0.1', '.0.0.1'])(
    'is not used for what NO_PROXY names: %s',
    async except => {
      await put({ except })
      expect(asked).toEqual([])
    },
  )

  it.each(['27.0.0.1', 'other.example', '127.0.0.1:1', ''])(
    'is used for what NO_PROXY does not name: %s',
    async except => {
      await put({ except })
      expect(asked).toHaveLength(1)
    },
  )

  it.each([
    [407, 'not', 'It wants a user and a password'],
    [403, 'not', 'NO_PROXY'],
    [502, 'same', 'NO_PROXY'],
  ])('may refuse with %i, mended by: %s', async (status, mend, next) => {
    answer = status
    const url = `http://me:hunter2@127.0.0.1:${port()}`
    const refused = put({ url })
    await expect(refused).rejects.toMatchObject({ code: 'PROXY_REFUSED', mend, next: expect.stringContaining(next) })
    await expect(refused).rejects.not.toThrow(/hunter2/)
  })

  it('may be away', async () => {
    await expect(put({ url: 'http://127.0.0.1:1' })).rejects.toMatchObject({
      category: 'unavailable',
      code: 'PROXY_UNREACHABLE',
      message: 'The proxy 127.0.0.1:1 could not be reached.',
    })
  })

  it('is refused where it is no address', async () => {
    await expect(put({ url: 'socks5://127.0.0.1:1' })).rejects.toMatchObject({
      category: 'usage',
      code: 'PROXY_INVALID',
    })
  })
})
