import type { IncomingMessage } from 'node:http'

import { NimctlError } from '../../system/errors.ts'
import { type Connections, openConnections } from '../../system/http/connections.ts'
import { addressOf, type Outgoing, send } from '../../system/http/send.ts'
import { type Answer, readAnswer } from '../http/answer.ts'
import { withIssuer } from '../http/store-error.ts'
import type { StoreOptions } from '../open.ts'
import { type Credentials, findCredentials } from './credentials.ts'
import { failureOf, notUnderstood, translateHttpsError } from './errors.ts'
import { type Location, parseHttpsUrl } from './location.ts'

export interface HttpsRequest {
  method: 'OPTIONS' | 'PROPFIND' | 'GET' | 'HEAD' | 'PUT' | 'MKCOL' | 'COPY' | 'MOVE' | 'DELETE'
  /** Percent-encoded. */
  path: string
  /** Names in lower case. */
  headers?: Record<string, string>
  /** Must not change before the promise settles. */
  body?: Uint8Array
  /** How long the connection may stay silent. */
  silenceMs?: number
  /** Statuses that are answers too. Absent: those below 300. */
  accepts?: (status: number) => boolean
  signal: AbortSignal
}

type Described = Pick<HttpsRequest, 'method' | 'path' | 'signal'>

/** A folder of a web server, and how to talk to it. */
export interface Server extends Location {
  readonly connections: Connections
  /** Who asks, never a secret; `undefined` for nobody. */
  readonly identity: string | undefined
  /** @throws NimctlError */
  ask(request: HttpsRequest): Promise<Answer>
  /** The same, and leaves the answer's body to be read. */
  open(request: HttpsRequest): Promise<IncomingMessage>
  /** A request with all that goes into each. */
  prepare(request: HttpsRequest): Promise<Outgoing>
  /** Runs what makes a request, and translates its errors. */
  guard<T>(request: Described, make: () => Promise<T>): Promise<T>
  /** An error of the connection, as one of ours. */
  translate(error: unknown, request: Described): unknown
  notUnderstood(request: Described, cause?: unknown): NimctlError
  close(): void
}

export async function openServer(url: URL, options: StoreOptions): Promise<Server> {
  const location = parseHttpsUrl(url)
  const { origin } = location.url
  const connections = await openConnections(options)
  const credentials = findCredentials(url, options.https ?? {})

  const targetOf = ({ path }: Pick<HttpsRequest, 'path'>) => origin + path
  const translate: Server['translate'] = (error, request) => {
    if (request.signal.aborted) return request.signal.reason
    return translateHttpsError(error, { method: request.method, target: targetOf(request), origin, credentials })
  }
  const guard: Server['guard'] = async (request, make) => {
    request.signal.throwIfAborted()
    try {
      return await make()
    } catch (error) {
      const translated = translate(error, request)
      if (translated instanceof NimctlError && translated.mend === 'new-credentials') credentials.forget()
      throw await withIssuer(translated, origin)
    }
  }
  const prepare = (request: HttpsRequest) => outgoing(location.url, credentials, request)
  const openAccepted = async (request: HttpsRequest): Promise<IncomingMessage> => {
    const { accepts = isSuccess } = request
    const incoming = await followed(request, async asked => await send(connections, await prepare(asked)), origin)
    if (!accepts(incoming.statusCode ?? 0)) throw failureOf(await readAnswer(incoming))
    return incoming
  }
  return {
    ...location,
    identity: credentials.identity,
    connections,
    ask: request => guard(request, async () => await readAnswer(await openAccepted(request))),
    open: request => guard(request, () => openAccepted(request)),
    prepare,
    guard,
    translate,
    notUnderstood: (request, cause) => notUnderstood({ method: request.method, target: targetOf(request) }, cause),
    close() {
      connections.httpAgent.destroy()
      connections.httpsAgent.destroy()
    },
  }
}

function isSuccess(status: number): boolean {
  return status < 300
}

async function outgoing(
  to: URL,
  credentials: Credentials,
  { method, path, headers, body, silenceMs, signal }: HttpsRequest,
): Promise<Outgoing> {
  const proof = await credentials.headers()
  signal.throwIfAborted()
  return {
    to: addressOf(to),
    method,
    path,
    headers: {
      host: to.host,
      'user-agent': 'nimctl',
      ...proof,
      ...headers,
      ...(method === 'GET' || method === 'HEAD' ? {} : { 'content-length': String(body?.length ?? 0) }),
    },
    body,
    silenceMs,
    signal,
  }
}

const mostRedirects = 5

/** What only reads is sent on, but never to another host: the credentials are for this one. */
async function followed(
  request: HttpsRequest,
  make: (request: HttpsRequest) => Promise<IncomingMessage>,
  origin: string,
): Promise<IncomingMessage> {
  let { path } = request
  for (let count = 0; ; count++) {
    const incoming = await make({ ...request, path })
    const target = redirectOf(incoming, origin + path)
    const follows = request.method === 'GET' || request.method === 'HEAD'
    if (target === undefined || !follows) return incoming
    // So servers answer where a folder lies: it is no file. Behind a proxy they name an origin of their own.
    if (target.pathname === `${path}/`) {
      incoming.resume()
      throw Object.assign(new Error('It is a folder.'), { status: 404, headers: {} })
    }
    if (target.origin !== origin || count === mostRedirects) return incoming
    incoming.resume()
    path = target.pathname + target.search
  }
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage, base: string): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined
  return URL.parse(headers.location ?? '', base) ?? undefined
}
