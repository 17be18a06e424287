import type { IncomingMessage } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

import { errorCode, errorMessage, NimctlError } from '../errors.ts'
import { parseJson, textAt } from '../json.ts'
import type { Report } from '../progress.ts'
import { retrying, type RetryPolicy } from '../retry.ts'
import { sanitize, type Secret, shownUrl } from '../secret.ts'
import { type ConnectionOptions, longSilenceMs, openConnections } from './connections.ts'
import { namingIssuer } from './issuer.ts'
import { networkFailure } from './network-failure.ts'
import { parseRetryAfter } from './retry-after.ts'
import { addressOf, send } from './send.ts'
import { readShortBody } from './short-body.ts'

export interface JsonClientOptions {
  connections: ConnectionOptions
  retry: RetryPolicy
  /** Of every request, such as a key; sent to the own origin alone. */
  headers?: Readonly<Record<string, string>>
  /** What the other side may repeat and nobody is to see. */
  secrets?: readonly Secret[]
  /** An answer that is an error; asked again where that says so. */
  refuse: (answer: JsonAnswer, url: URL) => NimctlError | undefined
  /** What it means that no answer came. */
  unanswered: (failure: Unanswered) => NimctlError
  signal: AbortSignal
  report: Report
}

export interface JsonAnswer {
  status: number
  /** `undefined` where it is no JSON. */
  json: unknown
  /** What it said, for people: short, on one line, without secrets. */
  words: string
  retryAfterMs: number | undefined
}

/** `not-http`: something answers that speaks another language. */
export interface Unanswered {
  failure: 'unreachable' | 'unknown-host' | 'certificate' | 'tls-not-spoken' | 'not-http'
  /** Such as `https://host:port`. */
  origin: string
  why: string
  cause: unknown
}

/** A server that speaks JSON over HTTP. */
export interface JsonClient {
  /**
   * @param path below the server's address, without a slash in front.
   * @throws NimctlError what `refuse` and `unanswered` make. Every other answer is given back.
   */
  ask(path: string, request?: JsonRequest): Promise<JsonAnswer>
  close(): void
}

interface JsonRequest {
  /** By default `POST` with a body, `GET` without. */
  method?: 'GET' | 'POST' | 'PATCH'
  body?: object | undefined
}

/** A vector of 4,096 numbers has some 90 KiB. */
const longestAnswer = 4 * 1024 * 1024
const mostWords = 200
const mostRedirects = 5

/**
 * @param base where paths begin; ends with a slash.
 * @throws NimctlError `usage` / `CA_FILE_UNREADABLE`, `PROXY_INVALID`.
 */
