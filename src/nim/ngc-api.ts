import type { IncomingMessage } from 'node:http'

import { type ConnectionOptions, openConnections } from '../system/http/connections.ts'
import { addressOf, send } from '../system/http/send.ts'
import { readShortBody } from '../system/http/short-body.ts'
import { type Report, silent } from '../system/progress.ts'
import { defaultRetryPolicy, retrying, type RetryPolicy } from '../system/retry.ts'
import { type Secret, shownUrl } from '../system/secret.ts'
import { authorizing } from './ngc-authorize.ts'
import { answerError, invalidAnswer, networkError } from './ngc-errors.ts'
import { type FileListPage, isPermitted, readFileList } from './ngc-file-list.ts'

export interface NgcOptions {
  key: Secret
  /** The model API, such as `https://api.ngc.nvidia.com`; mirrors have a path behind it. */
  api: URL
  /** Where keys of the old kind are exchanged, such as `https://authn.nvidia.com`. */
  auth: URL
  connections: ConnectionOptions
  retry: RetryPolicy
  report: Report
}

/** A model in one version, as manifests name it. */
export interface NgcModel {
  /** `org/team/model`, or `org/model` where NGC has no team. */
  repository: string
  version: string
}

/** NGC's model API (reference/nim.md, section 8). Reads alone, and no file as a whole. */
export interface NgcSession {
  /**
   * Where the files of a version lie, by name: signed addresses, which need no key. Empty where NGC gives none, as in
   * organizations whose lists only members may have ("Org contex missing"), though each file may be had by its name.
   *
   * @throws NimctlError `auth` / `NGC_KEY_REFUSED`, `NGC_FORBIDDEN`, `NGC_NOT_ENTITLED`; `not-found` /
   * `MODEL_NOT_FOUND`; `unavailable` / `NGC_UNREACHABLE`, `NGC_THROTTLED`, `NGC_TLS`, `NGC_ANSWER_INVALID`.
   */
  listFiles(model: NgcModel, signal: AbortSignal): Promise<ReadonlyMap<string, URL>>
  /**
   * How many bytes a file has, by a request for the first one: signatures mostly hold for GET alone, so HEAD would be
   * refused.
   *
   * @param url its signed address; absent: it is asked for by its name, with the key.
   * @throws as `listFiles`.
   */
  sizeOf(model: NgcModel, file: { name: string; url: URL | undefined }, signal: AbortSignal): Promise<number>
}

interface NgcRequest {
  url: URL
  /** Told to this address alone: where it leads to is another's, and wants none. */
  authorization?: string | undefined
  headers?: Record<string, string>
  signal: AbortSignal
}

interface Reading {
  subject: string
  /** Bytes. */
  limit: number
  /** Statuses that are no failure, but mean that there is nothing to read. */
  unless?: readonly number[]
}

const mostRedirects = 5
/** 500 addresses of some 2,000 characters. */
const longestList = 16 * 1024 * 1024
const longestToken = 1024 * 1024
const pageSize = 500
/** Fifty times the files of the largest version that is known. */
const mostPages = 100
/** 400 and 401 may speak of the list alone: whether the key is good, the files tell. */
const noList: FileListPage = { urls: new Map(), pages: 0 }

