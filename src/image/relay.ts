import { once } from 'node:events'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

import { errorCode, errorMessage, NimctlError } from '../system/errors.ts'
import type { Connections } from '../system/http/connections.ts'
import { networkFailure } from '../system/http/network-failure.ts'
import { parseRetryAfter } from '../system/http/retry-after.ts'
import { begin, send } from '../system/http/send.ts'
import type { Report } from '../system/progress.ts'
import { type Attempt, retrying } from '../system/retry.ts'

/** A way to a registry on which single requests are made again. */
export interface Relay {
  /** As it stands in an image's name: 127.0.0.1:PORT, over plain HTTP. */
  readonly host: string
  close(): void
}

export interface RelayOptions {
  /** Where the registry is, without a path: `https://nvcr.io`. */
  origin: URL
  connections: Connections
  /** Further tries of one request. */
  maxRetries: number
  signal: AbortSignal
  report: Report
}

/**
 * Opens a relay on loopback. skopeo gives up a whole image where one request of it fails, so on a bad line it may never
 * come to an end; behind the relay each request is repeated. It knows no credentials: those of skopeo pass through, and
 * reach nobody but the registry and the token service that the registry names.
 */
export async function openRelay(options: RelayOptions): Promise<Relay> {
  const { maxRetries, report, signal } = options
  const attempt = retrying({ maxRetries, firstWaitMs: 100, longestWaitMs: 10_000 }, report)
  const server = createServer((incoming, outgoing) => {
    relay({ incoming, outgoing, session }).catch((error: unknown) => refuse(outgoing, error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const session: Session = { ...options, reached: false, host, attempt, uploads: new Map(), elsewhere: new Map() }
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  signal.addEventListener('abort', close, { once: true })
  return {
    host,
    close: () => {
      signal.removeEventListener('abort', close)
      close()
    },
  }
}

interface Session extends RelayOptions {
  /** Whether the registry has answered anything: one that was never there is no bad line. */
  reached: boolean
  host: string
  attempt: Attempt
  uploads: Map<string, BlobUpload>
  /** Addresses outside the registry, by the path under which the relay answers for them. */
  elsewhere: Map<string, URL>
}

interface BlobUpload {
  /** Where another upload of the same blob can be begun. */
  begin: URL
  /** Where the registry wants what comes next. */
  location: URL
  /** What has been sent, as long as it is little enough to be sent again. */
  sent?: Buffer
}

interface Exchange {
  incoming: IncomingMessage
  outgoing: ServerResponse
  session: Session
}

/** Of a blob, what is kept to be sent again. A larger one is sent again by the next try of the image. */
const mostKept = 8 * 1024 * 1024
const uploadPath = '/nimctl-upload/'
const elsewherePath = '/nimctl-elsewhere/'

async function relay(exchange: Exchange): Promise<void> {
  const { incoming, session } = exchange
  const url = new URL(incoming.url ?? '/', session.origin)
  const upload = session.uploads.get(url.pathname)
  if (upload !== undefined && incoming.method === 'PATCH') return relayPatch(exchange, upload)
  if (upload !== undefined && incoming.method === 'PUT') return relayCommit(exchange, upload, url)
  const known = session.elsewhere.get(url.pathname)
  const target = upload?.location ?? (known === undefined ? url : withQuery(known, url.searchParams))
  if (incoming.method === 'GET' || incoming.method === 'HEAD') return relayRead(exchange, target)
  return relayWhole(exchange, target)
}

/** What has no large body on the way up: beginning an upload, manifests, tokens. */
async function relayWhole({ incoming, outgoing, session }: Exchange, url: URL): Promise<void> {
  const body = await buffer(incoming)
  const answer = await ask(session, incoming, { url, body })
  const head = shownHeaders(answer, session, url)
  const location = answer.headers.location
  if (incoming.method === 'POST' && answer.statusCode === 202 && location !== undefined) {
    const path = `${uploadPath}${session.uploads.size + 1}`
    session.uploads.set(path, { begin: url, location: new URL(location, url) })
    head['location'] = path
  }
  await answerWith(outgoing, answer, head)
}

/** An answer that breaks off is asked for again from there. */
async function relayRead({ incoming, outgoing, session }: Exchange, url: URL): Promise<void> {
  let passed = 0
  await session.attempt(nameOf(incoming, url), session.signal, async () => {
    const answer = await askOnce(session, incoming, { url, ...(passed > 0 && { from: passed }) })
    if (!outgoing.headersSent) outgoing.writeHead(answer.statusCode ?? 502, shownHeaders(answer, session, url))
    let skip = passed > 0 && answer.statusCode === 200 ? passed : 0
    try {
      for await (const chunk of answer) {
        const rest: Buffer = chunk.subarray(Math.min(skip, chunk.length))
        skip -= chunk.length - rest.length
        passed += rest.length
        if (!outgoing.write(rest)) await once(outgoing, 'drain', { signal: session.signal })
      }
    } catch (error) {
      throw translate(error, session)
    }
  })
  outgoing.end()
}

async function relayPatch({ incoming, outgoing, session }: Exchange, upload: BlobUpload): Promise<void> {
  const beginning = await readBeginning(incoming)
  if (beginning.rest !== undefined) return relayStream({ incoming, outgoing, session }, upload, beginning)
  upload.sent = Buffer.concat(beginning.begun)
  const answer = await sendKept(session, incoming, upload, { anew: false })
  await answerWith(outgoing, answer, { ...shownHeaders(answer, session, upload.location), location: incoming.url })
}

async function relayStream(
  { incoming, outgoing, session }: Exchange,
  upload: BlobUpload,
  { begun, rest }: Beginning,
): Promise<void> {
  const { connections, signal } = session
  const headers = { ...passedHeaders(incoming, upload.location), 'transfer-encoding': 'chunked' }
  const request = begin(connections, { ...targetOf(upload.location), method: 'PATCH', headers, signal })
  const answered = once(request, 'response', { signal })
  // Looked at below; until then a connection that breaks must not end the process.
  answered.catch(() => {})
  try {
    for (const chunk of begun) request.write(chunk)
    for (let next = await rest?.next(); next !== undefined && next.done !== true; next = await rest?.next()) {
      if (!request.write(next.value)) await Promise.race([once(request, 'drain', { signal }), answered])
    }
    request.end()
    const [answer]: IncomingMessage[] = await answered
    if (answer === undefined) throw new Error('no answer')
    noteLocation(upload, answer)
    await answerWith(outgoing, answer, { ...shownHeaders(answer, session, upload.location), location: incoming.url })
  } catch (error) {
    throw translate(error, session)
  } finally {
    request.destroy()
  }
}

/** Where the answer to the end of an upload was lost, the registry no longer knows the upload, but it has the blob. */
async function relayCommit({ incoming, outgoing, session }: Exchange, upload: BlobUpload, url: URL): Promise<void> {
  const body = await buffer(incoming)
  const digest = url.searchParams.get('digest') ?? ''
  const commit = () => ask(session, incoming, { url: withQuery(upload.location, url.searchParams), body })
  let answer = await commit()
  if (isLost(answer) && upload.sent !== undefined && !(await hasBlob(session, incoming, upload, digest))) {
    answer.resume()
    const sent = await sendKept(session, incoming, upload, { anew: true })
    sent.resume()
    answer = await commit()
  }
  delete upload.sent
  if (isLost(answer) && (await hasBlob(session, incoming, upload, digest))) {
    answer.resume()
    const head = { 'docker-content-digest': digest, 'content-length': 0, location: blobUrl(upload, digest).pathname }
    outgoing.writeHead(201, head).end()
  } else await answerWith(outgoing, answer, shownHeaders(answer, session, upload.location))
}

/** An upload that the registry ended, or whose state is another than we think. */
function isLost({ statusCode = 0 }: IncomingMessage): boolean {
  return [400, 404, 416].includes(statusCode)
}

/** Sends what is kept of a blob; after a failure into an upload begun anew, because nobody knows what has arrived. */
async function sendKept(
  session: Session,
  incoming: IncomingMessage,
  upload: BlobUpload,
  { anew }: { anew: boolean },
): Promise<IncomingMessage> {
  let isFresh = !anew
  const body = upload.sent ?? Buffer.alloc(0)
  const headers = { 'content-type': 'application/octet-stream' }
  return session.attempt(nameOf(incoming, upload.location), session.signal, async () => {
    if (!isFresh) await beginAnew(session, incoming, upload)
    isFresh = false
    const answer = await askOnce(session, incoming, { url: upload.location, method: 'PATCH', headers, body })
    noteLocation(upload, answer)
    return answer
  })
}

async function hasBlob(
  session: Session,
  incoming: IncomingMessage,
  upload: BlobUpload,
  digest: string,
): Promise<boolean> {
  const answer = await ask(session, incoming, { url: blobUrl(upload, digest), method: 'HEAD' })
  answer.resume()
  return answer.statusCode === 200
}

function blobUrl({ begin: started }: BlobUpload, digest: string): URL {
  return new URL(started.pathname.replace(/uploads\/?$/, digest), started)
}

async function beginAnew(session: Session, incoming: IncomingMessage, upload: BlobUpload): Promise<void> {
  const answer = await ask(session, incoming, { url: upload.begin, method: 'POST', body: Buffer.alloc(0) })
  answer.resume()
  noteLocation(upload, answer)
}

function noteLocation(upload: BlobUpload, { headers: { location } }: IncomingMessage): void {
  if (location !== undefined) upload.location = new URL(location, upload.location)
}

interface Question {
  url: URL
  method?: string
  body?: Buffer
  /** Bytes that are there already. */
  from?: number
  headers?: Record<string, string>
}

function ask(session: Session, incoming: IncomingMessage, question: Question): Promise<IncomingMessage> {
  const operation = nameOf(incoming, question.url)
  return session.attempt(operation, session.signal, () => askOnce(session, incoming, question))
}

/** Registries send to other hosts for blobs; who is asked there needs no credentials, and gets none. */
const mostRedirects = 5

/** @throws NimctlError `unavailable` / `REGISTRY_UNREACHABLE`, `REGISTRY_FAILED`, `REGISTRY_THROTTLED`, `REGISTRY_TLS`. */
async function askOnce(session: Session, incoming: IncomingMessage, question: Question): Promise<IncomingMessage> {
  const { connections, signal } = session
  const method = question.method ?? incoming.method ?? 'GET'
  let { url } = question
  for (let redirects = 0; ; redirects += 1) {
    const headers: Record<string, string> = {
      ...passedHeaders(incoming, url),
      ...question.headers,
      ...(question.body && { 'content-length': String(question.body.length) }),
      ...(question.from !== undefined && { range: `bytes=${question.from}-` }),
    }
    if (url.host !== question.url.host) delete headers['authorization']
    const body = question.body === undefined || question.body.length === 0 ? {} : { body: question.body }
    const sending = send(connections, { ...targetOf(url), method, headers, signal, ...body })
    const answer = await sending.catch((error: unknown) => {
      throw translate(error, session)
    })
    session.reached = true
    const { statusCode = 502, headers: answered } = answer
    const isRead = method === 'GET' || method === 'HEAD'
    if (isRead && [301, 302, 303, 307, 308].includes(statusCode) && answered.location && redirects < mostRedirects) {
      answer.resume()
      url = new URL(answered.location, url)
      continue
    }
    if (statusCode < 500 && statusCode !== 429) return answer
    answer.resume()
    throw unavailable(session, statusCode, parseRetryAfter(answered['retry-after']))
  }
}

function unavailable({ origin }: Session, status: number, retryAfterMs: number | undefined): NimctlError {
  const throttled = status === 429
  return new NimctlError('unavailable', throttled ? 'REGISTRY_THROTTLED' : 'REGISTRY_FAILED', {
    what: `The registry ${origin.host} ${throttled ? 'answered that there are too many requests' : 'failed on a request'}.`,
    why: `It answered ${status}.`,
    next: 'Wait a while, then run the same command again; what has been copied is kept.',
    retryAfterMs,
  })
}

function translate(error: unknown, { origin, reached }: Session): unknown {
  const code = errorCode(error)
  const failure = networkFailure(code)
  if (error instanceof NimctlError || failure === undefined) return error
  const isTls = failure === 'certificate' || failure === 'tls-not-spoken'
  return new NimctlError('unavailable', isTls ? 'REGISTRY_TLS' : 'REGISTRY_UNREACHABLE', {
    what: `The registry ${origin.host} could not be reached.`,
    why: errorMessage(error),
    next: 'Check its address, the network and HTTPS_PROXY, then run the same command again.',
    ...((isTls || (!reached && code === 'ECONNREFUSED')) && { mend: 'not' }),
    cause: error,
  })
}

const ofOneConnection = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'expect'])

function passedHeaders(incoming: IncomingMessage, url: URL): Record<string, string> {
  const passed = Object.entries(incoming.headers).flatMap(([name, value]) =>
    ofOneConnection.has(name) || value === undefined ? [] : [[name, String(value)] as const],
  )
  // A compressed answer could not be continued from the middle.
  return { ...Object.fromEntries(passed), host: url.host, 'accept-encoding': 'identity' }
}

/** What leads past the relay leads through it afterwards: blobs' uploads, and the service that gives tokens. */
function shownHeaders(answer: IncomingMessage, session: Session, url: URL): OutgoingHttpHeaders {
  const { connection: _connection, 'transfer-encoding': _encoding, 'keep-alive': _alive, ...head } = answer.headers
  const shown: OutgoingHttpHeaders = { ...head }
  if (head.location !== undefined) shown.location = throughRelay(session, new URL(head.location, url))
  const challenge = head['www-authenticate']
  if (challenge !== undefined) {
    shown['www-authenticate'] = challenge.replace(/realm="(https?:[^"]+)"/, (whole, realm: string) =>
      URL.canParse(realm) ? `realm="http://${session.host}${throughRelay(session, new URL(realm))}"` : whole,
    )
  }
  return shown
}

