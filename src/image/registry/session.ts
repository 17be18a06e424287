import type { IncomingMessage } from 'node:http'

import { NimctlError } from '../../system/errors.ts'
import { type ConnectionOptions, openConnections } from '../../system/http/connections.ts'
import { namingIssuer } from '../../system/http/issuer.ts'
import { send } from '../../system/http/send.ts'
import type { Report } from '../../system/progress.ts'
import { retrying, type RetryPolicy } from '../../system/retry.ts'
import { shownUrl } from '../../system/secret.ts'
import type { RegistryCredentials } from '../auth-file.ts'
import { authorize } from './authorize.ts'
import { readBody } from './body.ts'
import { answerError, networkError } from './errors.ts'

export interface RegistryOptions {
  /** Absent: as anybody. */
  credentials?: RegistryCredentials
  /** HTTP instead of HTTPS. */
  plainHttp?: boolean
  connections: ConnectionOptions
  retry: RetryPolicy
  report: Report
}

/** One repository of a registry, over the API of the OCI Distribution Specification. Reads alone. */
export interface RegistrySession {
  /**
   * The body of a path below `/v2/<repository>/`, whole; asked for again while that can mend.
   *
   * @throws NimctlError `check-failed` / `IMAGE_DAMAGED` where it is longer than `limit`, and as `open`.
   */
  read(path: string, options: { accept?: string; limit: number; signal: AbortSignal }): Promise<Buffer>
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

/** GET, or POST where there is a form. */
export interface RegistryRequest {
  url: URL
  headers: Record<string, string>
  form?: URLSearchParams
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
  const { credentials, plainHttp = false, report } = options
  const connections = await openConnections(options.connections)
  const attempt = retrying(options.retry, report)
  const base = new URL(`${plainHttp ? 'http' : 'https'}://${hostOf(registry)}/v2/${repository}/`)
  let authorization: string | undefined

  const translate = async (error: unknown, signal: AbortSignal): Promise<unknown> => {
    signal.throwIfAborted()
    const translated = networkError(error, image)
    const refused = translated instanceof NimctlError && translated.code === 'REGISTRY_TLS' && !plainHttp
    return refused ? await namingIssuer(translated, base.href) : translated
  }

  const request = async ({ url, headers, form, signal }: RegistryRequest): Promise<IncomingMessage> => {
    const started = performance.now()
    const method = form === undefined ? 'GET' : 'POST'
    const operation = `${method} ${shownUrl(url)}`
    const answered = (outcome: string) =>
      report({ event: 'request', operation, durationMs: performance.now() - started, outcome })
    try {
      const { protocol, hostname, port, pathname, search, host } = url
      const body = form && Buffer.from(form.toString())
      const incoming = await send(connections, {
        to: { secure: protocol === 'https:', hostname: hostname.replace(/^\[|\]$/g, ''), port },
        method,
        path: `${pathname}${search}`,
        headers: { host, 'user-agent': 'nimctl', ...headers, ...(body && formHeaders(body)) },
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
    if (incoming.statusCode === 200 || incoming.statusCode === 206) return incoming
    throw await answerError(incoming, image, { loggedIn: credentials !== undefined })
  }

  return {
    attempt,
    translate,
    read: (path, { accept, limit, signal }) =>
      attempt(`read ${path.split('/')[0]} of ${image}`, signal, async () => {
        const headers: Record<string, string> = accept === undefined ? {} : { accept }
        const incoming = await succeed({ url: new URL(path, base), headers, signal })
        try {
          return await readBody(incoming, { limit, image })
        } catch (error) {
          throw await translate(error, signal)
        }
      }),
    open: (path, { from = 0, signal }) => {
      const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` }
      return succeed({ url: new URL(path, base), headers, signal })
    },
  }
}

/** Docker Hub's name is not the address of its registry. */
function hostOf(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry
}

function formHeaders({ length }: Buffer): Record<string, string> {
  return { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(length) }
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
