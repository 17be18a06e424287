import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'

import { errorCode, errorMessage, NimctlError } from '../system/errors.ts'
import type { Connections } from '../system/http/connections.ts'
import { networkFailure } from '../system/http/network-failure.ts'
import { parseRetryAfter } from '../system/http/retry-after.ts'
import { send } from '../system/http/send.ts'
import type { Report } from '../system/progress.ts'
import { retrying } from '../system/retry.ts'
import type { RegistryCredentials } from './auth-file.ts'
import type { RegistryReference } from './reference.ts'

export interface RegistryApi {
  /** `undefined` where there is nothing, or the registry does not know such requests. */
  get(path: string, accept: string): Promise<Buffer | undefined>
  /** @throws NimctlError `auth` / `REGISTRY_AUTH`; `unavailable` / `REGISTRY_UNREACHABLE`, `REGISTRY_FAILED`, `REGISTRY_THROTTLED`. */
  put(path: string, bytes: Buffer, mediaType: string): Promise<void>
}

export interface RegistryApiOptions {
  image: RegistryReference
  /** Without a path. */
  origin: URL
  connections: Connections
  credentials?: RegistryCredentials | undefined
  signal: AbortSignal
  report: Report
}

interface Question {
  method: string
  url: URL
  headers: Record<string, string>
  body?: Buffer
}

/** What skopeo has no command for, below `/v2/<repository>/` (OCI Distribution Specification). */
export function openRegistryApi(options: RegistryApiOptions): RegistryApi {
  const { image, origin, connections, credentials, signal, report } = options
  const attempt = retrying({ maxRetries: 5, firstWaitMs: 100, longestWaitMs: 10_000 }, report)
  let authorization: string | undefined

  const sendOnce = async ({ method, url, headers, body }: Question): Promise<IncomingMessage> => {
    const to = { secure: url.protocol === 'https:', hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port }
    const sized = body === undefined ? {} : { 'content-length': String(body.length) }
    const outgoing = { to, method, path: url.pathname + url.search, headers: { host: url.host, ...headers, ...sized } }
    return send(connections, { ...outgoing, body, signal })
  }

  const ask = async (question: Question) => {
    const once = () =>
      sendOnce({ ...question, headers: { ...question.headers, ...(authorization !== undefined && { authorization }) } })
    const first = await once()
    if (first.statusCode !== 401) return first
    first.resume()
    authorization = await authorize(first.headers['www-authenticate'] ?? '', credentials, sendOnce)
    return once()
  }

  const settle = (method: string, path: string, headers: Record<string, string>, body?: Buffer) =>
    attempt(`${method} ${path}`, signal, async () => {
      const url = new URL(`/v2/${image.repository}/${path}`, origin)
      try {
        const answer = await ask({ method, url, headers, ...(body && { body }) })
        const { statusCode: status = 0, headers: answered } = answer
        const whole = { status, bytes: await buffer(answer), headers: answered }
        if (status >= 500 || status === 429) throw failed(origin, whole)
        return whole
      } catch (error) {
        throw translate(error, origin)
      }
    })

  return {
    async get(path, accept) {
      const answer = await settle('GET', path, { accept })
      if (answer.status === 200) return answer.bytes
      if ([400, 404, 405].includes(answer.status)) return undefined
      throw failed(origin, answer)
    },
    async put(path, bytes, mediaType) {
      const answer = await settle('PUT', path, { 'content-type': mediaType }, bytes)
      if (answer.status !== 201 && answer.status !== 200) throw failed(origin, answer)
    },
  }
}

/** https://distribution.github.io/distribution/spec/auth/token/, or user and password. */
async function authorize(
  challenge: string,
  credentials: RegistryCredentials | undefined,
  ask: (question: Question) => Promise<IncomingMessage>,
): Promise<string | undefined> {
  const basic =
    credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.password.unwrap()}`).toString('base64')}`
  if (!/^bearer /i.test(challenge)) return basic
  const parameters = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value] as const),
  )
  const { realm = '', ...query } = parameters
  const url = URL.parse(realm)
  if (url === null) return basic
  for (const [name, value] of Object.entries(query)) if (name !== 'error') url.searchParams.set(name, value)
  const isToken = credentials?.username === '<token>'
  const form = new URLSearchParams({
    ...query,
    grant_type: 'refresh_token',
    client_id: 'nimctl',
    refresh_token: isToken ? credentials.password.unwrap() : '',
  })
  const answer = isToken
    ? await ask({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(form.toString()),
      })
    : await ask({ method: 'GET', url, headers: basic === undefined ? {} : { authorization: basic } })
  const text = (await buffer(answer)).toString('utf8')
  const { token, access_token: accessToken }: Record<string, unknown> =
    answer.statusCode === 200 ? JSON.parse(text) : {}
  const found = token ?? accessToken
  return typeof found === 'string' ? `Bearer ${found}` : undefined
}

function failed(
  { host }: URL,
  { status, headers }: { status: number; headers: IncomingMessage['headers'] },
): NimctlError {
  const why = `It answered ${status}.`
  if (status === 401 || status === 403) {
    return new NimctlError('auth', 'REGISTRY_AUTH', {
      what: `The registry ${host} does not permit this.`,
      why,
      next: 'Log in: skopeo login REGISTRY.',
    })
  }
  return new NimctlError('unavailable', status === 429 ? 'REGISTRY_THROTTLED' : 'REGISTRY_FAILED', {
    what: `The registry ${host} failed on a request.`,
    why,
    next: 'Wait a while, then run the same command again; what has been copied is kept.',
    retryAfterMs: parseRetryAfter(headers['retry-after']),
    ...(status < 500 && status !== 429 && { mend: 'not' }),
  })
}

function translate(error: unknown, { host }: URL): unknown {
  const failure = networkFailure(errorCode(error))
  if (failure === undefined || error instanceof NimctlError) return error
  const isTls = failure === 'certificate' || failure === 'tls-not-spoken'
  return new NimctlError('unavailable', isTls ? 'REGISTRY_TLS' : 'REGISTRY_UNREACHABLE', {
    what: `The registry ${host} could not be reached.`,
    why: errorMessage(error),
    next: 'Check its address, the network and HTTPS_PROXY, then run the same command again.',
    ...(isTls && { mend: 'not' }),
    cause: error,
  })
}
