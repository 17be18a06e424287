import type { EnvVariable } from '../operator/objects.ts'
import { NimctlError } from '../system/errors.ts'
import { loaderContract } from './loader-contract.ts'
import type { Target, UploadedCache } from './request.ts'
import { emitted, type EmitResult } from './result.ts'
import { checkUrlHasNoSecret, s3Environment } from './s3-environment.ts'
import { storeCredentials } from './store-secret.ts'

/** The environment of the loader's container, and what the cluster must have for it. */
export interface LoaderEnvironment extends EmitResult {
  env: EnvVariable[]
  authSecret: string
}

/** @throws NimctlError `usage` where the loader can't read such a store. */
export function loaderEnvironment(request: Target & { uploaded: UploadedCache }): LoaderEnvironment {
  const { uploaded } = request
  const url = uploaded.storeUrl ?? uploaded.cacheUrl
  checkUrlHasNoSecret(url)
  const { variables } = loaderContract
  const store = storeEnvironment(url, uploaded)
  const credentials = storeCredentials(request, store.secretKeys)
  return {
    ...emitted({ warnings: store.warnings, prerequisites: credentials.prerequisites }),
    authSecret: credentials.secretName,
    env: [
      { name: variables.cacheUrl, value: url.href },
      ...(uploaded.inventoryDigest ? [{ name: variables.inventoryDigest, value: uploaded.inventoryDigest }] : []),
      ...store.env,
    ],
  }
}

interface StoreEnvironment {
  env: EnvVariable[]
  /** Keys that the Secret must have; the operator hands the whole Secret to the container by `envFrom`. */
  secretKeys: readonly string[]
  warnings: string[]
}

function storeEnvironment(url: URL, uploaded: UploadedCache): StoreEnvironment {
  switch (url.protocol) {
    case 's3:':
      return s3Environment(uploaded)
    case 'file:':
      return { env: [], secretKeys: [], warnings: [fileWarning(url)] }
    default:
      throw new NimctlError('usage', 'LOADER_STORE_UNSUPPORTED', {
        what: `The loader can't read ${url.protocol}// yet.`,
        why: 'It reads s3://.',
        next: 'Upload the cache to S3 as well, or name it with --store-url s3://BUCKET/PREFIX',
      })
  }
}

/** A NIMCache has no field for another volume: its Job mounts the claim and nothing else (reference/operator.md, section 3). */
function fileWarning(url: URL): string {
  return (
    `${url.href} is a directory of this machine, which no pod can see: the NIMCache's Job will fail. ` +
    'Upload the cache to a store that the cluster reaches, and name that one with --cache or --store-url s3://BUCKET/PREFIX.'
  )
}
