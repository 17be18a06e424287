import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, request as requestSecurely } from 'node:https'
import type { AddressInfo } from 'node:net'

import { phaseBelow } from './phase.ts'
import { type Exchange, openSteps, type Watcher } from './watcher.ts'

/** A request, as far as it says what it is for. */
export interface Asked {
  method: string
  /** Decoded, without the first slash. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** What came first of the body; absent as long as nothing has come. */
  body?: Buffer
}

/** How the requests of a kind of store are read. Keys are those in the bucket. */
export interface Language {
  /** A request that breaks off does not reach the server at all. */
  wholeBodies?: boolean
  /** @returns undefined where the body has to tell. */
  read(asked: Asked): Understood | undefined
  /** What later requests refer to. Nothing is kept of the body of what is read. */
  learn?(key: string, answer: IncomingMessage, about: { asked: Asked; body: Buffer | undefined }): void
  /** A server beside the target that is to get this request: its origin. */
  besides?(asked: Asked): string | undefined
  /**
   * What is passed on instead of an answer's body.
   *
   * @param endpoint of this proxy.
   */
  reword?(body: Buffer, endpoint: string): Buffer
}

export type Understood = Pick<Exchange, 'phase' | 'key'> & {
  number?: number
  /** First byte of what is read, where the header Range does not say it. */
  start?: number
  /** Under this name the content was sent that is now given its key. */
  sentAs?: string
}

/**
 * Stands before a server on loopback, and notes every request.
 *
 * @param certificates with them, both sides speak TLS.
 */
export async function startWatchingProxy(
  target: string,
  language: Language,
  certificates?: { key: string; cert: string; ca: Buffer },
): Promise<Watcher & { endpoint: string }> {
  let steps = openSteps(undefined)
  let prefix = ''
  let open = 0
  let idlers: (() => void)[] = []
  const ca = certificates?.ca
  const send = certificates === undefined ? request : requestSecurely

  const pass = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    open += 1
    const { all, reach, halfOf } = steps
    const done = once(() => {
      open -= 1
      if (open > 0) return
      for (const resolve of idlers) resolve()
      idlers = []
    })
    const { method, url, headers } = incoming
    const asked = askedBy(incoming)
    const onward = send(`${language.besides?.(asked) ?? target}${url}`, {
      method,
      headers,
      setHost: false,
      agent: false,
      ca,
    })
    const held: Buffer[] = []
    onward.on('error', () => outgoing.destroy())
    onward.on('close', done)
    // A request that arrived whole takes its course at the server, whatever became of the client.
    incoming.on('close', () => incoming.complete || onward.destroy())

    let exchange: Exchange | undefined
    let half: (bytes: number) => void = () => {}
    const understand = (body?: Buffer) => {
      const found = language.read({ ...asked, ...(body && { body }) })
      if (found === undefined) return
      const begun = exchangeOf(incoming, found, prefix)
      exchange = begun
      if (found.sentAs !== undefined) giveKey(all, withoutPrefix(found.sentAs, prefix), begun)
      all.push(begun)
      half = halfway(
        begun,
        () => reach(begun, 'halfway'),
        () => halfOf(begun),
      )
      reach(begun, 'arrived')
    }
    understand()
    incoming.on('data', (chunk: Buffer) => {
      if (exchange === undefined) understand(chunk)
      half(chunk.length)
      if (language.wholeBodies === true) held.push(chunk)
      else if (!onward.write(chunk)) {
        incoming.pause()
        onward.once('drain', () => incoming.resume())
      }
    })
    incoming.on('end', () => {
      if (exchange === undefined) understand(Buffer.of())
      // An empty body has no data.
      if (exchange?.phase !== 'range') half(0)
      onward.end(Buffer.concat(held))
    })
    onward.on('response', answer => {
      const learn = (body?: Buffer) => exchange && language.learn?.(prefix + exchange.key, answer, { asked, body })
      if (exchange?.phase === 'range') {
        learn()
        exchange.size = Number(answer.headers['content-length'] ?? 0)
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.on('data', (chunk: Buffer) => half(chunk.length))
        answer.on('end', () => exchange && reach(exchange, 'answered'))
        answer.pipe(outgoing)
        return
      }
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        const body = Buffer.concat(chunks)
        learn(body)
        if (exchange !== undefined) reach(exchange, 'answered')
        const { statusCode = 502, headers } = answer
        outgoing.writeHead(statusCode, language.reword === undefined ? headers : withoutLength(headers))
        outgoing.end(language.reword?.(body, endpoint) ?? body)
      })
    })
    outgoing.on('finish', () => exchange && reach(exchange, 'passed'))
    // Nobody takes the rest of what was read.
    outgoing.on('close', () => outgoing.writableFinished || exchange?.phase !== 'range' || onward.destroy())
  }
  const server = certificates === undefined ? createServer(pass) : createSecureServer(certificates, pass)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const endpoint = `${certificates === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  return {
    endpoint,
    watch(nextPrefix, moment) {
      steps = openSteps(moment)
      prefix = nextPrefix
    },
    get exchanges() {
      return steps.all
    },
    idle: () => (open === 0 ? Promise.resolve() : new Promise(resolve => idlers.push(resolve))),
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function askedBy({ method = '', url = '', headers }: IncomingMessage): Asked {
  const { pathname, searchParams } = new URL(url, 'http://proxy')
  return { method, path: decodeURIComponent(pathname).slice(1), query: searchParams, headers }
}

function exchangeOf({ headers }: IncomingMessage, { phase, key, number, start }: Understood, prefix: string): Exchange {
  const below = withoutPrefix(key, prefix)
  return {
    phase: phaseBelow(phase, below),
    key: below,
    number,
    start: start ?? Number(/^bytes=(\d+)/.exec(headers.range ?? '')?.[1] ?? 0),
    size: Number(headers['content-length'] ?? 0),
    stage: 'arrived',
  }
}

function withoutLength(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { 'content-length': _length, 'transfer-encoding': _encoding, ...others } = headers
  return others
}

function withoutPrefix(key: string, prefix: string): string {
  return key.startsWith(prefix) ? key.slice(prefix.length) : key
}

/** What was sent under another name than its key's. */
function giveKey(all: readonly Exchange[], sentAs: string, { key }: Exchange): void {
  for (const exchange of all) {
    if (exchange.key !== sentAs) continue
    exchange.key = key
    // The step that gives it its key is the inventory's.
    if (phaseBelow(exchange.phase, key) === 'inventory') exchange.phase = 'ask'
  }
}

/** Counts bytes, and calls once when a fraction of them has passed. */
function halfway(exchange: Exchange, call: () => void, fraction: () => number): (bytes: number) => void {
  let passed = 0
  let called = false
  return bytes => {
    passed += bytes
    if (called || passed < exchange.size * fraction()) return
    called = true
    call()
  }
}

function once(call: () => void): () => void {
  let called = false
  return () => {
    if (called) return
    called = true
    call()
  }
}
