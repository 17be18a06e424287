import { NimctlError } from '../system/errors.ts'
import type { ConnectionOptions } from '../system/http/connections.ts'
import { isAzureHost } from './azure/host.ts'
import type { AzureSettings } from './azure/settings.ts'
import type { FileSettings } from './file/settings.ts'
import type { GsSettings } from './gs/settings.ts'
import type { HttpsSettings } from './https/settings.ts'
import { readOnly } from './read-only.ts'
import type { S3Settings } from './s3/settings.ts'
import type { Store } from './store.ts'
import type { HdfsSettings } from './webhdfs/settings.ts'

/** Plain values; flags, environment and nimctl.yaml were resolved before. Each kind of store reads what concerns it. */
export interface StoreOptions extends ConnectionOptions {
  endpointUrl?: string
  region?: string
  awsProfile?: string
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. Default: with any endpoint that is not Amazon's own. */
  pathStyle?: boolean
  /** `false`: no credentials are looked for, requests go unsigned. */
  signRequests?: boolean
  azure?: AzureSettings
  file?: FileSettings
  gs?: GsSettings
  hdfs?: HdfsSettings
  https?: HttpsSettings
  /** Ends what is asked while a store is opened. */
  signal?: AbortSignal
  s3?: S3Settings
  /** Every change is refused before a request is made. */
  readOnly?: boolean
}

/** One line per scheme. Each adapter, and the SDK that it brings, is loaded when its scheme is used. */
const adapters: Record<string, (url: URL, options: StoreOptions) => Promise<Store>> = {
  az: async (url, options) => (await import('./azure/open.ts')).openAzureStore(url, options),
  file: async (url, options) => (await import('./file/open.ts')).openFileStore(url, options.file),
  gs: async (url, options) => (await import('./gs/open.ts')).openGsStore(url, options),
  hdfs: openHdfs,
  http: openHttps,
  https: openHttps,
  s3: async (url, options) => (await import('./s3/open.ts')).openS3Store(url, options),
  swebhdfs: openHdfs,
  webhdfs: openHdfs,
}

async function openHttps(url: URL, options: StoreOptions): Promise<Store> {
  return await (await import('./https/open.ts')).openHttpsStore(url, options)
}

/**
 * Some kinds ask the server meanwhile what it is capable of, and fail as any request does.
 *
 * @throws NimctlError `usage` / `STORE_SCHEME_UNKNOWN`, or `STORE_URL_INVALID` from the adapter.
 */
export async function openStore(url: URL, options: StoreOptions): Promise<Store> {
  const open = adapters[kindOf(url)]
  if (open === undefined) {
    throw new NimctlError('usage', 'STORE_SCHEME_UNKNOWN', {
      what: `"${url.protocol}" is not a kind of store that nimctl knows.`,
      next: `Use one of: ${Object.keys(adapters)
        .map(scheme => `${scheme}://`)
        .join(', ')}, https://ACCOUNT.blob.core.windows.net.`,
    })
  }
  const store = await open(url, options)
  return options.readOnly === true ? readOnly(store) : store
}

async function openHdfs(url: URL, options: StoreOptions): Promise<Store> {
  return await (await import('./hdfs/open.ts')).openHdfsStore(url, options)
}

/** Azure's hosts are no plain web servers, and speak TLS alone. */
function kindOf({ protocol, hostname }: URL): string {
  if (protocol === 'https:' && isAzureHost(hostname)) return 'az'
  return protocol === 'http:' && isAzureHost(hostname) ? '' : protocol.slice(0, -1)
}
