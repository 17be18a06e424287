import { NimctlError } from '../../system/errors.ts'
import { secret, type Secret } from '../../system/secret.ts'
import { checkKey, isDecodable } from '../key.ts'
import { accountOfHost } from './host.ts'
import type { AccountSettings } from './settings.ts'

/** Where a store's keys lie, and how its service is reached. */
export interface Location {
  /** As the user wrote it, without a SAS. */
  readonly url: URL
  readonly account: string
  readonly azureContainer: string
  /** Ends with `/`, or is empty. */
  readonly prefix: string
  readonly endpoint: Endpoint
  /** What stood in the URL's query. */
  readonly sas?: Secret
}

interface Endpoint {
  secure: boolean
  /** Without brackets, as a connection is made to it. */
  hostname: string
  /** Empty: that of the protocol. */
  port: string
  /** As the header names it. */
  host: string
  /** What comes before the container: `/`, or `/devstoreaccount1/` with Azurite. */
  path: string
  /** For people. */
  name: string
}

/**
 * `https://ACCOUNT.blob.core.windows.net/container/prefix` or `az://container/prefix`.
 *
 * @param settings the account of an `az` URL, or where another endpoint stands in for that of an https one.
 * @throws NimctlError `usage` / `STORE_URL_INVALID`, `STORE_ACCOUNT_MISSING` or `ENDPOINT_URL_INVALID`.
 */
export function parseAzureUrl(url: URL, settings: AccountSettings, endpointUrl: string | undefined): Location {
  const problem = problemOf(url)
  if (problem !== undefined) throw invalid(url, problem)
  const named = url.protocol === 'https:' ? accountOfHost(url.hostname) : undefined
  const [azureContainer = '', ...rest] = segmentsOf(url)
  if (!isContainerName(azureContainer)) throw invalid(url, `"${azureContainer}" is not the name of a container.`)
  const path = rest.join('/')
  const endpoint = parseEndpoint(endpointUrl ?? addressOf(url, settings))
  const account = named ?? settings.account ?? accountOfEndpoint(endpoint)
  if (account === undefined) throw accountMissing(url)
  return {
    url: withoutQuery(url),
    account,
    azureContainer,
    prefix: path === '' || path.endsWith('/') ? path : `${path}/`,
    endpoint,
    ...(url.search !== '' && { sas: secret(url.search.slice(1)) }),
  }
}

/** The key inside the container. */
export function fullKey(location: Location, key: string): string {
  checkKey(key, location.url)
  return location.prefix + key
}

/** @param key as `fullKey` gives it; absent: the container. */
export function pathOf({ endpoint, azureContainer }: Location, key: string | undefined): string {
  return `${endpoint.path}${azureContainer}${key === undefined ? '' : `/${encoded(key)}`}`
}

/** Shared keys sign the path as it is sent. This is how Azure's own clients for JavaScript write it. */
function encoded(key: string): string {
  return /[^\w.~/-]/.test(key) ? key.split('/').map(encodeURIComponent).join('/') : key
}

function withoutQuery(url: URL): URL {
  const bare = new URL(url)
  bare.search = ''
  return bare
}

function segmentsOf(url: URL): string[] {
  const path = url.protocol === 'az:' ? `${url.hostname}${url.pathname}` : url.pathname.slice(1)
  return decodeURIComponent(path).split('/')
}

/** https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata */
function isContainerName(name: string): boolean {
  return /^(?:[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}|\$root|\$web|\$logs)$/.test(name)
}

function addressOf(url: URL, { account, endpointUrl }: AccountSettings): string {
  if (url.protocol === 'https:') return url.origin
  if (endpointUrl !== undefined) return endpointUrl
  if (account === undefined) throw accountMissing(url)
  return `https://${account}.blob.core.windows.net`
}

function parseEndpoint(address: string): Endpoint {
  const parsed = URL.parse(address)
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new NimctlError('usage', 'ENDPOINT_URL_INVALID', {
      what: `"${address}" is not the address of a server.`,
      next: 'Write it as: --endpoint-url https://ACCOUNT.blob.SUFFIX',
    })
  }
  const { protocol, hostname, port, host, pathname } = parsed
  return {
    secure: protocol === 'https:',
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    host,
    path: pathname.endsWith('/') ? pathname : `${pathname}/`,
    name: `${protocol}//${host}${pathname.replace(/\/$/, '')}`,
  }
}

/** Azurite has the account in the path, Azure in the host's name. */
function accountOfEndpoint({ hostname, path }: Endpoint): string | undefined {
  return accountOfHost(hostname) ?? path.split('/').find(segment => segment !== '')
}

function problemOf(url: URL): string | undefined {
  if (url.username !== '' || url.password !== '') return 'Credentials do not belong there.'
  if (url.protocol === 'az:' && url.port !== '') return 'The server is given with --endpoint-url.'
  if (url.protocol === 'az:' && url.search !== '') return 'A SAS belongs into AZURE_STORAGE_SAS_TOKEN.'
  if (url.search !== '' && !url.searchParams.has('sig')) return 'What stands behind the "?" is no SAS.'
  if (url.hash !== '') return 'Write "#" in a prefix as %23.'
  return isDecodable(url.pathname) ? undefined : 'A "%" in a prefix is written as %25.'
}

function invalid({ protocol, hostname, pathname }: URL, why: string): NimctlError {
  return new NimctlError('usage', 'STORE_URL_INVALID', {
    what: `"${protocol}//${hostname}${pathname}" is not the address of a store in Azure.`,
    why,
    next: 'Write it as: https://ACCOUNT.blob.core.windows.net/container/prefix or az://container/prefix',
  })
}

function accountMissing({ hostname, pathname }: URL): NimctlError {
  return new NimctlError('usage', 'STORE_ACCOUNT_MISSING', {
    what: `az://${hostname}${pathname} does not say in which storage account it lies.`,
    next: 'Set AZURE_STORAGE_ACCOUNT, or write https://ACCOUNT.blob.core.windows.net/container/prefix',
  })
}
