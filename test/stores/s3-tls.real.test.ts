import { readFileSync, writeFileSync } from 'node:fs'

import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'

import { openStore, type StoreOptions } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { requireProgram } from '../servers/locate.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { never, putText, sumsOf } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'
import { startStandInAws, type StandInAws } from './stand-in-aws.ts'
import { type StandIn, startStandIn, taken } from './stand-in-s3.ts'

useEnvironment({ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' })

const directory = makeTemporaryDirectory()
const cert = `${directory.path}/cert.pem`
let server: StandIn
let aws: StandInAws
let store: Store

beforeAll(async () => {
  const key = `${directory.path}/key.pem`
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert]
  await execa(requireProgram('registry', 'openssl'), ['req', '-x509', ...made, ...names])
  const files = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  aws = await startStandInAws(files)
  server = await startStandIn((request, count) => taken(count, request), files)
})
afterAll(() => {
  server.stop()
  aws.stop()
  directory.remove()
})
afterEach(() => {
  store.close()
  server.seen.length = 0
})

const open = async (options: StoreOptions) => {
  store = await openStore(new URL('s3://bucket'), { endpointUrl: `https://127.0.0.1:${server.port}`, ...options })
}

it('is refused where nobody vouches for the server', async () => {
  await open({})
  await expect(putText(store, 'key', 'text')).rejects.toMatchObject({ code: 'TLS_CERTIFICATE_REFUSED', mend: 'not' })
})

it.each([{ caFile: cert }, { insecureSkipTlsVerify: true }])('carries whole bodies with %j', async options => {
  await open(options)
  const bytes = Buffer.alloc(5 * 1024 * 1024 + 3, 'x')
  await store.put('key', bytes, sumsOf(bytes), never)
  expect(server.seen[0]?.headers['content-length']).toBe(String(bytes.length))
  expect(server.seen[0]?.complete).toBe(true)
})

it('makes one handshake for many requests, by the SDK or without', async () => {
  await open({ caFile: cert })
  for (const key of ['a', 'b']) await putText(store, key, 'text')
  await store.remove('a', never)
  expect(server.seen).toHaveLength(3)
  expect(new Set(server.seen.map(({ socket }) => socket)).size).toBe(1)
})

it('asks STS over TLS with the same CA', async () => {
  const config = `${directory.path}/config`
  const base = '[profile base]\naws_access_key_id = KEY-0\naws_secret_access_key = secret\n'
  writeFileSync(config, `${base}[profile role]\nsource_profile = base\nrole_arn = arn:aws:iam::1:role/one\n`)
  vi.stubEnv('AWS_CONFIG_FILE', config)
  vi.stubEnv('AWS_ENDPOINT_URL_STS', aws.endpoint)
  await open({ awsProfile: 'role' })
  await expect(putText(store, 'key', 'text')).rejects.toMatchObject({ why: expect.stringContaining('certificate') })
  store.close()
  await open({ awsProfile: 'role', caFile: cert })
  await putText(store, 'key', 'text')
  expect(server.seen[0]?.headers.authorization).toContain('Credential=KEY-1/')
})
