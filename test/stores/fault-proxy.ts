import { type IncomingMessage, type RequestListener, type ServerResponse, createServer, request } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'

/** What befalls a request. Absent: it passes. */
type Fault =
  /** The server gets it and answers, but the answer never arrives. */
  | { type: 'lose-answer' }
  /** The connection breaks while the request's body is on its way. */
  | { type: 'reset' }
  /** Nothing is ever answered. */
  | { type: 'stall' }
  /** This is answered in the server's place. */
  | { type: 'answer'; status: number; headers?: Record<string, string>; body: string }
  /** The server's answer passes without these headers, and without these elements of its XML. */
  | { type: 'strip'; headers: readonly string[]; elements?: readonly string[] }
  /** The server's answer passes with another text. */
  | { type: 'reword'; change: (text: string) => string }
  /** The connection is closed before the request is read: nobody is there. */
  | { type: 'refuse' }
  /** One byte of the request's body is another on the way. */
  | { type: 'corrupt' }
  /** One byte of the answer's body is another on the way. */
  | { type: 'corrupt-answer' }
  /** The connection breaks after the first bytes of the answer's body. */
  | { type: 'cut-answer' }

export interface FaultProxy {
  endpoint: string
  /** Method and path of all that came, in order. */
  readonly seen: string[]
  /** For the next request that fits; each fault befalls one. */
  next(fits: (request: IncomingMessage) => boolean, fault: Fault): void
  /** For every request that fits. */
  always(fits: (request: IncomingMessage) => boolean, fault: Fault): void
  /** From now on everything passes. */
  calm(): void
  /** Nobody listens at the endpoint for so long: connections are refused, and those that are open break. */
  leave(milliseconds: number): void
  stop(): void
}

/**
 * Stands before a server on loopback and hurts chosen requests. The `host` header stays, so signatures hold.
 *
 * @param certificate with it, the proxy speaks TLS.
 */
export async function startFaultProxy(
  target: string,
  certificate?: { key: string; cert: string },
): Promise<FaultProxy> {
  const rules: { fits: (request: IncomingMessage) => boolean; fault: Fault; once: boolean }[] = []
  const seen: string[] = []
  const listener: RequestListener = (incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`)
    const index = rules.findIndex(rule => rule.fits(incoming))
    const rule = rules[index]
    if (rule?.once === true) rules.splice(index, 1)
    suffer(rule?.fault, { incoming, outgoing, target })
  }
  const server = certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  let comeBack: NodeJS.Timeout | undefined
  return {
    endpoint: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    seen,
    next: (fits, fault) => rules.push({ fits, fault, once: true }),
    always: (fits, fault) => rules.push({ fits, fault, once: false }),
    calm: () => void rules.splice(0),
    leave(milliseconds) {
      server.close()
      server.closeAllConnections()
      comeBack = setTimeout(() => server.listen(port, '127.0.0.1'), milliseconds)
    },
    stop: () => {
      clearTimeout(comeBack)
      server.close()
      server.closeAllConnections()
    },
  }
}

interface Exchange {
  incoming: IncomingMessage
  outgoing: ServerResponse
  target: string
}

function suffer(fault: Fault | undefined, exchange: Exchange): void {
  const { incoming, outgoing } = exchange
  switch (fault?.type) {
    case 'refuse':
      incoming.socket.destroy()
      return
    case 'corrupt':
      forward(exchange, answer => void answer.pipe(outgoing.writeHead(answer.statusCode ?? 502, answer.headers)), {
        changed: true,
      })
      return
    case 'corrupt-answer':
      forward(exchange, answer => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(flipFirstByte()).pipe(outgoing)
      })
      return
    case 'cut-answer':
      forward(exchange, answer => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.once('data', (chunk: Buffer) => {
          outgoing.write(chunk.subarray(0, Math.ceil(chunk.length / 2)), () => incoming.socket.destroy())
        })
      })
      return
    case 'reset':
      incoming.once('data', () => incoming.socket.resetAndDestroy())
      return
    case 'stall':
      incoming.resume()
      return
    case 'answer':
      incoming.resume().once('end', () => outgoing.writeHead(fault.status, fault.headers).end(fault.body))
      return
    case 'reword':
      forward(exchange, answer => {
        delete answer.headers['transfer-encoding']
        void buffer(answer).then(bytes => {
          const body = Buffer.from(fault.change(bytes.toString()))
          outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'content-length': String(body.length) })
          outgoing.end(body)
        })
      })
      return
    case 'lose-answer':
      forward(exchange, answer => void buffer(answer).then(() => incoming.socket.resetAndDestroy()))
      return
    default:
      forward(exchange, answer => {
        for (const name of fault?.headers ?? []) delete answer.headers[name]
        if (fault?.elements !== undefined && isXml(answer)) {
          void withoutElements(answer, fault.elements).then(body => {
            outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, 'content-length': String(body.length) })
            outgoing.end(body)
          })
          return
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      })
  }
}

function forward(
  { incoming, outgoing, target }: Exchange,
  onAnswer: (answer: IncomingMessage) => void,
  { changed = false } = {},
): void {
  const { method, url, headers } = incoming
  const onward = request(`${target}${url}`, { method, headers, setHost: false, agent: false }, onAnswer)
  onward.on('error', () => outgoing.destroy())
  if (changed) incoming.pipe(flipFirstByte()).pipe(onward)
  else incoming.pipe(onward)
}

function isXml({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.includes('xml') ?? false
}

async function withoutElements(answer: IncomingMessage, names: readonly string[]): Promise<Buffer> {
  const xml = (await buffer(answer)).toString()
  delete answer.headers['transfer-encoding']
  return Buffer.from(names.reduce((text, name) => text.replaceAll(new RegExp(`<${name}>.*?</${name}>`, 'g'), ''), xml))
}

function flipFirstByte(): Transform {
  let flipped = false
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const bytes = Buffer.from(chunk)
      if (!flipped && bytes.length > 0) bytes[0] = (bytes[0] ?? 0) ^ 1
      flipped ||= bytes.length > 0
      done(null, bytes)
    },
  })
}
