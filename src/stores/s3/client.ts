import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'

import { NimctlError } from '../../system/errors.ts'
import { connectMs, type Connections, longSilenceMs, openConnections } from '../../system/http/connections.ts'
import type { StoreOptions } from '../open.ts'
import { credentialsError } from './credentials-error.ts'

export interface Client {
  readonly s3: S3Client
  readonly connections: Connections
  /** Requests carry a signature. */
  readonly signed: boolean
  /** As errors name it. */
  readonly endpoint: string
  readonly region: string
  /** Not one of the many servers that speak like it. */
  readonly amazon: boolean
}

/** What the SDK does itself and we don't want: its retries, and its checksums in trailers. */
export async function openClient(options: StoreOptions): Promise<Client> {
  const found = await readSettings(options)
  const connections = await openConnections(options)
  const requestHandler = {
    ...connections,
    connectionTimeout: connectMs,
    socketTimeout: longSilenceMs,
    throwOnRequestTimeout: true,
    logger: quiet,
  }
  // The chain gives it to its clients of STS and SSO, so that they know our CA and proxy.
  const forChain = { clientConfig: { requestHandler, maxAttempts: 1 } }
  const s3 = new S3Client({
    ...found.identity,
    ...forChain,
    region: found.region,
    ...(found.endpointUrl === undefined ? {} : { endpoint: found.endpointUrl }),
    forcePathStyle: options.pathStyle ?? found.endpointUrl !== undefined,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler,
    logger: quiet,
  })
  const { region, endpointUrl = `https://s3.${region}.amazonaws.com` } = found
  const signed = options.signRequests !== false
  if (signed) explainCredentials(s3, { endpoint: endpointUrl, profile: options.awsProfile })
  return { s3, connections, signed, region, endpoint: endpointUrl, amazon: found.endpointUrl === undefined }
}

/** `code` of a NimctlError when the chain found nothing is `CREDENTIALS_MISSING`, at the first request. */
export async function renewCredentials({ s3 }: Client): Promise<void> {
  await s3.config.credentials({ forceRefresh: true })
}

/** An error of the chain leaves it translated, whoever asks for credentials: the SDK or we. */
function explainCredentials(s3: S3Client, asked: { endpoint: string; profile: string | undefined }): void {
  const found = s3.config.credentials
  const explained: typeof found = async options => {
    try {
      return await found(options)
    } catch (error) {
      throw credentialsError(error, asked)
    }
  }
  // It remembers them itself, so the SDK needs not.
  s3.config.credentials = Object.assign(explained, { memoized: true, configBound: true, attributed: true })
}

interface Settings {
  identity: S3ClientConfig
  region: string
  endpointUrl?: string
}

/** Flags first, then what the SDK finds in environment and profile (AWS_REGION, AWS_ENDPOINT_URL_S3, `region = …`). */
async function readSettings(options: StoreOptions): Promise<Settings> {
  // `ignoreCache` goes down to the reader of ~/.aws/credentials: files that are renewed while we run are read anew.
  const chain = { ignoreCache: true, ...(options.awsProfile === undefined ? {} : { profile: options.awsProfile }) }
  const identity: S3ClientConfig = options.signRequests === false ? anonymous : chain
  const { config } = new S3Client({ ...chain, logger: quiet })
  const endpointUrl = options.endpointUrl ?? (await config.serviceConfiguredEndpoint?.())
  if (endpointUrl !== undefined) checkEndpoint(endpointUrl)
  const region = options.region ?? (await config.region().catch(() => 'us-east-1'))
  return { identity, region, ...(endpointUrl === undefined ? {} : { endpointUrl }) }
}

const anonymous: S3ClientConfig = {
  credentials: { accessKeyId: '', secretAccessKey: '' },
  signer: { sign: async request => request },
}

function checkEndpoint(endpointUrl: string): void {
  if (/^https?:$/.test(URL.parse(endpointUrl)?.protocol ?? '')) return
  throw new NimctlError('usage', 'ENDPOINT_URL_INVALID', {
    what: `"${endpointUrl}" is not the address of a server.`,
    next: 'Write it as: --endpoint-url https://HOST:PORT',
  })
}

/** The SDK would print its warnings. */
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }
