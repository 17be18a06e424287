import type { IncomingMessage } from 'node:http'

import { errorCode, errorMessage, NimctlError } from '../system/errors.ts'
import { type ConnectionOptions, openConnections } from '../system/http/connections.ts'
import { networkFailure } from '../system/http/network-failure.ts'
import { addressOf, send } from '../system/http/send.ts'
import { parseJson, textAt } from '../system/json.ts'
import { sanitize, type Secret, secret } from '../system/secret.ts'

export interface NgcOptions {
  key: Secret
  /** Where the API is, and where keys of the old kind become tokens. */
  api: URL
  auth: URL
  connections: ConnectionOptions
  signal: AbortSignal
}

export interface NgcModel {
  /** `org/team/model` or `org/model`. */
  repository: string
  version: string
}

/**
 * Asks NGC whether a key may fetch a model, by the list of its files; nothing is fetched. There is no official reference:
 * addresses and the second way are those of reference/nim.md, section 8.
 *
 * @throws NimctlError `auth` / `NGC_KEY_REFUSED`, `NGC_NOT_ENTITLED`; `not-found` / `MODEL_NOT_FOUND`; `unavailable` /
 * `NGC_UNREACHABLE`, `NGC_TLS`, `NGC_THROTTLED`.
 */
export async function requireModelAccess(model: NgcModel, options: NgcOptions): Promise<void> {
  const { api, key } = options
  const token = key.unwrap().startsWith('nvapi-') ? key : await exchange(model, options)
  const headers = { authorization: `Bearer ${token.unwrap()}` }
  const base = `v2/${modelPath(model.repository)}`
  const version = encodeURIComponent(model.version)
  const list = await ask(new URL(`${base}/${version}/files?page-size=1&page-number=1`, api), headers, options)
  if (list.status === 200) return
  // "Org context missing": some keys may fetch files of the public organization without being told the list.
  const secondWay = list.status === 400 || list.status === 401
  const answer = secondWay
    ? await ask(new URL(`${base}/versions/${version}/files/checksums.blake3`, api), headers, options)
    : list
  if (answer.status !== 200) throw refusal(model, answer, api)
}

function modelPath(repository: string): string {
  const parts = repository.split('/').map(encodeURIComponent)
  const [org = '', team = '', model] = parts
  return model === undefined
    ? `org/${org}/models/${team}`
    : `org/${org}/team/${team}/models/${parts.slice(2).join('/')}`
}

/** A key of the old kind becomes a token for the model's organization. */
async function exchange({ repository }: NgcModel, options: NgcOptions): Promise<Secret> {
  const [org = '', team, model] = repository.split('/')
  const scope = `group/ngc:${org}${model === undefined ? '' : `/${team}`}`
  const url = new URL(`token?service=ngc&scope=${encodeURIComponent(scope)}`, options.auth)
  const basic = Buffer.from(`$oauthtoken:${options.key.unwrap()}`).toString('base64')
  const answer = await ask(url, { authorization: `Basic ${basic}` }, options)
  const token = textAt(parseJson(answer.text), 'token')
  if (answer.status === 200 && token !== undefined) return secret(token)
  throw new NimctlError('auth', 'NGC_KEY_REFUSED', {
    what: 'NGC refused the key.',
    why: `${options.auth.host} answers ${answer.status}. ${answer.words}`.trim(),
    next: 'Make a new key at https://org.ngc.nvidia.com/setup/api-keys and export it as NGC_API_KEY.',
  })
}

interface Answer {
  status: number
  text: string
  words: string
}

/** Only the beginning of an answer is read: a list of one file and errors are short. */
const mostBytes = 64 * 1024

async function ask(url: URL, headers: Record<string, string>, options: NgcOptions): Promise<Answer> {
  const { key, signal } = options
  const connections = await openConnections(options.connections)
  try {
    const incoming = await send(connections, {
      to: addressOf(url),
      method: 'GET',
      path: url.pathname + url.search,
      headers: { host: url.host, 'user-agent': 'nimctl', accept: 'application/json', ...headers },
      signal,
    })
    incoming.on('error', () => {})
    const text = await readBeginning(incoming)
    const said = textAt(parseJson(text), 'requestStatus', 'statusDescription') ?? ''
    return { status: incoming.statusCode ?? 0, text, words: sanitize(said, [key]).slice(0, 200) }
  } catch (error) {
    signal.throwIfAborted()
    throw translate(error, url)
  } finally {
    connections.httpAgent.destroy()
    connections.httpsAgent.destroy()
  }
}

async function readBeginning(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > mostBytes) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

function refusal({ repository, version }: NgcModel, { status, words }: Answer, { host }: URL): NimctlError {
  const why = `${host} answers ${status}. ${words}`.trim()
  const name = `${repository}:${version}`
  switch (status) {
    case 401:
      return new NimctlError('auth', 'NGC_KEY_REFUSED', {
        what: `NGC refused the key for ${name}.`,
        why,
        next: 'Make a new key at https://org.ngc.nvidia.com/setup/api-keys and export it as NGC_API_KEY.',
      })
    case 402:
    case 403:
      return new NimctlError('auth', 'NGC_NOT_ENTITLED', {
        what: `The organization of this key may not have ${name}.`,
        why,
        next: 'Ask for the entitlement (NVIDIA AI Enterprise), or take a key of the organization that has it.',
      })
    case 404:
      return new NimctlError('not-found', 'MODEL_NOT_FOUND', { what: `NGC has no ${name}.`, why })
    case 429:
      return new NimctlError('unavailable', 'NGC_THROTTLED', { what: 'NGC asks for fewer requests.', why })
    default:
      return new NimctlError('unavailable', 'NGC_UNREACHABLE', { what: `NGC does not answer for ${name}.`, why })
  }
}

function translate(error: unknown, { host }: URL): unknown {
  const failure = networkFailure(errorCode(error))
  if (error instanceof NimctlError || failure === undefined) return error
  const why = [errorCode(error), sanitize(errorMessage(error))].filter(Boolean).join(': ')
  if (failure === 'certificate' || failure === 'tls-not-spoken') {
    return new NimctlError('unavailable', 'NGC_TLS', {
      what: `The certificate of ${host} is not trusted, or it speaks no TLS.`,
      why,
      next: 'Name the CA of your proxy: --ca-file FILE (NIMCTL_CA_FILE)',
      cause: error,
    })
  }
  return new NimctlError('unavailable', 'NGC_UNREACHABLE', {
    what: `${host} could not be reached.`,
    why,
    next: 'Look at the network, HTTPS_PROXY and NGC_API_ENDPOINT.',
    cause: error,
  })
}
