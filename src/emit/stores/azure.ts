import type { StorePlace } from '../request.ts'
import { endpointForPods } from './endpoint.ts'
import { noSecret, type StoreAccess, type StoreSecret } from './store-access.ts'

/** One of: the key, a SAS, a connection string, or an identity in Entra. */
const keys = [
  'AZURE_STORAGE_KEY',
  'AZURE_STORAGE_SAS_TOKEN',
  'AZURE_STORAGE_CONNECTION_STRING',
  'AZURE_TENANT_ID',
  'AZURE_CLIENT_ID',
  'AZURE_CLIENT_SECRET',
]

const azureSecret: StoreSecret = {
  entries: keys.map(key => ({ key })),
  howToMake:
    '--from-env-file=FILE, where FILE has the line AZURE_STORAGE_KEY=… or AZURE_STORAGE_SAS_TOKEN=…, or the lines ' +
    'AZURE_TENANT_ID=…, AZURE_CLIENT_ID=… and AZURE_CLIENT_SECRET=…',
}

/** Azure Blob Storage. The account of an `az` URL is no secret, and stands in the YAML where it is known. */
export function azureAccess(url: URL, { endpointUrl, storeSettings = {} }: StorePlace): StoreAccess {
  const { azureAccount, signRequests = true } = storeSettings
  const endpoint = endpointUrl && endpointForPods(endpointUrl)
  const named = url.protocol === 'az:' && azureAccount !== undefined
  return {
    env: named ? [{ name: 'AZURE_STORAGE_ACCOUNT', value: azureAccount }] : [],
    flags: [
      ...(endpoint === undefined ? [] : ['--endpoint-url', endpoint.address]),
      ...(signRequests ? [] : ['--no-sign-request']),
    ],
    secret: signRequests ? azureSecret : noSecret,
    warnings: endpoint?.warnings ?? [],
  }
}
