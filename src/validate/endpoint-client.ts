import type { IncomingMessage } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

import { errorCode, errorMessage, NimctlError } from '../system/errors.ts'
import { type ConnectionOptions, longSilenceMs, openConnections } from '../system/http/connections.ts'
import { namingIssuer } from '../system/http/issuer.ts'
import { networkFailure } from '../system/http/network-failure.ts'
import { parseRetryAfter } from '../system/http/retry-after.ts'
import { addressOf, send } from '../system/http/send.ts'
import { parseJson, textAt } from '../system/json.ts'
import type { Report } from '../system/progress.ts'
import { retrying, type RetryPolicy } from '../system/retry.ts'
import { sanitize, type Secret, shownUrl } from '../system/secret.ts'

export interface EndpointOptions {
  connections: ConnectionOptions
  retry: RetryPolicy
  /** Sent to this endpoint's own origin alone. */
  key?: Secret
  signal: AbortSignal
  report: Report
}

export interface EndpointAnswer {
  status: number
  /** `undefined` where it is no JSON. */
  json: unknown
  /** What it said, for people: short, on one line, without secrets. */
  words: string
}

/** A model server, asked over HTTP. */
export interface EndpointClient {
  /**
   * @param path below the endpoint's address, without a slash in front.
   * @param body what is posted; without one the answer is got.
   * @throws NimctlError `auth` / `ENDPOINT_AUTH`; `unavailable` / `ENDPOINT_UNREACHABLE`, `ENDPOINT_TLS`,
   * `ENDPOINT_THROTTLED`. Every other answer is given back.
   */
  ask(path: string, body?: object): Promise<EndpointAnswer>
  close(): void
}

/** A vector of 4,096 numbers has some 90 KiB. */
const longestAnswer = 4 * 1024 * 1024
const mostWords = 200
const mostRedirects = 5

/**
 * @param base where the routes begin that start with `v1/`.
 * @throws NimctlError `usage` / `CA_FILE_UNREADABLE`, `PROXY_INVALID`.
 */
