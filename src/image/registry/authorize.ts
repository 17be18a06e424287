import type { IncomingMessage } from 'node:http'

import { NimctlError } from '../../system/errors.ts'
import { sanitize } from '../../system/secret.ts'
import type { RegistryCredentials } from '../auth-file.ts'
import { readBody } from './body.ts'
import { answerError, notAuthenticated } from './errors.ts'
import type { RegistryRequest } from './session.ts'

interface Asking {
  image: string
  repository: string
  base: URL
  credentials: RegistryCredentials | undefined
  request: (request: RegistryRequest) => Promise<IncomingMessage>
  signal: AbortSignal
}

/** Longer tokens than this nobody hands out. */
const longestAnswer = 1024 * 1024

/**
 * What to say in the header Authorization after a registry has asked with `WWW-Authenticate`: a token from the address
 * that it names (https://distribution.github.io/distribution/spec/auth/token/), or user and password.
 *
 * @throws NimctlError `auth` / `REGISTRY_AUTH`, and what asking for the token throws.
 */
export async function authorize(challenge: string, asking: Asking): Promise<string> {
  const { credentials, image } = asking
  const bearer = /(?:^|,\s*)Bearer\s+(.*)$/i.exec(challenge)?.[1]
  if (bearer !== undefined) return `Bearer ${await fetchToken(parseParameters(bearer), asking)}`
  const basic = /(?:^|,\s*)Basic\b/i.test(challenge)
  if (basic && credentials !== undefined) return basicAuthorization(credentials)
  const why = basic ? 'It asks for a user and a password.' : `It asks: ${sanitize(challenge).slice(0, 200)}`
  throw notAuthenticated(image, { why, loggedIn: credentials !== undefined })
}

async function fetchToken(parameters: Record<string, string>, asking: Asking): Promise<string> {
  const { base, repository, credentials, image, request, signal } = asking
  const url = URL.parse(parameters['realm'] ?? '', base.href)
  // Credentials that were asked for over TLS don't leave without.
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && base.protocol === 'http:'))) {
    throw new NimctlError('unavailable', 'REGISTRY_REFUSED', {
      what: `The registry of ${image} names no address to log in at that could be used.`,
      why: `It says: ${sanitize(parameters['realm'] ?? 'nothing').slice(0, 200)}`,
      mend: 'not',
    })
  }
  const { service, scope = `repository:${repository}:pull` } = parameters
  const incoming = await request({ url, signal, ...tokenRequest(url, { service, scope }, credentials) })
  if (incoming.statusCode !== 200) throw await answerError(incoming, image, { loggedIn: credentials !== undefined })
  const token = readToken(await readBody(incoming, { limit: longestAnswer, image }))
  if (token !== undefined) return token
  throw notAuthenticated(image, { why: `${url.host} gave no token.`, loggedIn: credentials !== undefined })
}

/** What log-ins leave that give a token instead of a user: https://distribution.github.io/distribution/spec/auth/oauth/ */
const tokenUser = '<token>'

function tokenRequest(
  { searchParams }: URL,
  { service, scope }: { service: string | undefined; scope: string },
  credentials: RegistryCredentials | undefined,
): Pick<RegistryRequest, 'method' | 'headers' | 'body'> {
  if (credentials?.username === tokenUser) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'nimctl',
      scope,
      refresh_token: credentials.password.unwrap(),
      ...(service !== undefined && { service }),
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { method: 'POST', headers, body: Buffer.from(form.toString()) }
  }
  if (service !== undefined) searchParams.set('service', service)
  if (!searchParams.has('scope')) searchParams.set('scope', scope)
  return { headers: credentials === undefined ? {} : { authorization: basicAuthorization(credentials) } }
}

function readToken(body: Buffer): string | undefined {
  try {
    const { token, access_token: accessToken }: Record<string, unknown> = JSON.parse(body.toString('utf8'))
    const found = token ?? accessToken
    return typeof found === 'string' && /^[\x21-\x7e]+$/.test(found) ? found : undefined
  } catch {
    return undefined
  }
}

function parseParameters(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/gi)].map(([, name = '', quoted, bare]) => [
      name.toLowerCase(),
      quoted ?? bare ?? '',
    ]),
  )
}

function basicAuthorization({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password.unwrap()}`).toString('base64')}`
}
