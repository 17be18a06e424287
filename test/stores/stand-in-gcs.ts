import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface SeenRequest {
  method: string
  path: string
  query: Record<string, string>
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface Said {
  status?: number
  headers?: Record<string, string>
  /** An object is sent as JSON. */
  body?: object | string
}

export interface StandInGcs {
  endpoint: string
  readonly seen: SeenRequest[]
  stop(): void
}

/**
 * Says what a test wants, for what no real server says on demand; also in the place of Google's token services.
 * It has proved nothing about Google: that the requests are right, its documentation says.
 */
export async function startStandInGcs(say: (request: SeenRequest, count: number) => Said): Promise<StandInGcs> {
  const seen: SeenRequest[] = []
  const server = createServer((incoming, outgoing) => {
    void buffer(incoming).then(body => {
      const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://stand-in')
      const query = Object.fromEntries(searchParams)
      const request = { method: incoming.method ?? '', path: pathname, query, headers: incoming.headers, body }
      seen.push(request)
      const { status = 200, headers = {}, body: said = '' } = say(request, seen.length)
      outgoing.writeHead(status, headers).end(typeof said === 'string' ? said : JSON.stringify(said))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
