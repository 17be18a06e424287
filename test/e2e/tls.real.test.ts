import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import { makeHubCache } from '../hub-cache.ts'
import { type Certificates, makeCertificates } from '../servers/certificates.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'
import { mistakesOf } from './failures.ts'
import { nimctl } from './nimctl.ts'
import { readTree } from './trees.ts'

const s3Env = inject('s3Env')

let directory: string
let certificates: Certificates
let proxy: FaultProxy
let plain: FaultProxy

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-tls-'))
  certificates = await makeCertificates(directory, 'The Company CA')
  await makeHubCache(join(directory, 'cache'))
  proxy = await startFaultProxy(s3Env.AWS_ENDPOINT_URL ?? '', certificates)
  plain = await startFaultProxy(s3Env.AWS_ENDPOINT_URL ?? '')
})
afterAll(async () => {
  proxy.stop()
  plain.stop()
  await rm(directory, { recursive: true, force: true })
})

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  nimctl(args, {
    env: { ...s3Env, AWS_ENDPOINT_URL: proxy.endpoint, HOME: directory, NIMCTL_STATE_DIR: directory, ...env },
  })
const upload = () => ['upload', join(directory, 'cache'), `s3://models/tls-${process.pid}/`]

it('a server whose CA is unknown is not sent a byte; host, CA and cure are named', async () => {
  const says = [proxy.endpoint, 'The Company CA', '--ca-file']
  const failure = { category: 'unavailable', code: 'TLS_CERTIFICATE_REFUSED', says } as const
  expect(await mistakesOf(run, upload(), failure)).toEqual([])
  expect(proxy.seen).toEqual([])
})

it('the CA of another server is no better', async () => {
  const other = join(directory, 'other')
  await mkdir(other)
  const { caFile } = await makeCertificates(other, 'Another CA')
  expect(await run([...upload(), '--ca-file', caFile])).toMatchObject({ exitCode: 6 })
  expect(proxy.seen).toEqual([])
})

it('an address that does not speak TLS is named', async () => {
  const endpoint = plain.endpoint.replace('http:', 'https:')
  const failure = { category: 'unavailable', code: 'TLS_NOT_SPOKEN', says: [endpoint, 'http://'] } as const
  expect(await mistakesOf(run, [...upload(), '--endpoint-url', endpoint], failure)).toEqual([])
})

it.each<[string, () => { flags?: string[]; env?: Record<string, string> }]>([
  ['--ca-file', () => ({ flags: ['--ca-file', certificates.caFile] })],
  ['NIMCTL_CA_FILE', () => ({ env: { NIMCTL_CA_FILE: certificates.caFile } })],
  ['NODE_EXTRA_CA_CERTS', () => ({ env: { NODE_EXTRA_CA_CERTS: certificates.caFile } })],
  ['--insecure-skip-tls-verify', () => ({ flags: ['--insecure-skip-tls-verify'] })],
])('%s brings it up and back', async (name, given) => {
  const { flags = [], env = {} } = given()
  const url = `s3://models/tls-${process.pid}-${name}/`
  const back = join(directory, `back${name}`)
  expect(await run(['upload', join(directory, 'cache'), url, ...flags], env)).toMatchObject({ exitCode: 0 })
  expect(await run(['download', url, back, ...flags], env)).toMatchObject({ exitCode: 0 })
  expect(await readTree(back)).toEqual(await readTree(join(directory, 'cache')))
})
