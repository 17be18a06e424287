import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { openNgcSession, type NgcSession } from '../../src/nim/ngc-api.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'

interface AskedFor {
  path: string
  query: URLSearchParams
  authorization: string | undefined
  range: string | undefined
}

/** @param count counts requests of this path from 1. */
type Answer = (asked: AskedFor, response: ServerResponse, count: number) => void

export interface ScriptedServer {
  url: string
  asked: AskedFor[]
  answer: Answer
  stop(): Promise<void>
}

/** A server that says what a test tells it to. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const asked: AskedFor[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://server')
    const { authorization, range } = request.headers
    asked.push({ path, query, authorization, range })
    const count = asked.filter(each => each.path === path).length
    scripted.answer({ path, query, authorization, range }, response, count)
  })
  const scripted: ScriptedServer = {
    url: '',
    asked,
    answer: (_, response) => void response.writeHead(404).end(),
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  scripted.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return scripted
}

/** A session with a server, in little time; what it reports is gathered. */
export async function openSession(
  url: string,
  { key = 'nvapi-the-secret-key', maxRetries = 0 } = {},
): Promise<{ session: NgcSession; events: ProgressEvent[] }> {
  const events: ProgressEvent[] = []
  const session = await openNgcSession({
    key: secret(key),
    api: new URL(url),
    auth: new URL(url),
    connections: {},
    retry: { maxRetries, firstWaitMs: 1, longestWaitMs: 2 },
    report: event => events.push(event),
  })
  return { session, events }
}
