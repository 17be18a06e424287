import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface StandInKeys {
  address: string
  /** Names of the keys with which something was encrypted. */
  readonly used: Set<string>
  stop(): void
}

/**
 * Stands in for the key service of OpenBao that SeaweedFS asks for SSE-KMS (https://openbao.org/api-docs/secret/transit/):
 * it remembers what it was given under a random name, and encrypts nothing.
 */
export async function startStandInKeys(): Promise<StandInKeys> {
  const used = new Set<string>()
  const kept = new Map<string, string>()
  const encrypt = (key: string, plaintext: string) => {
    used.add(key)
    const ciphertext = `vault:v1:${randomBytes(16).toString('base64')}`
    kept.set(ciphertext, plaintext)
    return { ciphertext }
  }
  const server = createServer((request, answer) => {
    void text(request).then(body => {
      const [, , , action = '', key = ''] = (request.url ?? '').split('/')
      const { plaintext = '', ciphertext = '' } = body === '' ? {} : JSON.parse(body)
      const data = action === 'encrypt' ? encrypt(key, plaintext) : { plaintext: kept.get(ciphertext) }
      answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    used,
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
