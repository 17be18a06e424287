import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
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
  /** What later requests refer to. */
  learn?(key: string, answer: IncomingMessage): void
}

export type Understood = Pick<Exchange, 'phase' | 'key'> & { number?: number }

/** Stands before a server on loopback, and notes every request. */
export async function startWatchingProxy(target: string, language: Language): Promise<Watcher & { endpoint: string }> {
  let steps = openSteps(undefined)
  let prefix = ''
  let open = 0
  let idlers: (() => void)[] = []

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
    const onward = request(`${target}${url}`, { method, headers, setHost: false, agent: false })
    const held: Buffer[] = []
    onward.on('error', () => outgoing.destroy())
    onward.on('close', done)
    // A request that arrived whole takes its course at the server, whatever became of the client.
    incoming.on('close', () => incoming.complete || onward.destroy())

    let exchange: Exchange | undefined
    let half: (bytes: number) => void = () => {}
    const understand = (body?: Buffer) => {
      const found = language.read({ ...askedBy(incoming), ...(body && { body }) })
      if (found === undefined) return
      const begun = exchangeOf(incoming, found, prefix)
      exchange = begun
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
      if (exchange !== undefined) language.learn?.(prefix + exchange.key, answer)
      if (exchange?.phase === 'range') {
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
        if (exchange !== undefined) reach(exchange, 'answered')
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(chunks))
      })
    })
    outgoing.on('finish', () => exchange && reach(exchange, 'passed'))
    // Nobody takes the rest of what was read.
    outgoing.on('close', () => outgoing.writableFinished || exchange?.phase !== 'range' || onward.destroy())
  }
  const server = createServer(pass)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
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

function exchangeOf({ headers }: IncomingMessage, { phase, key, number }: Understood, prefix: string): Exchange {
  const below = key.startsWith(prefix) ? key.slice(prefix.length) : key
  return {
    phase: phaseBelow(phase, below),
    key: below,
    number,
    start: Number(/^bytes=(\d+)/.exec(headers.range ?? '')?.[1] ?? 0),
    size: Number(headers['content-length'] ?? 0),
    stage: 'arrived',
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
