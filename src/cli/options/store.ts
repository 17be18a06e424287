import { Option, type Command } from 'commander'

import type { FileSettings } from '../../stores/file/settings.ts'
import type { GsSettings } from '../../stores/gs/settings.ts'
import type { HttpsSettings } from '../../stores/https/settings.ts'
import type { StoreOptions } from '../../stores/open.ts'
import type { S3Settings } from '../../stores/s3/settings.ts'
import type { Store } from '../../stores/store.ts'
import type { HdfsSettings } from '../../stores/webhdfs/settings.ts'
import type { ConnectionOptions } from '../../system/http/connections.ts'
import { secret } from '../../system/secret.ts'
import type { Context } from '../context.ts'
import { azureSettings, hadoopEnvironment, hdfsCaller, proxySettings } from '../settings.ts'
import {
  parseBlockSize,
  parseCount,
  parseList,
  parseOwner,
  parsePermission,
  parseRetries,
  parseTagging,
  parseWebhdfsUrls,
} from './values.ts'

export interface StoreFlags extends S3Settings {
  config?: string
  endpointUrl?: string
  region?: string
  awsProfile?: string
  pathStyle?: boolean
  signRequest: boolean
  billingProject?: string
  impersonateServiceAccount?: string[]
  webhdfsUrl?: URL[]
  hdfsClient?: true
  hdfsTokenFile?: string
  hdfsOwner?: string
  hdfsPermission?: string
  hdfsReplication?: number
  hdfsBlockSize?: number
  clientCertificate?: string
  clientKey?: string
  headerFile?: string
  hardLinks?: true
  caFile?: string
  insecureSkipTlsVerify?: true
  retries: number
  concurrency?: number
}

/** Requests in flight where nothing is measured. */
export const usualConcurrency = 16

const heading = 'Store:'

/** Flags of every command that talks to a store. What the command has already, such as for registries, it has once. */
export function addStoreOptions(command: Command): Command {
  const options = [
    new Option(
      '--endpoint-url <url>',
      "of another S3 service than Amazon's (AWS_ENDPOINT_URL), gs than Google's, or of an Azure account",
    ),
    new Option('--region <name>', 'of the bucket (AWS_REGION)'),
    new Option('--aws-profile <name>', 'profile of the AWS configuration (AWS_PROFILE)'),
    new Option('--path-style', 'ask for endpoint/bucket/key (default with --endpoint-url)'),
    new Option('--no-path-style', 'ask for bucket.endpoint/key'),
    new Option('--no-sign-request', 'use no credentials, for public buckets'),
    new Option('--request-payer <who>', 'who pays in a requester-pays bucket (s3)').choices(['requester']),
    new Option('--billing-project <id>', 'Google project that pays for requests (gs)').env(
      'CLOUDSDK_BILLING_QUOTA_PROJECT',
    ),
    new Option('--impersonate-service-account <emails>', 'act as this Google account; by way of others before it (gs)')
      .argParser(parseList)
      .env('CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT'),
    new Option(
      '--webhdfs-url <urls>',
      'namenodes, HttpFS or Knox: http://host:9870, with commas between (hdfs)',
    ).argParser(parseWebhdfsUrls),
    new Option(
      '--hdfs-client',
      'by the installed program hdfs: where only RPC is open, or Kerberos is asked for (hdfs)',
    ).conflicts(['webhdfsUrl', 'hdfsTokenFile']),
    new Option('--hdfs-token-file <file>', 'delegation token (NIMCTL_HDFS_TOKEN) instead of HADOOP_USER_NAME (hdfs)'),
    new Option('--hdfs-owner <user:group>', 'of new files; also :group (default: who asks) (hdfs)').argParser(
      parseOwner,
    ),
    new Option('--hdfs-permission <octal>', "of new files (default: the cluster's) (hdfs)").argParser(parsePermission),
    new Option('--hdfs-replication <n>', "copies of each block (default: the cluster's) (hdfs)").argParser(parseCount),
    new Option('--hdfs-block-size <size>', 'of new files, and of a part at least (default: 64Mi) (hdfs)').argParser(
      parseBlockSize,
    ),
    new Option('--header-file <file>', 'headers for every request, one a line (https)').env('NIMCTL_HTTP_HEADER_FILE'),
    new Option('--client-certificate <file>', 'in PEM, for a server that asks who you are'),
    new Option('--client-key <file>', 'its key, in PEM'),
    new Option('--ca-file <file>', "certificates in PEM to trust beside the system's").env('NIMCTL_CA_FILE'),
    new Option('--insecure-skip-tls-verify', 'do not check TLS certificates'),
    new Option(
      '--config <file>',
      'nimctl.yaml with the stores that are named as @NAME/PREFIX (default: the one here)',
    ).env('NIMCTL_CONFIG'),
    new Option('--retries <n>', 'tries after the first').default(8).argParser(parseRetries).env('NIMCTL_RETRIES'),
    new Option('--concurrency <n>', 'requests in flight (default: as many as help)')
      .argParser(parseCount)
      .env('NIMCTL_CONCURRENCY'),
  ]
  const known = new Set(command.options.map(({ long }) => long))
  for (const option of options) if (!known.has(option.long)) command.addOption(option.helpGroup(heading))
  return command
}