export async function openNgcSession(options: NgcOptions): Promise<NgcSession> {
  const { api, report } = options
  const connections = await openConnections(options.connections)
  const attempt = retrying(options.retry, report)

  const request = async ({ url, authorization, headers, signal }: NgcRequest): Promise<IncomingMessage> => {
    const started = performance.now()
    const answered = (outcome: string) =>
      report({ event: 'request', operation: `GET ${shownUrl(url)}`, durationMs: performance.now() - started, outcome })
    try {
      const incoming = await send(connections, {
        to: addressOf(url),
        method: 'GET',
        path: `${url.pathname}${url.search}`,
        headers: {
          host: url.host,
          'user-agent': 'nimctl',
          'accept-encoding': 'identity',
          ...headers,
          ...(authorization !== undefined && { authorization }),
        },
        signal,
      })
      answered(String(incoming.statusCode))
      // Whoever reads it hears of it; an answer that is left has nobody to tell.
      incoming.on('error', () => {})
      return incoming
    } catch (error) {
      answered('failed')
      signal.throwIfAborted()
      throw networkError(error, url)
    }
  }

  const follow = async (first: NgcRequest, subject: string): Promise<IncomingMessage> => {
    let asked = first
    for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
      const incoming = await request(asked)
      const { location } = incoming.headers
      if (![301, 302, 303, 307, 308].includes(incoming.statusCode ?? 0)) return incoming
      incoming.destroy()
      const next = URL.parse(location ?? '', asked.url.href)
      if (next === null || !isPermitted(next, asked.url)) break
      asked = { ...asked, url: next, authorization: undefined }
    }
    throw invalidAnswer(subject, `${asked.url.host} leads in a circle, to no address, or from HTTPS to HTTP.`)
  }

  const read = async (asked: NgcRequest, { subject, limit, unless = [] }: Reading): Promise<Buffer | undefined> => {
    const incoming = await follow(asked, subject)
    if (unless.includes(incoming.statusCode ?? 0)) {
      incoming.destroy()
      return undefined
    }
    if (incoming.statusCode !== 200) throw await answerError(incoming, subject)
    const body = await readShortBody(incoming, limit).catch((error: unknown) => {
      asked.signal.throwIfAborted()
      throw networkError(error, asked.url)
    })
    if (body === undefined) throw invalidAnswer(subject, `It has more than ${limit} bytes.`)
    return body
  }

  const authorize = authorizing({
    key: options.key,
    auth: options.auth,
    read: (url, authorization, signal) =>
      read({ url, authorization, signal }, { subject: 'a token', limit: longestToken }),
  })

  const listPage = (model: NgcModel, page: number, signal: AbortSignal) =>
    attempt(`list ${nameOf(model)}`, signal, async () => {
      const query = `page-size=${pageSize}&page-number=${page}`
      const url = new URL(`${modelUrl(api, model)}/${encodeURIComponent(model.version)}/files?${query}`)
      const authorization = await authorize(model.repository, signal)
      const subject = nameOf(model)
      const body = await read({ url, authorization, signal }, { subject, limit: longestList, unless: [400, 401] })
      return body === undefined ? noList : readFileList(body, { url, subject })
    })

  return {
    listFiles: async (model, signal) => {
      const files = new Map<string, URL>()
      for (let page = 1; page <= mostPages; page += 1) {
        const { urls, pages } = await listPage(model, page, signal)
        for (const [name, url] of urls) files.set(name, url)
        if (page >= pages) break
      }
      return files
    },
    sizeOf: (model, { name, url }, signal) =>
      attempt(`size of ${name} of ${nameOf(model)}`, signal, async () => {
        const path = name.split('/').map(encodeURIComponent).join('/')
        const own = new URL(`${modelUrl(api, model)}/versions/${encodeURIComponent(model.version)}/files/${path}`)
        const authorization = url === undefined ? await authorize(model.repository, signal) : undefined
        const headers = { range: 'bytes=0-0' }
        const subject = `${nameOf(model)}, file ${name}`
        const incoming = await follow({ url: url ?? own, authorization, headers, signal }, subject)
        return await sizeIn(incoming, subject)
      }),
  }
}

export type AccessOptions = Omit<NgcOptions, 'retry' | 'report'> & { signal: AbortSignal }

/**
 * Asks once whether a key may fetch a model, by the list of its files, and where that tells nothing by the file that
 * each version has; nothing is fetched.
 *
 * @throws as `NgcSession.listFiles`.
 */
export async function requireModelAccess(model: NgcModel, { signal, ...options }: AccessOptions): Promise<void> {
  const session = await openNgcSession({ ...options, retry: { ...defaultRetryPolicy, maxRetries: 0 }, report: silent })
  const files = await session.listFiles(model, signal)
  if (files.size === 0) await session.sizeOf(model, { name: 'checksums.blake3', url: undefined }, signal)
}

export function nameOf({ repository, version }: NgcModel): string {
  return `${repository}:${version}`
}

function modelUrl({ href }: URL, { repository }: NgcModel): string {
  const parts = repository.split('/').map(encodeURIComponent)
  const [org = '', ...rest] = parts
  const [team, name] = rest.length > 1 ? rest : [undefined, rest[0]]
  return `${href.replace(/\/$/, '')}/v2/org/${org}${team === undefined ? '' : `/team/${team}`}/models/${name}`
}

/** From the answer to a request for the first byte; an empty file has none, and some servers send the whole. */
async function sizeIn(incoming: IncomingMessage, subject: string): Promise<number> {
  const { statusCode: status, headers } = incoming
  if (status !== 200 && status !== 206 && status !== 416) throw await answerError(incoming, subject)
  const told = status === 200 ? headers['content-length'] : /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1]
  if (status === 206 && headers['content-length'] === '1') incoming.resume()
  else incoming.destroy()
  const size = /^\d{1,15}$/.test(told ?? '') ? Number(told) : undefined
  if (size === undefined) throw invalidAnswer(subject, 'It does not tell the size of the file.')
  return size
}
