import type { IncomingMessage } from 'node:http'

import { NimctlError } from '../../system/errors.ts'
import { type ConnectionOptions, type Connections, openConnections } from '../../system/http/connections.ts'
import { namingIssuer } from '../../system/http/issuer.ts'
import { send } from '../../system/http/send.ts'
import type { Report } from '../../system/progress.ts'
import { retrying, type RetryPolicy } from '../../system/retry.ts'
import { shownUrl } from '../../system/secret.ts'
import type { RegistryCredentials } from '../auth-file.ts'
import { authorize } from './authorize.ts'
import { readBody } from './body.ts'
import { answerError, networkError } from './errors.ts'

export interface SessionOptions {
  /** Absent: as anybody. */
  credentials?: RegistryCredentials
  retry: RetryPolicy
  report: Report
}

export interface RegistryOptions extends SessionOptions {
  /** HTTP instead of HTTPS. */
  plainHttp?: boolean
  connections: ConnectionOptions
}

/** One repository of a registry, over the API of the OCI Distribution Specification. */
export interface RegistrySession {
  /**
   * The body of a path below `/v2/<repository>/`, whole; asked for again while that can mend.
   *
   * @throws NimctlError `check-failed` / `IMAGE_DAMAGED` where it is longer than `limit`, and as `open`.
   */
  read(path: string, options: { accept?: string; limit: number; signal: AbortSignal }): Promise<Buffer>
  /**
   * The same, and `undefined` where there is nothing, or where the registry does not know such requests.
   */
  find(path: string, options: { accept: string; limit: number; signal: AbortSignal }): Promise<Buffer | undefined>
  /** Puts a manifest below `/v2/<repository>/`. @throws NimctlError as `open`. */
  put(path: string, bytes: Buffer, options: { mediaType: string; signal: AbortSignal }): Promise<void>
  /**
   * The answer to one request, its body not read; redirects are followed, and who asks is said where it is wanted.
   *
   * @param from leave out the bytes before this one.
   * @throws NimctlError `not-found` / `IMAGE_NOT_FOUND`; `auth` / `REGISTRY_AUTH`; `unavailable` /
   * `REGISTRY_UNREACHABLE`, `REGISTRY_FAILED`, `REGISTRY_THROTTLED`, `REGISTRY_TLS`, `REGISTRY_REFUSED`.
   */
  open(path: string, options: { from?: number; signal: AbortSignal }): Promise<IncomingMessage>
  /** Makes a request again while its failure can mend. */
  attempt: ReturnType<typeof retrying>
  /** What an error of a connection means. */
  translate(error: unknown, signal: AbortSignal): Promise<unknown>
}

export interface RegistryRequest {
  /** Absent: GET. */
  method?: 'POST' | 'PUT'
  url: URL
  headers: Record<string, string>
  body?: Buffer
  signal: AbortSignal
}

/** Storage behind a registry answers from one address further; more than a few are a circle. */
const mostRedirects = 5

/**
 * @param image as errors name it.
 * @param registry host, with the port where one is given.
 */
export async function openRegistrySession(
  { image, registry, repository }: { image: string; registry: string; repository: string },
  options: RegistryOptions,
): Promise<RegistrySession> {
  const origin = new URL(`${options.plainHttp === true ? 'http' : 'https'}://${registryHost(registry)}`)
  return startSession({ image, origin, repository, connections: await openConnections(options.connections) }, options)
}

