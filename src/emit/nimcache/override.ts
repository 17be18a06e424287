import { checkOverrideUrl } from '../../nim/repository-override.ts'
import type { EnvVariable } from '../../operator/objects.ts'
import type { Target, UploadedCache } from '../request.ts'
import { emitted, type EmitResult } from '../result.ts'
import { storeCredentials } from '../store-secret.ts'
import { s3Environment, s3Secret } from '../stores/s3.ts'
import { checkUrlHasNoSecret } from '../stores/secret-in-url.ts'

/** What a NIM needs to download from a bucket of layout `ngc` instead of NGC (reference/nim.md, section 5.1). */
export interface OverrideEnvironment extends EmitResult {
  env: EnvVariable[]
  authSecret: string
}

/** @throws NimctlError `usage` / `OVERRIDE_NEEDS_S3` or `OVERRIDE_PREFIX`. */
export function overrideEnvironment(request: Target & { uploaded: UploadedCache }): OverrideEnvironment {
  const { uploaded } = request
  const url = uploaded.storeUrl ?? uploaded.cacheUrl
  checkUrlHasNoSecret(url)
  checkOverrideUrl(url)
  const { env, warnings } = s3Environment(uploaded)
  const { secretName, prerequisites } = storeCredentials(request, s3Secret)
  if (uploaded.endpointUrl !== undefined) warnings.push(endpointWarning)
  return {
    ...emitted({ warnings, prerequisites }),
    authSecret: secretName,
    env: [{ name: 'NIM_REPOSITORY_OVERRIDE', value: `s3://${url.host}/` }, ...env],
  }
}

const endpointWarning =
  'NVIDIA’s page on NIM_REPOSITORY_OVERRIDE does not say that a NIM honours AWS_ENDPOINT_URL: try it with this image ' +
  'first. The server must take virtual-hosted addresses and have a certificate that the image trusts.'
