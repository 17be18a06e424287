import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { makeHubCache } from '../hub-cache.ts'
import { type Azurite, azuriteAccount, containerSas, startAzurite } from '../servers/azurite.ts'
import { kserveDownload } from '../servers/kserve.ts'
import { requireProgram } from '../servers/locate.ts'
import { nimctl, succeeded } from './nimctl.ts'
import { emptyHash, readContents } from './trees.ts'

const host = `${azuriteAccount.name}.blob.core.windows.net`
let directory: string
let azurite: Azurite
let tunnel: Server
const path = (name: string) => join(directory, name)

/** KServe takes Azure's own host alone: a proxy leads there, and a certificate vouches for it. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-kserve-'))
  const tls = { cert: path('cert.pem'), key: path('key.pem') }
  const names = ['-subj', '/CN=localhost', '-addext', `subjectAltName=IP:127.0.0.1,DNS:${host}`]
  const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', tls.key, '-out', tls.cert]
  await execa(requireProgram('registry', 'openssl'), ['req', '-x509', ...made, ...names])
  azurite = await startAzurite({ containers: ['models'], tls })
  const port = Number(new URL(azurite.endpoint).port)
  tunnel = createServer().on('connect', (_, client) => {
    const server = connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 Connected\r\n\r\n'))
    server
      .on('error', () => client.destroy())
      .pipe(client)
      .on('error', () => server.destroy())
      .pipe(server)
  })
  await new Promise<void>(resolve => tunnel.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  tunnel.close()
  await azurite.stop()
  await rm(directory, { recursive: true })
})

it("is read back by KServe's storage initializer, but for the empty files that it drops", async () => {
  await makeHubCache(path('cache'))
  const env = { ...azurite.env, HOME: directory, NIMCTL_STATE_DIR: path('state') }
  const to = ['--endpoint-url', azurite.endpoint, '--ca-file', path('cert.pem')]
  succeeded(await nimctl(['upload', path('cache'), 'az://models/llama', ...to], { env }))

  const proxy = `http://127.0.0.1:${(tunnel.address() as AddressInfo).port}`
  const sas = containerSas('models', 'rl', Date.now() + 3600_000)
  const read = await kserveDownload({
    url: `https://${host}/models/llama?${sas}`,
    out: path('by-kserve'),
    env: { HTTPS_PROXY: proxy, SSL_CERT_FILE: path('cert.pem'), REQUESTS_CA_BUNDLE: path('cert.pem') },
  })
  expect(read).toMatchObject({ exitCode: 0 })
  const full = Object.entries(await readContents(path('cache'))).filter(([, hash]) => hash !== emptyHash)
  expect(await readContents(path('by-kserve'))).toEqual(Object.fromEntries(full))
})
