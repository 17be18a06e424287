import { loaderContract } from '../loader/contract.ts'
import type { StorePlace } from '../request.ts'
import { endpointForPods } from './endpoint.ts'
import { noSecret, type StoreAccess, type StoreSecret } from './store-access.ts'

/** The key under which KServe's storage initializer looks for it, so that one Secret does for both. */
const credentialsKey = 'gcloud-application-credentials.json'

const keyFile: StoreSecret = {
  entries: [{ key: credentialsKey, variable: loaderContract.contents.googleCredentials }],
  howToMake: `--from-file=${credentialsKey}=KEYFILE, the key of a service account`,
}

/** Google Cloud Storage: by a service account's key file, or by the pod's own identity where the Secret has none. */
export function gsAccess({ endpointUrl, storeSettings = {} }: StorePlace): StoreAccess {
  const { billingProject, impersonate = [], emulatorHost, signRequests = true } = storeSettings
  const endpoint = endpointUrl && endpointForPods(endpointUrl)
  const variables = {
    CLOUDSDK_BILLING_QUOTA_PROJECT: billingProject,
    CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT: impersonate.length > 0 ? impersonate.join(',') : undefined,
    STORAGE_EMULATOR_HOST: endpoint === undefined ? emulatorHost : undefined,
  }
  return {
    env: Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }])),
    flags: [
      ...(endpoint === undefined ? [] : ['--endpoint-url', endpoint.address]),
      ...(signRequests ? [] : ['--no-sign-request']),
    ],
    secret: signRequests ? keyFile : noSecret,
    warnings: endpoint?.warnings ?? [],
  }
}