export async function openJsonClient(base: URL, options: JsonClientOptions): Promise<JsonClient> {
  const { signal, report } = options
  const connections = await openConnections(options.connections)
  const attempt = retrying(options.retry, report)

  const request = async (url: URL, outgoing: OutgoingJson, until: AbortSignal): Promise<IncomingMessage> => {
    const { method, body } = outgoing
    const started = performance.now()
    const answered = (outcome: string) => {
      const durationMs = performance.now() - started
      report({ event: 'request', operation: `${method} ${shownUrl(url)}`, durationMs, outcome })
    }
    try {
      const incoming = await send(connections, {
        to: addressOf(url),
        method,
        path: url.pathname + url.search,
        headers: {
          host: url.host,
          'user-agent': 'nimctl',
          accept: 'application/json',
          ...options.headers,
          ...(body !== undefined && { 'content-type': 'application/json', 'content-length': String(body.length) }),
        },
        body,
        // A model may think before it answers.
        silenceMs: longSilenceMs,
        signal: until,
      })
      answered(String(incoming.statusCode))
      incoming.on('error', () => {})
      return incoming
    } catch (error) {
      answered('failed')
      throw error
    }
  }

  const follow = async (first: URL, outgoing: OutgoingJson, until: AbortSignal): Promise<JsonAnswer> => {
    let url = first
    for (let redirects = 0; ; redirects += 1) {
      const incoming = await request(url, outgoing, until)
      const target = redirectOf(incoming, url)
      if (target === undefined) return await readAnswer(incoming, url, options)
      incoming.destroy()
      // The key is for this origin, and what answers elsewhere is not what was asked about.
      if (target.origin !== base.origin || redirects === mostRedirects) {
        const words = `a redirect to ${shownUrl(target)}`
        return { status: incoming.statusCode ?? 0, json: undefined, words, retryAfterMs: undefined }
      }
      url = target
    }
  }

  const askOnce = async (url: URL, outgoing: OutgoingJson): Promise<JsonAnswer> => {
    // Silence alone would let a server go on for ever, a byte at a time.
    const deadline = new AbortController()
    const done = new AbortController()
    wait(longSilenceMs, undefined, { signal: done.signal }).then(
      () => deadline.abort(),
      () => {},
    )
    try {
      return await follow(url, outgoing, AbortSignal.any([signal, deadline.signal]))
    } catch (error) {
      signal.throwIfAborted()
      throw await translate(deadline.signal.aborted ? tooSlow() : error, base, options)
    } finally {
      done.abort()
    }
  }

  return {
    ask(path, { body, method = body === undefined ? 'GET' : 'POST' } = {}) {
      const url = new URL(`./${path}`, base)
      const bytes = body && Buffer.from(JSON.stringify(body))
      return attempt(`ask ${shownUrl(url)}`, signal, () => askOnce(url, { method, body: bytes }))
    },
    close() {
      connections.httpAgent.destroy()
      connections.httpsAgent.destroy()
    },
  }
}

interface OutgoingJson {
  method: string
  body: Buffer | undefined
}

function redirectOf({ statusCode = 0, headers: { location } }: IncomingMessage, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined
  return URL.parse(location, from.href) ?? undefined
}

async function readAnswer(
  incoming: IncomingMessage,
  url: URL,
  { secrets = [], refuse }: JsonClientOptions,
): Promise<JsonAnswer> {
  const text = (await readShortBody(incoming, longestAnswer))?.toString('utf8')
  const json = text === undefined ? undefined : parseJson(text)
  const answer: JsonAnswer = {
    status: incoming.statusCode ?? 0,
    json,
    words: text === undefined ? `more than ${longestAnswer} bytes` : describe(json, text, secrets),
    retryAfterMs: parseRetryAfter(incoming.headers['retry-after']),
  }
  const refused = refuse(answer, url)
  if (refused !== undefined) throw refused
  return answer
}

/** Servers say what is wrong in one of these places, a proxy before them in a page. */
function describe(json: unknown, text: string, secrets: readonly Secret[]): string {
  const said =
    textAt(json, 'error', 'message') ??
    textAt(json, 'message') ??
    textAt(json, 'detail') ??
    textAt(json, 'error') ??
    text.replaceAll(/\s+/g, ' ').trim()
  return sanitize(said, secrets).slice(0, mostWords)
}

function tooSlow(): Error {
  const message = `No whole answer came in ${longSilenceMs / 1000} seconds.`
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' })
}

async function translate(error: unknown, base: URL, { unanswered }: JsonClientOptions): Promise<unknown> {
  if (error instanceof NimctlError) return error
  const failure = failureOf(errorCode(error))
  if (failure === undefined) return error
  const why = [errorCode(error), sanitize(errorMessage(error))].filter(Boolean).join(': ')
  const translated = unanswered({ failure, origin: base.origin, why, cause: error })
  return failure === 'certificate' ? await namingIssuer(translated, base.href) : translated
}

function failureOf(code: string | undefined): Unanswered['failure'] | undefined {
  // What Node's parser says of an answer that is none: https://nodejs.org/api/errors.html (HPE_…)
  return networkFailure(code) ?? (code?.startsWith('HPE_') === true ? 'not-http' : undefined)
}