/** A session over connections that are open already. */
export function startSession(
  { image, origin, repository, connections }: RegistryPlace,
  { credentials, retry, report }: SessionOptions,
): RegistrySession {
  const attempt = retrying(retry, report)
  const base = new URL(`/v2/${repository}/`, origin)
  let authorization: string | undefined

  const translate = async (error: unknown, signal: AbortSignal): Promise<unknown> => {
    signal.throwIfAborted()
    const translated = networkError(error, image)
    const refused =
      translated instanceof NimctlError && translated.code === 'REGISTRY_TLS' && base.protocol === 'https:'
    return refused ? await namingIssuer(translated, base.href) : translated
  }

  const request = async (asked: RegistryRequest): Promise<IncomingMessage> => {
    const { method = 'GET', url, headers, body, signal } = asked
    const started = performance.now()
    const operation = `${method} ${shownUrl(url)}`
    const answered = (outcome: string) =>
      report({ event: 'request', operation, durationMs: performance.now() - started, outcome })
    try {
      const { protocol, hostname, port, pathname, search, host } = url
      const incoming = await send(connections, {
        to: { secure: protocol === 'https:', hostname: hostname.replace(/^\[|\]$/g, ''), port },
        method,
        path: `${pathname}${search}`,
        headers: { host, 'user-agent': 'nimctl', ...headers, ...(body && { 'content-length': String(body.length) }) },
        body,
        signal,
      })
      answered(String(incoming.statusCode))
      // Whoever reads it hears of it; a transfer that was stopped has nobody left to tell.
      incoming.on('error', () => {})
      return incoming
    } catch (error) {
      answered('failed')
      throw await translate(error, signal)
    }
  }

  const follow = async (first: RegistryRequest): Promise<IncomingMessage> => {
    let { url } = first
    for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
      const own = url.origin === base.origin && authorization !== undefined
      const headers = { ...first.headers, ...(own && authorization !== undefined && { authorization }) }
      const incoming = await request({ ...first, url, headers })
      const { location } = incoming.headers
      if (!isRedirect(incoming.statusCode) || location === undefined) return incoming
      incoming.destroy()
      const next = URL.parse(location, url.href)
      if (next === null || !isPermitted(next, url)) throw badRedirect(image, url)
      url = next
    }
    throw badRedirect(image, url)
  }

  const ask = async (asked: RegistryRequest): Promise<IncomingMessage> => {
    const first = await follow(asked)
    if (first.statusCode !== 401) return first
    const challenge = String(first.headers['www-authenticate'] ?? '')
    first.destroy()
    authorization = await authorize(challenge, { image, repository, base, credentials, request, signal: asked.signal })
    return await follow(asked)
  }

  const succeed = async (asked: RegistryRequest): Promise<IncomingMessage> => {
    const incoming = await ask(asked)
    if (incoming.statusCode === 200 || incoming.statusCode === 201 || incoming.statusCode === 206) return incoming
    throw await answerError(incoming, image, { loggedIn: credentials !== undefined })
  }

  const read: RegistrySession['read'] = (path, { accept, limit, signal }) =>
    attempt(`read ${path.split('/')[0]} of ${image}`, signal, async () => {
      const headers: Record<string, string> = accept === undefined ? {} : { accept }
      const incoming = await succeed({ url: new URL(path, base), headers, signal })
      try {
        return await readBody(incoming, { limit, image })
      } catch (error) {
        throw await translate(error, signal)
      }
    })

  return {
    attempt,
    translate,
    read,
    find: (path, options) => read(path, options).catch(nothingThere),
    put: (path, body, { mediaType, signal }) =>
      attempt(`put ${path.split('/')[0]} of ${image}`, signal, async () => {
        const headers = { 'content-type': mediaType }
        const incoming = await succeed({ method: 'PUT', url: new URL(path, base), headers, body, signal })
        incoming.resume()
      }),
    open: (path, { from = 0, signal }) => {
      const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` }
      return succeed({ url: new URL(path, base), headers, signal })
    },
  }
}

interface RegistryPlace {
  /** As errors name it. */
  image: string
  origin: URL
  repository: string
  connections: Connections
}

/** Docker Hub's name is not the address of its registry. */
export function registryHost(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry
}

/** 400 and 405 say that the registry knows no such path. */
function nothingThere(error: unknown): undefined {
  if (error instanceof NimctlError && ['IMAGE_NOT_FOUND', 'REGISTRY_REFUSED'].includes(error.code)) return undefined
  throw error
}

function isRedirect(status: number | undefined): boolean {
  return status !== undefined && [301, 302, 303, 307, 308].includes(status)
}

/** What was asked for over TLS is not taken without. */
function isPermitted(to: URL, from: URL): boolean {
  return to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')
}

function badRedirect(image: string, { host }: URL): NimctlError {
  return new NimctlError('unavailable', 'REGISTRY_REFUSED', {
    what: `The registry of ${image} leads to where it can't be followed.`,
    why: `${host} redirects in a circle, without an address, or from HTTPS to HTTP.`,
    mend: 'not',
  })
}
