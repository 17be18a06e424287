import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

interface Asked {
  path: string
  authorization: string | undefined
  body: unknown
}

export interface StandInEndpoint {
  url: string
  asked: Asked[]
  stop(): Promise<void>
}

/** What a route answers: a status and JSON, or all of it by itself. */
type Route =
  | { status?: number; json: unknown }
  | ((body: unknown, response: ServerResponse) => { status?: number; json: unknown } | undefined)

export type Routes = Record<string, Route>

export const model = 'nvidia/nv-embedqa-e5-v5'
export const profile = '0494aafc'.padEnd(64, '0')

/** What every NIM has (docs.nvidia.com, API Reference), and no route for its model yet. */
export const managementRoutes: Routes = {
  '/v1/health/ready': { json: { object: 'health.response', message: 'ready', ready: true } },
  '/v1/models': { json: { object: 'list', data: [{ id: model, object: 'model', owned_by: 'stand-in' }] } },
  '/v1/metadata': { json: { version: '1.8.4', selectedModelProfileId: profile, modelInfo: [] } },
}

/** One route for each kind of model, as NVIDIA's references show them. */
export const modelRoutes = {
  chat: {
    '/v1/chat/completions': {
      json: {
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hello!' }, finish_reason: 'stop' }],
        usage: { completion_tokens: 3 },
      },
    },
  },
  completion: {
    '/v1/completions': { json: { object: 'text_completion', choices: [{ index: 0, text: ', world' }] } },
  },
  embeddings: {
    '/v1/embeddings': {
      json: { object: 'list', data: [{ index: 0, object: 'embedding', embedding: numbers(1024) }], model },
    },
  },
  rerank: {
    '/v1/ranking': {
      json: {
        rankings: [
          { index: 1, logit: 0.7 },
          { index: 0, logit: -2.5 },
        ],
      },
    },
  },
} satisfies Record<string, Routes>

export function numbers(length: number): number[] {
  return Array.from({ length }, (_, index) => index / 1000 - 0.2)
}

/** A server in a NIM's place; what it has no route for it does not find. */
export async function startStandInEndpoint(
  routes: Routes,
  { key, tls }: { key?: string; tls?: { key: string; cert: string } } = {},
): Promise<StandInEndpoint> {
  const asked: Asked[] = []
  const listener: RequestListener = (request, response) => {
    readBody(request).then(
      body => answer(request, body, response),
      () => response.destroy(),
    )
  }
  const answer = (
    { url = '', headers: { authorization } }: IncomingMessage,
    body: unknown,
    response: ServerResponse,
  ) => {
    asked.push({ path: url, authorization, body })
    if (key !== undefined && authorization !== `Bearer ${key}`) {
      return void response.writeHead(401).end('{"detail":"Unauthorized"}')
    }
    const route = routes[url]
    const given = typeof route === 'function' ? route(body, response) : (route ?? notFound)
    if (given !== undefined) response.writeHead(given.status ?? 200).end(JSON.stringify(given.json))
  }
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    asked,
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const notFound = { status: 404, json: { detail: 'Not Found' } }

async function readBody(request: IncomingMessage): Promise<unknown> {
  const text = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString()
  return text === '' ? undefined : JSON.parse(text)
}
