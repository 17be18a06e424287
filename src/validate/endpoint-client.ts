import { NimctlError } from '../system/errors.ts'
import type { ConnectionOptions } from '../system/http/connections.ts'
import { type JsonAnswer, openJsonClient, type Unanswered } from '../system/http/json-client.ts'
import type { Report } from '../system/progress.ts'
import type { RetryPolicy } from '../system/retry.ts'
import type { Secret } from '../system/secret.ts'

export interface EndpointOptions {
  connections: ConnectionOptions
  retry: RetryPolicy
  /** Sent to this endpoint's own origin alone. */
  key?: Secret
  signal: AbortSignal
  report: Report
}

export type EndpointAnswer = Pick<JsonAnswer, 'status' | 'json' | 'words'>

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

/**
 * @param base where the routes begin that start with `v1/`.
 * @throws NimctlError `usage` / `CA_FILE_UNREADABLE`, `PROXY_INVALID`.
 */
export async function openEndpoint(base: URL, { key, ...options }: EndpointOptions): Promise<EndpointClient> {
  const client = await openJsonClient(base, {
    ...options,
    ...(key !== undefined && { headers: { authorization: `Bearer ${key.unwrap()}` }, secrets: [key] }),
    refuse: (answer, url) => refuse(answer, url, key !== undefined),
    unanswered,
  })
  return { ask: (path, body) => client.ask(path, { body }), close: () => client.close() }
}

function refuse({ status, words, retryAfterMs }: JsonAnswer, url: URL, keyed: boolean): NimctlError | undefined {
  if (status === 401 || status === 403) {
    return new NimctlError('auth', 'ENDPOINT_AUTH', {
      what: `${url.origin} does not let you ask for ${url.pathname}.`,
      why: [`It answers ${status}.`, words].join(' ').trim(),
      next: keyed ? 'Check NIMCTL_ENDPOINT_KEY.' : 'Give its key in the environment: NIMCTL_ENDPOINT_KEY',
    })
  }
  if (status !== 429) return undefined
  return new NimctlError('unavailable', 'ENDPOINT_THROTTLED', {
    what: `${url.origin} asks for fewer requests.`,
    why: words,
    retryAfterMs,
  })
}

function unanswered({ failure, origin, why, cause }: Unanswered): NimctlError {
  switch (failure) {
    case 'not-http':
      return new NimctlError('unavailable', 'ENDPOINT_UNREACHABLE', {
        what: `What answers at ${origin} does not speak HTTP.`,
        why,
        next: 'Look at the address: scheme, host and port.',
        mend: 'not',
        cause,
      })
    case 'unreachable':
    case 'unknown-host':
      return new NimctlError('unavailable', 'ENDPOINT_UNREACHABLE', {
        what: `${origin} could not be reached.`,
        why,
        next: 'Look at the address, the network and HTTPS_PROXY; of a pod: kubectl port-forward.',
        mend: failure === 'unknown-host' ? 'not' : 'same',
        cause,
      })
    case 'tls-not-spoken':
      return new NimctlError('unavailable', 'ENDPOINT_TLS', {
        what: `${origin} does not answer with TLS.`,
        why,
        next: 'Look at the address: is it http:// there?',
        mend: 'not',
        cause,
      })
    case 'certificate':
      return new NimctlError('unavailable', 'ENDPOINT_TLS', {
        what: `The certificate of ${origin} is not trusted.`,
        why,
        next: 'Name the CA that signed it: --ca-file FILE (NIMCTL_CA_FILE)',
        mend: 'not',
        cause,
      })
  }
}
