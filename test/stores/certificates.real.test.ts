import { afterAll, beforeAll, expect, it } from 'vitest'

import { openStore, type StoreOptions } from '../../src/stores/open.ts'
import { secret } from '../../src/system/secret.ts'
import { makeCertificates } from '../servers/certificates.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { never } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'
import { type StandIn, startStandIn } from './stand-in-s3.ts'

useEnvironment({ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' })

const directory = makeTemporaryDirectory()
let server: StandIn

beforeAll(async () => {
  server = await startStandIn(() => ({}), await makeCertificates(directory.path, 'Acme Root CA'))
})
afterAll(() => {
  server.stop()
  directory.remove()
})

const azure: StoreOptions['azure'] = { account: 'acme', key: secret(Buffer.from('key').toString('base64')) }

it.each([
  ['s3://bucket', (endpointUrl: string) => ({ endpointUrl })],
  ['gs://bucket', (endpointUrl: string) => ({ endpointUrl, signRequests: false })],
  ['az://container', (endpointUrl: string) => ({ endpointUrl, azure })],
  ['https://HOST/models', () => ({})],
  ['swebhdfs://HOST/models', () => ({})],
])('%s: who signed a certificate that is not trusted is named', async (url, options) => {
  const host = `127.0.0.1:${server.port}`
  const stat = async () => {
    const store = await openStore(new URL(url.replace('HOST', host)), options(`https://${host}`))
    return await store.stat('key', never)
  }
  await expect(stat()).rejects.toMatchObject({
    code: 'TLS_CERTIFICATE_REFUSED',
    why: expect.stringContaining('It was issued by "Acme Root CA".'),
  })
  expect(server.seen).toEqual([])
})
