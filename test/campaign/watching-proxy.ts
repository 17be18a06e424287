import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { phaseOf, type Phase } from './phase.ts'

/** How far a request is when something is to happen. */
export type Stage =
  /** The server has not seen it. */
  | 'arrived'
  /** Some bytes have passed: of the request's body, or of the answer's where the request has none. */
  | 'halfway'
  /** The server has answered; the client does not know. */
  | 'answered'
  /** The client has the answer. */
  | 'passed'

export interface Moment {
  phase: Phase
  /** Of the requests of this phase, from 0. */
  nth: number
  stage: Stage
  /** Of the bytes, for `halfway`. */
  fraction: number
  strike: () => void
}

export interface Exchange {
  phase: Phase
  key: string
  /** Of a part. */
  number: number | undefined
  /** First byte of what is read. */
  start: number | undefined
  /** Bytes of the request's body, as it declares them; of the answer's for what is read. */
  size: number
  stage: Stage
  status: number | undefined
}

export interface WatchingProxy {
  endpoint: string
  /** Forgets what was, and strikes at a moment to come. */
  watch(prefix: string, moment?: Moment): void
  /** All since `watch`, in order. */
  readonly exchanges: readonly Exchange[]
  /** Resolves when the server has ended with all that reached it. */
  idle(): Promise<void>
  stop(): void
}

/** Stands before a server on loopback, notes every request, and lets something happen at a chosen point of one. */
export async function startWatchingProxy(target: string): Promise<WatchingProxy> {
  let exchanges: Exchange[] = []
  let prefix = ''
  let moment: Moment | undefined
  let open = 0
  let idlers: (() => void)[] = []

  const reach = (exchange: Exchange, stage: Stage): void => {
    exchange.stage = stage
    if (moment === undefined || moment.phase !== exchange.phase || moment.stage !== stage) return
    if (exchanges.filter(({ phase }) => phase === exchange.phase).indexOf(exchange) !== moment.nth) return
    const { strike } = moment
    moment = undefined
    strike()
  }
  const strikesAt = (exchange: Exchange, stage: Stage): number =>
    moment?.stage === stage && moment.phase === exchange.phase ? moment.fraction : 1

  const pass = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const exchange = describe(incoming, prefix)
    exchanges.push(exchange)
    open += 1
    const done = once(() => {
      open -= 1
      if (open > 0) return
      for (const resolve of idlers) resolve()
      idlers = []
    })
    reach(exchange, 'arrived')
    const { method, url, headers } = incoming
    const onward = request(`${target}${url}`, { method, headers, setHost: false, agent: false })
    onward.on('error', () => outgoing.destroy())
    onward.on('close', done)
    // A request that arrived whole takes its course at the server, whatever became of the client.
    incoming.on('close', () => incoming.complete || onward.destroy())
    const half = halfway(
      exchange,
      () => reach(exchange, 'halfway'),
      () => strikesAt(exchange, 'halfway'),
    )
    incoming.on('data', (chunk: Buffer) => {
      half(chunk.length)
      if (!onward.write(chunk)) {
        incoming.pause()
        onward.once('drain', () => incoming.resume())
      }
    })
    incoming.on('end', () => {
      // An empty body has no data.
      if (exchange.phase !== 'range') half(0)
      onward.end()
    })
    onward.on('response', answer => {
      exchange.status = answer.statusCode
      if (exchange.phase === 'range') exchange.size = Number(answer.headers['content-length'] ?? 0)
      const chunks: Buffer[] = []
      if (exchange.phase === 'range') {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.on('data', (chunk: Buffer) => half(chunk.length))
        answer.pipe(outgoing)
      } else answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        reach(exchange, 'answered')
        if (exchange.phase !== 'range')
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(chunks))
      })
    })
    outgoing.on('finish', () => reach(exchange, 'passed'))
    // Nobody takes the rest of what was read.
    outgoing.on('close', () => outgoing.writableFinished || exchange.phase !== 'range' || onward.destroy())
  }
  const server = createServer(pass)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    watch(nextPrefix, nextMoment) {
      exchanges = []
      prefix = nextPrefix
      moment = nextMoment
    },
    get exchanges() {
      return exchanges
    },
    idle: () => (open === 0 ? Promise.resolve() : new Promise(resolve => idlers.push(resolve))),
    stop() {
      server.close()
      server.closeAllConnections()
    },
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

function describe({ method = '', url = '', headers }: IncomingMessage, prefix: string): Exchange {
  const { pathname, searchParams } = new URL(url, 'http://proxy')
  const path = decodeURIComponent(pathname).slice(1)
  const key = path.startsWith(prefix) ? path.slice(prefix.length) : path
  const number = searchParams.get('partNumber')
  return {
    phase: phaseOf({ method, key, query: searchParams, headers }),
    key,
    number: number === null ? undefined : Number(number),
    start: Number(/^bytes=(\d+)/.exec(headers.range ?? '')?.[1] ?? 0),
    size: Number(headers['content-length'] ?? 0),
    stage: 'arrived',
    status: undefined,
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
