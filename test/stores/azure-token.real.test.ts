import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'

import { openStore, type StoreOptions } from '../../src/stores/open.ts'
import { type Azurite, startAzurite } from '../servers/azurite.ts'
import { requireProgram } from '../servers/locate.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { never, putText, readText } from './contract-tools.ts'

const directory = makeTemporaryDirectory()
const cert = `${directory.path}/cert.pem`
const key = `${directory.path}/key.pem`
let azurite: Azurite

/** Stands in for the service that gives tokens to a virtual machine or an app; no other part of Entra is asked. */
const asked: IncomingMessage[] = []
const identity = createServer((request, answer) => {
  asked.push(request)
  const expires = Math.floor(Date.now() / 1000) + 3600
  const token = { access_token: tokenUntil(expires), expires_on: String(expires), token_type: 'Bearer' }
  answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(token))
})

/** As Entra makes them. Azurite reads what stands in it, and checks no signature. */
function tokenUntil(expires: number): string {
  const claims = {
    aud: 'https://storage.azure.com',
    iss: 'https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/',
    nbf: expires - 7200,
    iat: expires - 7200,
    exp: expires,
  }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}.c2lnbmF0dXJl`
}

beforeAll(async () => {
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert]
  await execa(requireProgram('registry', 'openssl'), ['req', '-x509', ...made, ...names])
  azurite = await startAzurite({ containers: ['models'], tls: { cert, key } })
  await new Promise<void>(resolve => identity.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  identity.close()
  await azurite.stop()
  directory.remove()
})
beforeEach(() => {
  asked.length = 0
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`)
  vi.stubEnv('IDENTITY_HEADER', 'the header')
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'ManagedIdentityCredential')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const open = (options: StoreOptions) =>
  openStore(new URL('az://models/token'), { endpointUrl: azurite.endpoint, ...options })

it('asks for one token, whatever begins together, and sends it over TLS', async () => {
  const store = await open({ caFile: cert })
  await Promise.all(['a', 'b', 'c'].map(name => putText(store, name, name)))
  await store.copy('a', 'copy', never)
  expect(await readText(store, 'copy')).toBe('a')
  expect(asked).toHaveLength(1)
  expect(decodeURIComponent(asked[0]?.url ?? '')).toContain('resource=https://storage.azure.com')
  store.close()
})

it('is refused where nobody vouches for the server', async () => {
  const store = await open({})
  await expect(store.stat('key', never)).rejects.toMatchObject({ code: 'TLS_CERTIFICATE_REFUSED', mend: 'not' })
  store.close()
})

it('says what kept it from a token', async () => {
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'EnvironmentCredential')
  const store = await open({ caFile: cert })
  await expect(store.stat('key', never)).rejects.toMatchObject({
    category: 'auth',
    code: 'CREDENTIALS_MISSING',
    next: expect.stringContaining('az login'),
  })
  store.close()
})
