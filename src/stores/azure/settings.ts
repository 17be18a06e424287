import { NimctlError } from '../../system/errors.ts'
import { secret, type Secret } from '../../system/secret.ts'
import { accountOfHost } from './host.ts'

/** What the environment says of the account, under the names of the Azure CLI. */
export interface AzureSettings {
  account?: string
  key?: Secret
  sasToken?: Secret
  connectionString?: Secret
}

/** The same, with the connection string taken apart. */
export interface AccountSettings {
  account?: string
  key?: Secret
  sasToken?: Secret
  /** Of the account, without a path but that of Azurite. */
  endpointUrl?: string
}

/**
 * A connection string comes first, whole: it belongs together.
 *
 * @throws NimctlError `usage` / `CONNECTION_STRING_INVALID`.
 */
export function accountSettings({ connectionString, ...others }: AzureSettings): AccountSettings {
  return connectionString === undefined ? others : parseConnectionString(connectionString.unwrap())
}

/** https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string */
function parseConnectionString(text: string): AccountSettings {
  const fields = new Map(text.split(';').map(pair => splitOnce(pair.trim(), '=')))
  if (fields.get('usedevelopmentstorage') === 'true') return azurite
  const key = fields.get('accountkey')
  const sasToken = fields.get('sharedaccesssignature')
  const endpointUrl = fields.get('blobendpoint') ?? endpointOf(fields)
  if (endpointUrl === undefined || (key === undefined && sasToken === undefined)) {
    throw new NimctlError('usage', 'CONNECTION_STRING_INVALID', {
      what: 'AZURE_STORAGE_CONNECTION_STRING is not the connection string of a storage account.',
      why: 'It needs AccountName with AccountKey, or BlobEndpoint with SharedAccessSignature.',
      next: 'Show it with: az storage account show-connection-string --name ACCOUNT',
    })
  }
  const account = fields.get('accountname') ?? accountOfHost(URL.parse(endpointUrl)?.hostname ?? '')
  return {
    endpointUrl,
    ...(account !== undefined && { account }),
    ...(key !== undefined && { key: secret(key) }),
    ...(sasToken !== undefined && { sasToken: secret(sasToken) }),
  }
}

function endpointOf(fields: ReadonlyMap<string, string>): string | undefined {
  const account = fields.get('accountname')
  if (account === undefined) return undefined
  const protocol = fields.get('defaultendpointsprotocol') ?? 'https'
  return `${protocol}://${account}.blob.${fields.get('endpointsuffix') ?? 'core.windows.net'}`
}

/** Azurite's published account, which is the same everywhere and protects nothing. */
const azurite: AccountSettings = {
  account: 'devstoreaccount1',
  key: secret('Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='),
  endpointUrl: 'http://127.0.0.1:10000/devstoreaccount1',
}

/** Keys and signatures have `=` in them. */
function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator)
  return index < 0 ? [text.toLowerCase(), ''] : [text.slice(0, index).toLowerCase(), text.slice(index + 1)]
}