function throughRelay({ elsewhere, origin }: Session, url: URL): string {
  if (url.host === origin.host) return url.pathname + url.search
  const path = `${elsewherePath}${elsewhere.size + 1}`
  elsewhere.set(path, url)
  return path
}

async function answerWith(
  outgoing: ServerResponse,
  answer: IncomingMessage,
  headers: OutgoingHttpHeaders,
): Promise<void> {
  const body = await buffer(answer)
  outgoing.writeHead(answer.statusCode ?? 502, { ...headers, 'content-length': body.length }).end(body)
}

/** What skopeo makes of it, it says in the words of the registry. */
function refuse(outgoing: ServerResponse, error: unknown): void {
  const isAway = error instanceof NimctlError && error.code === 'REGISTRY_UNREACHABLE'
  // A connection that breaks is what skopeo would have seen without the relay.
  if (outgoing.headersSent || isAway) return void outgoing.destroy()
  const message = error instanceof NimctlError ? [error.message, error.why].join(' ') : errorMessage(error)
  const status = error instanceof NimctlError && error.code === 'REGISTRY_THROTTLED' ? 429 : 502
  outgoing.writeHead(status, { 'content-type': 'application/json' })
  outgoing.end(JSON.stringify({ errors: [{ code: 'UNAVAILABLE', message }] }))
}

interface Beginning {
  begun: Buffer[]
  /** Absent where that was all. */
  rest?: AsyncIterator<Buffer>
}

async function readBeginning(incoming: IncomingMessage): Promise<Beginning> {
  const begun: Buffer[] = []
  const rest: AsyncIterator<Buffer> = incoming[Symbol.asyncIterator]()
  for (let size = 0; size <= mostKept;) {
    const { value, done } = await rest.next()
    if (done === true) return { begun }
    begun.push(value)
    size += value.length
  }
  return { begun, rest }
}

function withQuery(url: URL, query: URLSearchParams): URL {
  const whole = new URL(url)
  for (const [name, value] of query) whole.searchParams.append(name, value)
  return whole
}

function targetOf(url: URL) {
  const to = { secure: url.protocol === 'https:', hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port }
  return { to, path: url.pathname + url.search }
}

function nameOf({ method = '' }: IncomingMessage, { host, pathname }: URL): string {
  return `${method} ${host}${pathname}`
}
