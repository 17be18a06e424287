import type { IncomingMessage } from 'node:http'

import type { Bucket as SdkBucket } from '@google-cloud/storage'

import { NimctlError } from '../../system/errors.ts'
import { openConnections } from '../../system/http/connections.ts'
import { addressOf, send } from '../../system/http/send.ts'
import { parseJson } from '../../system/json.ts'
import { type Answer, readAnswer } from '../http/answer.ts'
import { withIssuer } from '../http/store-error.ts'
import type { StoreOptions } from '../open.ts'
import type { Capabilities } from '../store.ts'
import { anonymous, type Credentials, defaultCredentials } from './credentials.ts'
import { findEndpoint } from './endpoint.ts'
import { failureOf, notUnderstood, translateGsError, translateTokenError } from './errors.ts'
import { type Location, parseGsUrl } from './location.ts'
import { openSdkBucket } from './sdk.ts'

/** One request of the JSON API. */
interface GsRequest {
  method: string
  /** Below the endpoint; encoded. */
  path: string
  query?: Record<string, string>
  /** Names in lower case. */
  headers?: Record<string, string>
  /** Sent one behind the other, as they are. Must not change before the promise settles. */
  body?: readonly Uint8Array[]
  /** How long the connection may stay silent. */
  silenceMs?: number
  /** What a role must have for it: `storage.objects.get`. */
  permission: string
  /** The name in the bucket, where it is about an object. */
  key?: string
  signal: AbortSignal
}

/** A request to the address of a resumable upload. The address itself is the permission, so nothing else is sent along. */
interface UploadRequest extends Pick<GsRequest, 'method' | 'headers' | 'body' | 'silenceMs' | 'signal'> {
  address: URL
  key: string
}

/** What is asked with Google's client, in however many requests. */
type SdkAsked = Pick<GsRequest, 'permission' | 'key' | 'silenceMs' | 'signal'>

/** One bucket and prefix, and how to talk to it. */
export interface Bucket extends Location {
  readonly capabilities: Capabilities
  /** @throws NimctlError */
  ask(request: GsRequest): Promise<Answer>
  /** The same, and leaves the answer's body to be read. */
  open(request: GsRequest): Promise<IncomingMessage>
  /** Does with Google's own client what is rare; its requests go out as all others do. It is loaded for the first one. */
  request<T>(asked: SdkAsked, make: (sdk: SdkBucket) => Promise<T>): Promise<T>
  /** An answer of 308 is one too. */
  askUpload(request: UploadRequest): Promise<Answer>
  /** An error of the connection, as one of ours. */
  translate(error: unknown, request: Pick<GsRequest, 'permission' | 'key' | 'signal'>): unknown
  /** As errors name it. */
  readonly endpoint: string
  /** The JSON of an answer. */
  parse(answer: Answer, request: Pick<GsRequest, 'permission'>): Record<string, unknown>
  /** The account that asks; `undefined` for nobody. */
  identity(): Promise<string | undefined>
  close(): void
}

const gibibyte = 1024 ** 3

/** What arrives in the middle of an upload is counted in such pieces. */
export const uploadStep = 256 * 1024

/** https://docs.cloud.google.com/storage/quotas#objects */
const largestObject = 5 * 1024 * gibibyte

const capabilities: Capabilities = {
  serverCopy: true,
  parallelParts: false,
  minPart: uploadStep,
  maxPart: gibibyte,
  maxParts: largestObject / uploadStep,
  maxPut: largestObject,
  listingProof: 'full-checksum',
  statProof: 'full-checksum',
  conditionalPut: true,
  sortedListing: false,
}

