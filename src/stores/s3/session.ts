import type { S3Client } from '@aws-sdk/client-s3'

import { NimctlError } from '../../system/errors.ts'
import type { StoreOptions } from '../open.ts'
import type { Capabilities } from '../store.ts'
import { openClient, renewCredentials } from './client.ts'
import { translateS3Error } from './errors.ts'
import { parseS3Url, type Location } from './location.ts'

/** One bucket and prefix, how to talk to it, and what was found out about its server. */
export interface Session extends Location {
  /** Changes as the server shows what it is capable of. */
  readonly capabilities: Capabilities
  /** How bytes are protected on their way; `unknown` until something was sent (probe.ts). */
  checksums: 'crc32c' | 'md5' | 'unknown'
  /** Makes one request. Its errors leave as NimctlError; expired credentials are read anew for the next one. */
  request<T>(
    asked: RequestDetails,
    send: (s3: S3Client, options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T>
  translate(error: unknown, asked: RequestDetails): unknown
  close(): void
}

export interface RequestDetails {
  action: string
  key?: string
  signal: AbortSignal
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
  return {
    ...location,
    capabilities: { ...capabilities, sortedListing },
    checksums: 'unknown',
    translate,
    async request(asked, send) {
      asked.signal.throwIfAborted()
      try {
        return await send(client.s3, { abortSignal: asked.signal })
      } catch (error) {
        const translated = translate(error, asked)
        if (translated instanceof NimctlError && translated.mend === 'new-credentials') {
          // What keeps them from being renewed shows at the next request, which reads them again.
          await renewCredentials(client).catch(() => undefined)
        }
        throw translated
      }
    },
    close: () => client.s3.destroy(),
  }
}