/** Flags of commands that write objects, beside those of `addStoreOptions`. */
export function addWritingOptions(command: Command): Command {
  const options = [
    new Option('--sse <how>', 'how the server encrypts objects (s3)').choices(['AES256', 'aws:kms']),
    new Option('--sse-kms-key-id <id>', 'key or ARN for --sse aws:kms (s3)').implies({ sse: 'aws:kms' }),
    new Option('--storage-class <name>', 'of objects, such as INTELLIGENT_TIERING (s3)'),
    new Option('--tagging <tags>', 'of objects: "team=ml&stage=prod" (s3)').argParser(parseTagging),
    new Option('--hard-links', 'for --links copy: who changes a blob changes the snapshot too (file)'),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

/** Opens a store as the flags say, with retries around it. Read-only commands can't change anything through it. */
export async function openFlaggedStore(
  url: URL,
  flags: StoreFlags,
  { context, readOnly = false }: { context: Context; readOnly?: boolean },
): Promise<Store> {
  const { openStore } = await import('../../stores/open.ts')
  const { withRetry } = await import('../../stores/retry.ts')
  const { withTrace } = await import('../../stores/trace.ts')
  const { defaultRetryPolicy, retrying } = await import('../../system/retry.ts')
  const { endpointUrl, region, awsProfile, pathStyle, signRequest, retries, insecureSkipTlsVerify } = flags
  if (insecureSkipTlsVerify === true) {
    const message = `TLS certificates are not checked (--insecure-skip-tls-verify): anybody on the way could answer for ${url.host}.`
    context.report({ event: 'warning', code: 'TLS_NOT_VERIFIED', message })
  }
  const policy = { ...defaultRetryPolicy, maxRetries: retries }
  const storeOptions: StoreOptions = {
    ...(endpointUrl !== undefined && { endpointUrl }),
    ...(region !== undefined && { region }),
    ...(awsProfile !== undefined && { awsProfile }),
    ...(pathStyle !== undefined && { pathStyle }),
    signRequests: signRequest,
    ...storeConnections(flags, context.env),
    file: fileSettings(flags, { context, url }),
    gs: gsSettings(flags, context.env),
    hdfs: hdfsSettings(flags, context),
    https: httpsSettings(flags, context.env),
    s3: s3Settings(flags),
    azure: azureSettings(context.env),
    signal: context.signal,
    readOnly,
  }
  const attempt = retrying(policy, context.report)
  const store = await attempt(`open ${url.host}`, context.signal, () => openStore(url, storeOptions))
  return withRetry(withTrace(store, context.report), policy, context.report)
}

/** How the flags have servers of stores connected to. */
export function storeConnections(flags: StoreFlags, env: Context['env']): ConnectionOptions {
  const { clientCertificate, clientKey, caFile, insecureSkipTlsVerify } = flags
  return {
    ...proxySettings(env),
    ...(clientCertificate !== undefined && { clientCertificate }),
    ...(clientKey !== undefined && { clientKey }),
    ...(caFile !== undefined && { caFile }),
    ...(insecureSkipTlsVerify === true && { insecureSkipTlsVerify }),
  }
}

/** Where a store's server is asked without the store's own client; absent where that is not over HTTP. */
export function serverOf(url: URL, flags: StoreFlags, env: Context['env']): URL | undefined {
  const { endpointUrl, webhdfsUrl } = flags
  switch (url.protocol) {
    case 's3:': {
      const endpoint = endpointUrl ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL
      return URL.parse(`/${url.host}`, endpoint ?? 'https://s3.amazonaws.com') ?? undefined
    }
    case 'gs:':
      return URL.parse(endpointUrl ?? env.STORAGE_EMULATOR_HOST ?? 'https://storage.googleapis.com') ?? undefined
    case 'webhdfs:':
      return webhdfsUrl?.[0] ?? new URL(`http://${url.host}`)
    case 'swebhdfs:':
      return webhdfsUrl?.[0] ?? new URL(`https://${url.host}`)
    case 'hdfs:':
      return webhdfsUrl?.[0]
    case 'http:':
    case 'https:':
      return URL.parse(endpointUrl ?? url.origin) ?? undefined
    default:
      return undefined
  }
}

function s3Settings({ requestPayer, sse, sseKmsKeyId, storageClass, tagging }: StoreFlags): S3Settings {
  return {
    ...(requestPayer !== undefined && { requestPayer }),
    ...(sse !== undefined && { sse }),
    ...(sseKmsKeyId !== undefined && { sseKmsKeyId }),
    ...(storageClass !== undefined && { storageClass }),
    ...(tagging !== undefined && { tagging }),
  }
}

function fileSettings({ hardLinks }: StoreFlags, { context, url }: { context: Context; url: URL }): FileSettings {
  if (hardLinks !== true) return {}
  const onNoHardLinks = (why: string) => {
    const message = `${url.href} can't have all the hard links: the rest is copied. ${why}`
    context.report({ event: 'warning', code: 'HARD_LINKS_IMPOSSIBLE', message })
  }
  return { hardLinks, onNoHardLinks }
}

function gsSettings({ billingProject, impersonateServiceAccount }: StoreFlags, env: Context['env']): GsSettings {
  return {
    ...(env.STORAGE_EMULATOR_HOST !== undefined && { emulatorHost: env.STORAGE_EMULATOR_HOST }),
    ...(billingProject !== undefined && { billingProject }),
    ...(impersonateServiceAccount !== undefined && { impersonate: impersonateServiceAccount }),
  }
}

function hdfsSettings(flags: StoreFlags, { env, report }: Context): HdfsSettings {
  const { webhdfsUrl, hdfsClient, hdfsTokenFile, hdfsOwner, hdfsPermission, hdfsReplication, hdfsBlockSize } = flags
  return {
    ...hdfsCaller(env, hdfsTokenFile),
    ...(env.HADOOP_CONF_DIR && { configurationDirectory: env.HADOOP_CONF_DIR }),
    ...(webhdfsUrl !== undefined && { webhdfsUrls: webhdfsUrl }),
    ...(hdfsClient === true && { clientEnvironment: hadoopEnvironment(env) }),
    ...(hdfsOwner !== undefined && { owner: hdfsOwner }),
    ...(hdfsPermission !== undefined && { permission: hdfsPermission }),
    ...(hdfsReplication !== undefined && { replication: hdfsReplication }),
    ...(hdfsBlockSize !== undefined && { blockSize: hdfsBlockSize }),
    onWay: line => report({ event: 'log', source: 'hdfs', line }),
  }
}

function httpsSettings({ headerFile }: StoreFlags, env: Context['env']): HttpsSettings {
  const username = env.NIMCTL_HTTP_USERNAME
  const password = env.NIMCTL_HTTP_PASSWORD
  const token = env.NIMCTL_HTTP_TOKEN
  const tokenFile = env.NIMCTL_HTTP_TOKEN_FILE
  return {
    ...(username && { username }),
    ...(password && { password: secret(password) }),
    ...(token && { token: secret(token) }),
    ...(tokenFile && { tokenFile }),
    ...(headerFile !== undefined && { headerFile }),
  }
}
