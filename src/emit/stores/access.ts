import { isAzureHost } from '../../stores/azure/host.ts'
import { NimctlError } from '../../system/errors.ts'
import { loaderContract } from '../loader/contract.ts'
import type { StorePlace } from '../request.ts'
import { azureAccess } from './azure.ts'
import { fileAccess } from './file.ts'
import { gsAccess } from './gs.ts'
import { hdfsAccess } from './hdfs.ts'
import { httpsAccess } from './https.ts'
import { s3Access } from './s3.ts'
import { checkUrlHasNoSecret } from './secret-in-url.ts'
import type { SecretEntry, StoreAccess } from './store-access.ts'

/** @throws NimctlError `usage` / `LOADER_STORE_UNSUPPORTED`, `SECRET_IN_URL`. */
export function storeAccess(uploaded: StorePlace): StoreAccess {
  const url = urlInCluster(uploaded)
  checkUrlHasNoSecret(url)
  const access = accessOf(kindOf(url), url, uploaded)
  return { ...access, ...common(access, uploaded) }
}

/** The prefix as pods call it. */
export function urlInCluster({ storeUrl, cacheUrl }: StorePlace): URL {
  return storeUrl ?? cacheUrl
}

function kindOf({ protocol, hostname }: URL): string {
  return protocol === 'https:' && isAzureHost(hostname) ? 'az:' : protocol
}

function accessOf(kind: string, url: URL, uploaded: StorePlace): StoreAccess {
  switch (kind) {
    case 's3:':
      return s3Access(uploaded)
    case 'gs:':
      return gsAccess(uploaded)
    case 'az:':
      return azureAccess(url, uploaded)
    case 'hdfs:':
    case 'webhdfs:':
    case 'swebhdfs:':
      return hdfsAccess(url, uploaded)
    case 'http:':
    case 'https:':
      return httpsAccess(url, uploaded)
    case 'file:':
      return fileAccess(url)
    default:
      throw new NimctlError('usage', 'LOADER_STORE_UNSUPPORTED', {
        what: `The loader can't read ${url.protocol}//.`,
        why: 'It reads s3, gs, az, hdfs, webhdfs, swebhdfs, and https.',
        next: 'Name the prefix as the cluster calls it: --store-url s3://BUCKET/PREFIX',
      })
  }
}

/** What every store over TLS has. */
function common({ flags, secret, warnings }: StoreAccess, { storeSettings = {} }: StorePlace): Partial<StoreAccess> {
  const { clientCertificate, insecureSkipTlsVerify, caFile, caConfigMap } = storeSettings
  const { entries, howToMake } = secret
  const unchecked = insecureSkipTlsVerify === true
  return {
    flags: [...flags, ...(unchecked ? ['--insecure-skip-tls-verify'] : [])],
    secret:
      clientCertificate === true
        ? { entries: [...entries, ...certificateEntries], howToMake: `${howToMake} ${certificateFiles}`.trim() }
        : secret,
    warnings: [
      ...warnings,
      ...(unchecked ? ['The loader does not check TLS certificates (--insecure-skip-tls-verify).'] : []),
      ...(caFile === true && caConfigMap === undefined ? [caWarning] : []),
    ],
  }
}

/** The keys of a Secret of type kubernetes.io/tls. */
const certificateEntries: readonly SecretEntry[] = [
  { key: 'tls.crt', variable: loaderContract.contents.clientCertificate, required: true },
  { key: 'tls.key', variable: loaderContract.contents.clientKey, required: true },
]

const certificateFiles = '--from-file=tls.crt=CERTIFICATE --from-file=tls.key=KEY'

const caWarning =
  'The store was read here with a CA of its own; the loader trusts it where --store-ca names a ConfigMap with it.'