export async function openEndpoint(base: URL, options: EndpointOptions): Promise<EndpointClient> {
  const { key, signal, report } = options
  const connections = await openConnections(options.connections)
  const attempt = retrying(options.retry, report)

  const request = async (url: URL, body: Buffer | undefined, until: AbortSignal): Promise<IncomingMessage> => {
    const method = body === undefined ? 'GET' : 'POST'
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
          ...(key !== undefined && { authorization: `Bearer ${key.unwrap()}` }),
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

  const follow = async (first: URL, body: Buffer | undefined, until: AbortSignal): Promise<EndpointAnswer> => {
    let url = first
    for (let redirects = 0; ; redirects += 1) {
      const incoming = await request(url, body, until)
      const target = redirectOf(incoming, url)
      if (target === undefined) return await readAnswer(incoming, { url, key })
      incoming.destroy()
      // The key is for this origin, and what answers elsewhere is not what was asked about.
      if (target.origin !== base.origin || redirects === mostRedirects) {
        return { status: incoming.statusCode ?? 0, json: undefined, words: `a redirect to ${shownUrl(target)}` }
      }
      url = target
    }
  }

  const askOnce = async (url: URL, body: Buffer | undefined): Promise<EndpointAnswer> => {
    // Silence alone would let a server go on for ever, a byte at a time.
    const deadline = new AbortController()
    const done = new AbortController()
    wait(longSilenceMs, undefined, { signal: done.signal }).then(
      () => deadline.abort(),
      () => {},
    )
    try {
      return await follow(url, body, AbortSignal.any([signal, deadline.signal]))
    } catch (error) {
      signal.throwIfAborted()
      throw await translate(deadline.signal.aborted ? tooSlow() : error, base)
    } finally {
      done.abort()
    }
  }

  return {
    ask(path, body) {
      const url = new URL(`./${path}`, base)
      const bytes = body && Buffer.from(JSON.stringify(body))
      return attempt(`ask ${shownUrl(url)}`, signal, () => askOnce(url, bytes))
    },
    close() {
      connections.httpAgent.destroy()
      connections.httpsAgent.destroy()
    },
  }
}

function redirectOf({ statusCode = 0, headers: { location } }: IncomingMessage, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined
  return URL.parse(location, from.href) ?? undefined
}

async function readAnswer(
  incoming: IncomingMessage,
  { url, key }: { url: URL; key: Secret | undefined },
): Promise<EndpointAnswer> {
  const status = incoming.statusCode ?? 0
  const text = await readText(incoming)
  const json = text === undefined ? undefined : parseJson(text)
  const words = text === undefined ? `more than ${longestAnswer} bytes` : describe(json, text, key)
  if (status === 401 || status === 403) throw notPermitted(url, { status, words, key })
  if (status === 429) {
    throw new NimctlError('unavailable', 'ENDPOINT_THROTTLED', {
      what: `${url.origin} asks for fewer requests.`,
      why: words,
      retryAfterMs: parseRetryAfter(incoming.headers['retry-after']),
    })
  }
  return { status, json, words }
}

/** `undefined` where it is too long. */
async function readText(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestAnswer) {
      incoming.destroy()
      return undefined
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** NIMs say what is wrong in one of these places, a proxy before them in a page. */
function describe(json: unknown, text: string, key: Secret | undefined): string {
  const said =
    textAt(json, 'error', 'message') ??
    textAt(json, 'message') ??
    textAt(json, 'detail') ??
    textAt(json, 'error') ??
    text.replaceAll(/\s+/g, ' ').trim()
  return sanitize(said, key === undefined ? [] : [key]).slice(0, mostWords)
}

function notPermitted(
  { origin, pathname }: URL,
  { status, words, key }: { status: number; words: string; key: Secret | undefined },
): NimctlError {
  return new NimctlError('auth', 'ENDPOINT_AUTH', {
    what: `${origin} does not let you ask for ${pathname}.`,
    why: [`It answers ${status}.`, words].join(' ').trim(),
    next: key === undefined ? 'Give its key in the environment: NIMCTL_ENDPOINT_KEY' : 'Check NIMCTL_ENDPOINT_KEY.',
  })
}

function tooSlow(): Error {
  const message = `No whole answer came in ${longSilenceMs / 1000} seconds.`
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' })
}

async function translate(error: unknown, { origin, href }: URL): Promise<unknown> {
  if (error instanceof NimctlError) return error
  const code = errorCode(error)
  const why = [code, sanitize(errorMessage(error))].filter(Boolean).join(': ')
  switch (networkFailure(code)) {
    case undefined:
      // What Node's parser says of an answer that is none: https://nodejs.org/api/errors.html (HPE_…)
      if (code?.startsWith('HPE_') !== true) return error
      return new NimctlError('unavailable', 'ENDPOINT_UNREACHABLE', {
        what: `What answers at ${origin} does not speak HTTP.`,
        why,
        next: 'Look at the address: scheme, host and port.',
        mend: 'not',
        cause: error,
      })
    case 'unreachable':
    case 'unknown-host':
      return new NimctlError('unavailable', 'ENDPOINT_UNREACHABLE', {
        what: `${origin} could not be reached.`,
        why,
        next: 'Look at the address, the network and HTTPS_PROXY; of a pod: kubectl port-forward.',
        mend: code === 'ENOTFOUND' ? 'not' : 'same',
        cause: error,
      })
    case 'tls-not-spoken':
      return new NimctlError('unavailable', 'ENDPOINT_TLS', {
        what: `${origin} does not answer with TLS.`,
        why,
        next: 'Look at the address: is it http:// there?',
        mend: 'not',
        cause: error,
      })
    case 'certificate': {
      const refused = new NimctlError('unavailable', 'ENDPOINT_TLS', {
        what: `The certificate of ${origin} is not trusted.`,
        why,
        next: 'Name the CA that signed it: --ca-file FILE (NIMCTL_CA_FILE)',
        mend: 'not',
        cause: error,
      })
      return await namingIssuer(refused, href)
    }
  }
}
