import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'

import { examineServer } from '../../src/pipeline/doctor-server.ts'
import type { ConnectionOptions } from '../../src/system/http/connections.ts'
import { type Certificates, makeCertificates } from '../servers/certificates.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'

const directory = makeTemporaryDirectory()
const signal = new AbortController().signal
let certificates: Certificates
let stop = async () => {}

beforeAll(async () => {
  certificates = await makeCertificates(directory.path, 'nimctl test authority')
})
afterEach(() => stop())
afterAll(() => directory.remove())

async function serve(listener: RequestListener, secure: boolean): Promise<URL> {
  const server = secure ? createSecureServer(certificates, listener) : createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stop = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  const { port } = server.address() as AddressInfo
  return new URL(`${secure ? 'https' : 'http'}://127.0.0.1:${port}/models`)
}

const examine = (address: URL, connections: ConnectionOptions = {}) =>
  examineServer({ name: 's3://models', address, connections, signal })

const at =
  (skewSeconds: number, headers: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    const date = new Date(Date.now() + skewSeconds * 1000).toUTCString()
    response.writeHead(403, { date, ...headers }).end()
  }

it('tells protocol and certificate, region and clock, without credentials', async () => {
  const address = await serve(at(0, { 'x-amz-bucket-region': 'eu-west-1' }), true)
  const [connection, clock] = await examine(address, { caFile: certificates.caFile })
  // makeCertificates gives it two days.
  expect(connection).toMatchObject({
    name: 's3://models: connection',
    status: 'warning',
    found: expect.stringMatching(
      /^TLSv1\.3, certificate of "nimctl test authority" until .*, without a proxy, region eu-west-1$/,
    ),
    next: expect.stringContaining('ends soon'),
  })
  expect(clock).toMatchObject({ name: 's3://models: clock', status: 'ok', found: 'agrees with the server' })
})

it('says that nothing is encrypted', async () => {
  const [connection] = await examine(await serve(at(0), false))
  expect(connection).toMatchObject({ status: 'ok', found: expect.stringContaining('nothing is encrypted') })
})

it.each([
  [600, /behind the server$/],
  [-3600, /ahead of the server$/],
])('warns of a server %i s from here', async (skew, found) => {
  const findings = await examine(await serve(at(skew), false))
  expect(findings[1]).toMatchObject({
    status: 'warning',
    found: expect.stringMatching(found),
    next: expect.stringContaining('NTP'),
  })
})

it('goes on where the server can not be asked', async () => {
  const address = await serve(at(0), true)
  expect(await examine(address)).toMatchObject([
    { status: 'warning', found: expect.stringContaining('was not reached') },
  ])
})
