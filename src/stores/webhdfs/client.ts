import type { IncomingMessage } from 'node:http'

import { NimctlError } from '../../system/errors.ts'
import { type Connections, longSilenceMs } from '../../system/http/connections.ts'
import { addressOf, send } from '../../system/http/send.ts'
import { parseJson, textAt } from '../../system/json.ts'
import { type Answer, readAnswer } from '../http/answer.ts'
import { encodePath, encodeQuery } from '../http/encode.ts'
import { withIssuer } from '../http/store-error.ts'
import type { Caller } from './caller.ts'
import { type Asked, failureOf, notUnderstood, translateHdfsError } from './errors.ts'
import type { Namenodes } from './namenodes.ts'

/** One operation on one path. */
export interface Operation {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** As WebHDFS names it: `CREATE`. */
  op: string
  /** Absolute in HDFS. */
  path: string
  query?: Record<string, string>
  signal: AbortSignal
}

/** Speaks WebHDFS (https://hadoop.apache.org/docs/r3.4.2/hadoop-project-dist/hadoop-hdfs/WebHDFS.html). */
export interface Client {
  /** A question that the namenode answers itself. Its answer as JSON; `undefined` where it is empty. */
  ask(operation: Operation): Promise<unknown>
  /** In two steps: the namenode says which datanode takes or has the bytes. Its answer, read to the end. */
  exchange(operation: Operation, body?: Uint8Array): Promise<Answer>
  /** The same, and leaves the answer's body to be read. */
  open(operation: Operation): Promise<IncomingMessage>
  /** What broke while that body was read. */
  translate(error: unknown, operation: Operation): unknown
  close(): void
}

export interface ClientParts {
  /** How the store is written, for people: `webhdfs://host:9870`. */
  origin: string
  namenodes: Namenodes
  connections: Connections
  caller: Caller
}

export function openClient({ origin, namenodes, connections, caller }: ClientParts): Client {
  const askedOf = ({ op, path }: Operation, endpoint: string, { atDatanode = false } = {}): Asked => ({
    op,
    atDatanode,
    target: `${origin}${path}`,
    endpoint,
    // It may be read from its file only when it is needed.
    get token() {
      return caller.token()
    },
  })
  /** Runs one request; what it throws is translated once. */
  const guard = async <T>(signal: AbortSignal, asked: Asked, run: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    try {
      return await run()
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const translated = translateHdfsError(error, asked)
      if (translated instanceof NimctlError && translated.mend === 'new-credentials') await caller.renew()
      throw await withIssuer(translated, asked.endpoint)
    }
  }
  const askNamenode = (operation: Operation, query: Record<string, string>): Promise<{ answer: Answer; base: URL }> =>
    namenodes.ask(base =>
      guard(operation.signal, askedOf(operation, base.origin), async () => {
        const { method, op, path, signal } = operation
        const url = new URL(base)
        url.pathname = `${base.pathname}${encodePath(path)}`
        const params = { op, ...(await caller.query()), ...operation.query, ...query }
        const incoming = await send(
          connections,
          outgoing(url, `${url.pathname}?${encodeQuery(params)}`, { method, signal }),
        )
        const answer = await readAnswer(incoming)
        if (answer.status >= 300 && !isRedirect(answer)) throw failureOf(answer)
        return { answer, base }
      }),
    )
  /** The first step. It carries no bytes, and is not followed by whoever sends it. */
  const findDatanode = async (operation: Operation): Promise<URL> => {
    const { answer, base } = await askNamenode(operation, { noredirect: 'true' })
    const location = textAt(parseJson(answer.text), 'Location') ?? headerOf(answer)
    const asked = askedOf(operation, base.origin)
    if (location === undefined || !URL.canParse(location)) throw notUnderstood(asked, 'It names no datanode.')
    const url = new URL(location)
    if (base.protocol === 'https:' && url.protocol !== 'https:')
      throw notUnderstood(asked, `It sends to ${url.origin}, which does not speak TLS.`)
    return url
  }
  const secondStep = async (operation: Operation, body?: Uint8Array): Promise<IncomingMessage> => {
    const url = await findDatanode(operation)
    const asked = askedOf(operation, url.origin, { atDatanode: true })
    return await guard(operation.signal, asked, async () => {
      const { method, signal } = operation
      const request = outgoing(url, `${url.pathname}${url.search}`, { method, body, signal })
      // Blocks are found, replicated and closed meanwhile.
      const incoming = await send(connections, { ...request, silenceMs: longSilenceMs })
      if ((incoming.statusCode ?? 0) >= 300) throw failureOf(await readAnswer(incoming))
      return incoming
    })
  }
  const translate = (error: unknown, operation: Operation): unknown =>
    operation.signal.aborted ? operation.signal.reason : translateHdfsError(error, askedOf(operation, origin))
  return {
    async ask(operation) {
      const { answer, base } = await askNamenode(operation, {})
      if (isRedirect(answer)) throw notUnderstood(askedOf(operation, base.origin), 'It sends elsewhere.')
      if (answer.text === '') return undefined
      const value = parseJson(answer.text)
      if (value === undefined) throw notUnderstood(askedOf(operation, base.origin), answer.text.slice(0, 100))
      return value
    },
    async exchange(operation, body = new Uint8Array()) {
      const incoming = await secondStep(operation, operation.method === 'GET' ? undefined : body)
      return await readAnswer(incoming).catch((error: unknown) => {
        throw translate(error, operation)
      })
    },
    open: operation => secondStep(operation),
    translate,
    close() {
      connections.httpAgent.destroy()
      connections.httpsAgent.destroy()
    },
  }
}

function isRedirect({ status }: Answer): boolean {
  return status === 307
}

/** Node reads headers byte by byte; a namenode writes UTF-8. */
function headerOf({ headers: { location } }: Answer): string | undefined {
  return location === undefined ? undefined : Buffer.from(location, 'latin1').toString()
}

function outgoing(
  url: URL,
  path: string,
  { method, body, signal }: { method: string; body?: Uint8Array | undefined; signal: AbortSignal },
) {
  const headers: Record<string, string> = { host: url.host, 'user-agent': 'nimctl' }
  if (method !== 'GET') headers['content-length'] = String(body?.length ?? 0)
  if (body !== undefined) headers['content-type'] = 'application/octet-stream'
  return { to: addressOf(url), method, path, headers, ...(body !== undefined && { body }), signal }
}
