import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'

import { connectMs, type Connections, silenceMs as usualSilenceMs } from './connections.ts'

export interface Outgoing {
  to: { secure: boolean; hostname: string; port: string }
  method: string
  /** With the query. */
  path: string
  /** `host` and `content-length` among them: none is added. */
  headers: Record<string, string>
  /** Must not change before the promise settles. */
  body?: Uint8Array | readonly Uint8Array[] | undefined
  /** Instead of the usual one. */
  silenceMs?: number | undefined
  signal: AbortSignal
}

export function addressOf({ protocol, hostname, port }: URL): Outgoing['to'] {
  return { secure: protocol === 'https:', hostname: hostname.replace(/^\[|\]$/g, ''), port }
}

/** Sends one request; the promise is kept with the beginning of its answer. The signal also ends reading the rest. */
export function send(connections: Connections, outgoing: Outgoing): Promise<IncomingMessage> {
  const { to, signal, body } = outgoing
  return new Promise((resolve, reject) => {
    const request = begin(connections, outgoing)
    let answer: IncomingMessage | undefined
    const stop = () => {
      const told = new Error('told to stop')
      // Of an answer that has come whole the connection may be the agent's again: nobody there hears of an error.
      if (answer?.complete === true) answer.destroy(told)
      else request.destroy(told)
    }
    signal.addEventListener('abort', stop)
    request.on('close', () => signal.removeEventListener('abort', stop))
    request.on('error', reject)
    request.on('response', incoming => {
      answer = incoming
      incoming.on('end', () => {
        // An answer that came before the body was read is a refusal; the rest of the body must not follow.
        if (!request.writableFinished) request.destroy()
      })
      resolve(incoming)
    })
    sendBody(request, body, to.secure)
  })
}

/** The request without its body, which ends by itself where no connection comes about or it stays silent. */
export function begin(
  connections: Connections,
  { to, method, path, headers, silenceMs = usualSilenceMs }: Outgoing,
): ClientRequest {
  const options: RequestOptions = {
    agent: to.secure ? connections.httpsAgent : connections.httpAgent,
    host: to.hostname,
    method,
    path,
    // In this form Node takes them as they are, which saves a fifth of what a request costs.
    headers: Object.entries(headers).flat(),
  }
  if (to.port !== '') options.port = to.port
  const request = to.secure ? httpsRequest(options) : httpRequest(options)
  // A connection that is used again has the time for which the server keeps it idle ("Keep-Alive: timeout=5"), less one
  // second, and neither the agent's option nor an equal one of the request replaces it.
  request.setTimeout(silenceMs)
  request.on('timeout', () => request.destroy(timedOut('The connection stayed silent.')))
  limitConnecting(request, to.secure)
  return request
}

function limitConnecting(request: ClientRequest, secure: boolean): void {
  request.on('socket', socket => {
    if (!socket.connecting) return
    const timer = setTimeout(() => request.destroy(timedOut('No connection came about.')), connectMs)
    const stop = () => clearTimeout(timer)
    socket.once(secure ? 'secureConnect' : 'connect', stop)
    socket.once('close', stop)
  })
}

/** TLS encrypts what it is given in one go: in slices, the peer has work meanwhile and memory stays small. */
const secureSlice = 1024 * 1024

function sendBody(request: ClientRequest, body: Outgoing['body'], secure: boolean): void {
  if (body === undefined || (body instanceof Uint8Array && (!secure || body.length <= secureSlice))) {
    request.end(body)
    return
  }
  const slices = slicesOf(body instanceof Uint8Array ? [body] : body, secure)
  const proceed = () => {
    while (!request.destroyed) {
      const slice = slices.shift()
      if (slice === undefined) return void request.end()
      if (!request.write(slice)) return void request.once('drain', proceed)
    }
  }
  proceed()
}

/** What is written to a connection in one go. */
export function slicesOf(pieces: readonly Uint8Array[], secure: boolean): Uint8Array[] {
  if (!secure) return [...pieces]
  return pieces.flatMap(piece =>
    Array.from({ length: Math.ceil(piece.length / secureSlice) }, (_, index) =>
      piece.subarray(index * secureSlice, (index + 1) * secureSlice),
    ),
  )
}

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError', code: 'ETIMEDOUT' })
}