export async function openBucket(url: URL, options: StoreOptions): Promise<Bucket> {
  const location = parseGsUrl(url)
  const { address, google, signed } = findEndpoint(options)
  const connections = await openConnections(options)
  const { readOnly = false, gs: { impersonate = [], billingProject } = {} } = options
  const credentials = signed ? defaultCredentials({ readOnly, impersonate, connections }) : anonymous
  const endpoint = address.origin

  const asking = ({ permission, key }: Pick<GsRequest, 'permission' | 'key'>) => ({
    permission,
    key,
    bucket: location.bucket,
    endpoint,
  })
  const translate: Bucket['translate'] = (error, request) =>
    request.signal.aborted ? request.signal.reason : translateGsError(error, asking(request))
  const guard = async <T>(
    request: Pick<GsRequest, 'permission' | 'key' | 'signal'>,
    make: () => Promise<T>,
  ): Promise<T> => {
    request.signal.throwIfAborted()
    try {
      return await make()
    } catch (error) {
      const translated = translate(error, request)
      if (translated instanceof NimctlError && translated.mend === 'new-credentials') credentials.forget()
      // One that has been translated before is about who gives the tokens.
      throw translated === error ? error : await withIssuer(translated, endpoint)
    }
  }
  const open = async (request: GsRequest): Promise<IncomingMessage> => {
    const proof = await headersOf(credentials, request, asking(request))
    request.signal.throwIfAborted()
    const query = { ...request.query, ...(billingProject !== undefined && { userProject: billingProject }) }
    const path = request.path + queryOf(query)
    const headers = { ...proof, ...request.headers }
    const incoming = await send(connections, outgoing(address, { ...request, path, headers }))
    if ((incoming.statusCode ?? 0) >= 300) throw failureOf(await readAnswer(incoming))
    return incoming
  }
  return {
    ...location,
    endpoint,
    // The documentation promises the order of names; other servers speak for themselves.
    capabilities: { ...capabilities, sortedListing: google },
    ask: request => guard(request, async () => await readAnswer(await open(request))),
    open: request => guard(request, () => open(request)),
    request: (asked, make) =>
      guard(asked, async () => {
        const sdk = await openSdkBucket(location.bucket, async ({ body, ...request }) => {
          const answer = await readAnswer(await open({ ...request, ...asked, ...jsonBody(body) }))
          return objectOf(parseJson(answer.text)) ?? {}
        })
        return await make(sdk)
      }),
    askUpload: ({ address: to, ...request }) =>
      guard({ ...request, permission: 'storage.objects.create' }, async () => {
        const path = to.pathname + to.search
        const answer = await readAnswer(await send(connections, outgoing(to, { ...request, path })))
        if (answer.status >= 300 && answer.status !== 308) throw uploadFailure(answer)
        return answer
      }),
    translate,
    parse(answer, request) {
      const value = objectOf(parseJson(answer.text))
      if (value !== undefined) return value
      throw notUnderstood(asking(request))
    },
    identity: () => credentials.identity(),
    close() {
      connections.httpAgent.destroy()
      connections.httpsAgent.destroy()
    },
  }
}

async function headersOf(
  credentials: Credentials,
  { signal }: GsRequest,
  asked: Parameters<typeof translateTokenError>[1],
): Promise<Record<string, string>> {
  try {
    return await credentials.headers()
  } catch (error) {
    throw signal.aborted ? signal.reason : translateTokenError(error, asked)
  }
}

function outgoing(
  to: URL,
  {
    method,
    path,
    headers,
    body = [],
    silenceMs,
    signal,
  }: Pick<GsRequest, 'method' | 'path' | 'headers' | 'body' | 'silenceMs' | 'signal'>,
): Parameters<typeof send>[1] {
  const length = body.reduce((sum, piece) => sum + piece.length, 0)
  return {
    to: addressOf(to),
    method,
    path,
    headers: {
      host: to.host,
      'user-agent': 'nimctl',
      ...headers,
      ...(method === 'GET' ? {} : { 'content-length': String(length) }),
    },
    body: body.filter(piece => piece.length > 0),
    silenceMs,
    signal,
  }
}

function jsonBody(value: object | undefined): Pick<GsRequest, 'headers' | 'body'> {
  if (value === undefined) return {}
  return { headers: { 'content-type': 'application/json' }, body: [Buffer.from(JSON.stringify(value))] }
}

function queryOf(query: Record<string, string>): string {
  const text = new URLSearchParams(query).toString()
  return text === '' ? '' : `?${text}`
}

/** Of an address that nobody knows any more, 404 is said too. */
function uploadFailure(answer: Answer): Error {
  return failureOf(answer.status === 404 ? { ...answer, status: 410 } : answer)
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}
