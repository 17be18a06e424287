import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'

import { execa } from 'execa'

import { type Azurite, azuriteAccount, startAzurite } from './azurite.ts'
import { requireProgram } from './locate.ts'

export interface AzureHost {
  /** As Azure itself calls the account: readers such as KServe take no other. */
  host: string
  azurite: Azurite
  /** What leads a client there, and lets it trust the certificate. */
  env: Record<string, string>
  /** The certificate, in PEM. */
  caFile: string
  stop: () => Promise<void>
}

/**
 * Azurite under Azure's own host name: a proxy leads there, and a certificate vouches for it.
 *
 * @param directory for key and certificate.
 */
export async function startAzureHost(directory: string, containers: readonly string[]): Promise<AzureHost> {
  const host = `${azuriteAccount.name}.blob.core.windows.net`
  const tls = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
  const names = ['-subj', '/CN=localhost', '-addext', `subjectAltName=IP:127.0.0.1,DNS:${host}`]
  const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', tls.key, '-out', tls.cert]
  await execa(requireProgram('registry', 'openssl'), ['req', '-x509', ...made, ...names])
  const azurite = await startAzurite({ containers, tls })
  const port = Number(new URL(azurite.endpoint).port)
  const tunnel = createServer().on('connect', (_, client) => {
    const server = connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 Connected\r\n\r\n'))
    server
      .on('error', () => client.destroy())
      .pipe(client)
      .on('error', () => server.destroy())
      .pipe(server)
  })
  await new Promise<void>(resolve => tunnel.listen(0, '127.0.0.1', resolve))
  const proxy = `http://127.0.0.1:${(tunnel.address() as AddressInfo).port}`
  return {
    host,
    azurite,
    env: { HTTPS_PROXY: proxy, SSL_CERT_FILE: tls.cert, REQUESTS_CA_BUNDLE: tls.cert },
    caFile: tls.cert,
    async stop() {
      tunnel.close()
      await azurite.stop()
    },
  }
}
