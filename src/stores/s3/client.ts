import { readFile } from 'node:fs/promises'
import { getCACertificates } from 'node:tls'

import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'

import { errorMessage, NimctlError } from '../../system/errors.ts'
import type { StoreOptions } from '../open.ts'

export interface Client {
  readonly s3: S3Client
  /** As errors name it. */
  readonly endpoint: string
  readonly region: string
  /** Not one of the many servers that speak like it. */
  readonly amazon: boolean
}

/** What the SDK does itself and we don't want: its retries, its checksums in trailers, its hash over each body. */
export async function openClient(options: StoreOptions): Promise<Client> {
  const found = await readSettings(options)
  const s3 = new S3Client({
    ...found.identity,
    region: found.region,
    ...(found.endpointUrl === undefined ? {} : { endpoint: found.endpointUrl }),
    forcePathStyle: options.pathStyle ?? found.endpointUrl !== undefined,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    requestHandler: await connections(options),
    logger: quiet,
  })
  leavePayloadUnsigned(s3)
  const { region, endpointUrl = `https://s3.${region}.amazonaws.com` } = found
  return { s3, region, endpoint: endpointUrl, amazon: found.endpointUrl === undefined }
}

/** `code` of a NimctlError when the chain found nothing is `CREDENTIALS_MISSING`, at the first request. */
export async function renewCredentials({ s3 }: Client): Promise<void> {
  await s3.config.credentials({ forceRefresh: true })
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

/** A connection that stays silent this long is given up: a server may take minutes to put an object together. */
const silenceMs = 300_000
const connectMs = 10_000

async function connections(options: StoreOptions): Promise<NonNullable<S3ClientConfig['requestHandler']>> {
  const agent = { keepAlive: true, maxSockets: 64 }
  const tls = {
    ...(options.caFile === undefined
      ? {}
      : { ca: [...getCACertificates('default'), await readCaFile(options.caFile)] }),
    ...(options.insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
  }
  return {
    httpAgent: agent,
    httpsAgent: { ...agent, ...tls },
    connectionTimeout: connectMs,
    socketTimeout: silenceMs,
    logger: quiet,
  }
}

async function readCaFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new NimctlError('usage', 'CA_FILE_UNREADABLE', {
      what: `The file with CA certificates, ${path}, can't be read.`,
      why: errorMessage(error),
      cause: error,
    })
  }
}

/**
 * Each body carries a checksum in a signed header, so a SHA-256 over it proves nothing more and costs three times as
 * much. The signer takes the header as it finds it.
 */
function leavePayloadUnsigned(s3: S3Client): void {
  s3.middlewareStack.add(
    next => async args => {
      const { request } = args
      if (typeof request === 'object' && request !== null && 'headers' in request && 'body' in request) {
        if (request.body instanceof Uint8Array) setHeader(request.headers, 'x-amz-content-sha256', 'UNSIGNED-PAYLOAD')
      }
      return await next(args)
    },
    { step: 'build', name: 'leavePayloadUnsigned' },
  )
}

function setHeader(headers: unknown, name: string, value: string): void {
  if (typeof headers === 'object' && headers !== null) Object.assign(headers, { [name]: value })
}

/** The SDK would print its warnings. */
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }
