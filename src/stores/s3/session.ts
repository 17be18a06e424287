import type { IncomingMessage } from 'node:http'

import type { S3Client } from '@aws-sdk/client-s3'

import { NimctlError } from '../../system/errors.ts'
import { longSilenceMs, silenceMs } from '../../system/http/connections.ts'
import type { Answer } from '../http/answer.ts'
import { withIssuer } from '../http/store-error.ts'
import type { StoreOptions } from '../open.ts'
import type { Capabilities } from '../store.ts'
import { openClient, renewCredentials } from './client.ts'
import { translateS3Error } from './errors.ts'
import { type ObjectRequest, openExchange } from './exchange.ts'
import { parseS3Url, type Location } from './location.ts'
import { type S3Settings, settingHeaders } from './settings.ts'

/** One bucket and prefix, how to talk to it, and what was found out about its server. */
export interface Session extends Location {
  /** Changes as the server shows what it is capable of. */
  readonly capabilities: Capabilities
  /** Endpoint and whose credentials: buckets of the same one can be copied from. */
  readonly service: string
  /** How the server is to encrypt what is written, where that was said. */
  readonly sse: S3Settings['sse']
  /** How bytes are protected on their way; `unknown` until something was sent (probe.ts). */
  checksums: 'crc32c' | 'md5' | 'unknown'
  /**
   * Makes one request with the SDK. Its errors leave as NimctlError; expired credentials are read anew for the next
   * one.
   */
  request<T>(
    asked: RequestDetails,
    make: (s3: S3Client, options: { abortSignal: AbortSignal; requestTimeout: number }) => Promise<T>,
  ): Promise<T>
  /** Makes one request without the SDK (exchange.ts), else as `request`. */
  ask(action: string, request: ObjectRequest): Promise<Answer>
  /** The same, and leaves the answer's body to be read. */
  open(action: string, request: ObjectRequest): Promise<IncomingMessage>
  translate(error: unknown, asked: RequestDetails): unknown
  /** The id of the access key that signs; `undefined` where nothing does. */
  identity(): Promise<string | undefined>
  close(): void
}

interface RequestDetails {
  action: string
  key?: string
  signal: AbortSignal
}

/** How long an answer may take to begin: a server that puts an object together may need minutes. */
function silenceOf({ action }: RequestDetails): number {
  return action === 'CompleteMultipartUpload' ? longSilenceMs : silenceMs
}

const mebibyte = 1024 ** 2
const gibibyte = 1024 ** 3

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const capabilities: Capabilities = {
  serverCopy: true,
  parallelParts: true,
  minPart: 5 * mebibyte,
  maxPart: 5 * gibibyte,
  maxParts: 10_000,
  maxPut: 5 * gibibyte,
  listingProof: 'etag',
  statProof: 'full-checksum',
  conditionalPut: true,
  sortedListing: false,
}

export async function openSession(url: URL, options: StoreOptions): Promise<Session> {
  const location = parseS3Url(url)
  const client = await openClient(options)
  const { endpoint, region } = client
  // Amazon promises the order, but for directory buckets. Of other servers it can't be known before the last page.
  const sortedListing = client.amazon && !location.bucket.endsWith('--x-s3')

  const translate = (error: unknown, { action, key, signal }: RequestDetails): unknown => {
    if (signal.aborted) return signal.reason
    return translateS3Error(error, { action, key, bucket: location.bucket, endpoint, region })
  }
  const guard = async <T>(asked: RequestDetails, make: () => Promise<T>): Promise<T> => {
    asked.signal.throwIfAborted()
    try {
      return await make()
    } catch (error) {
      const translated = translate(error, asked)
      if (translated instanceof NimctlError && translated.mend === 'new-credentials') {
        // What keeps them from being renewed shows at the next request, which reads them again.
        await renewCredentials(client).catch(() => undefined)
      }
      throw await withIssuer(translated, endpoint)
    }
  }
  const headersOf = settingHeaders(options.s3 ?? {})
  addHeaders(client.s3, headersOf)
  const exchange = openExchange(client, location.bucket)
  const withSettings = (action: string, request: ObjectRequest): ObjectRequest => ({
    ...request,
    headers: { ...headersOf(action), ...request.headers },
  })
  return {
    ...location,
    capabilities: { ...capabilities, sortedListing },
    service: JSON.stringify(['s3', endpoint, client.signed, options.awsProfile]),
    sse: options.s3?.sse,
    checksums: 'unknown',
    translate,
    request: (asked, make) =>
      guard(asked, () => make(client.s3, { abortSignal: asked.signal, requestTimeout: silenceOf(asked) })),
    ask: (action, request) => guard({ action, ...request }, () => exchange.ask(withSettings(action, request))),
    open: (action, request) => guard({ action, ...request }, () => exchange.open(withSettings(action, request))),
    identity: async () =>
      client.signed ? `access key ${(await client.s3.config.credentials()).accessKeyId}` : undefined,
    close: () => client.s3.destroy(),
  }
}

/** To the requests that the SDK makes, before it signs them. */
function addHeaders(s3: S3Client, headersOf: (action: string) => Record<string, string>): void {
  s3.middlewareStack.add(
    (next, { commandName = '' }) =>
      async args => {
        const { request } = args
        if (typeof request === 'object' && request !== null && 'headers' in request) {
          Object.assign(request.headers ?? {}, headersOf(commandName.replace(/Command$/, '')))
        }
        return await next(args)
      },
    { step: 'build', name: 'settingHeaders' },
  )
}
