import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface StandIn {
  port: number
  readonly seen: IncomingMessage[]
  stop(): void
}

export interface Given {
  status?: number
  headers?: Record<string, string>
  body?: string
}

/** Answers what a test says, for what no real server does on demand. `undefined`: it stays silent. */
export async function startStandIn(
  answer: (request: IncomingMessage, count: number) => Given | undefined,
  tls?: { key: string; cert: string },
): Promise<StandIn> {
  const seen: IncomingMessage[] = []
  const listener: RequestListener = (incoming, outgoing) => {
    seen.push(incoming)
    const given = answer(incoming, seen.length)
    incoming.resume()
    if (given === undefined) return
    const { status = 200, headers = {}, body = '' } = given
    incoming.once('end', () => outgoing.writeHead(status, headers).end(body))
  }
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** As a server that has checked the bytes. */
export function taken(_: number, { headers }: IncomingMessage): Given {
  return { headers: { etag: '"0123"', 'x-amz-checksum-crc32c': String(headers['x-amz-checksum-crc32c']) } }
}
