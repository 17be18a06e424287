import { errorCode, errorMessage, NimctlError } from '../../system/errors.ts'
import { parseRetryAfter } from '../../system/http/retry-after.ts'
import { numberAt, textAt } from '../../system/json.ts'
import { sanitize } from '../../system/secret.ts'
import type { Known } from '../http/error-table.ts'
import { skewWords, storeError, type Words, wordsForAll } from '../http/store-error.ts'
import { lookUp } from './error-table.ts'

/** What was asked of whom, for the error's sentences. */
export interface Asked {
  /** As in a policy: `PutObject`. */
  action: string
  bucket: string
  /** In the bucket; absent where the request is about the bucket. */
  key?: string | undefined
  endpoint: string
  region: string
}

/** @returns the error itself where it is not one of the store or the network: then it is a bug. */
export function translateS3Error(error: unknown, asked: Asked): unknown {
  if (error instanceof NimctlError) return error
  const seen = readError(error)
  const known = asked.key === undefined ? ofBucket(lookUp(seen)) : lookUp(seen)
  if (known === undefined) return seen.status === undefined ? error : notUnderstood(error, asked)
  return storeError(known, words(known, seen, asked), { retryAfterMs: seen.retryAfterMs, cause: error })
}

/** Nothing but the bucket was asked for. */
function ofBucket(known: Known | undefined): Known | undefined {
  return known?.code === 'OBJECT_NOT_FOUND' ? { ...known, code: 'BUCKET_NOT_FOUND' } : known
}

interface Seen {
  name: string
  status?: number
  systemCode?: string
  message: string
  region?: string
  serverTime?: string
  retryAfterMs?: number
}

function words(known: Known, seen: Seen, asked: Asked): Words {
  const target = `s3://${asked.bucket}${asked.key === undefined ? '' : `/${asked.key}`}`
  const failed = `${asked.action} failed on ${target}.`
  return (
    sentences[known.code]?.(seen, asked, target) ??
    wordsForAll(known.code, { ...seen, server: asked.endpoint, target, failed, said: said(seen) })
  )
}

/** By code of ours. Others say which action failed on what, and the server's words. */
const sentences: Record<string, (seen: Seen, asked: Asked, target: string) => Words> = {
  BUCKET_NOT_FOUND: (_, { bucket, endpoint }) => ({
    what: `There is no bucket "${bucket}" at ${endpoint}.`,
    next: 'Look at the name and at --endpoint-url. nimctl makes no buckets.',
  }),
  OBJECT_NOT_FOUND: (_, { endpoint }, target) => ({ what: `There is no ${target} at ${endpoint}.` }),
  UPLOAD_GONE: (_, __, target) => ({
    what: `The begun upload of ${target} is no longer there.`,
    why: 'It was completed, aborted, or cleaned up.',
    next: 'Run the same command again: it begins a new one.',
  }),
  ACCESS_DENIED: (seen, { action }, target) => ({
    what: `These credentials may not do s3:${permissionOf(action)} on ${target}.`,
    why: said(seen),
    next: `Have s3:${permissionOf(action)} permitted, or use other credentials (--aws-profile).`,
  }),
  CREDENTIALS_REFUSED: (seen, { endpoint }) => ({
    what: `${endpoint} does not accept these credentials.`,
    why: said(seen),
    next: 'Look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or --aws-profile.',
  }),
  CREDENTIALS_EXPIRED: (seen, { endpoint }) => ({
    what: `The credentials for ${endpoint} have expired.`,
    why: said(seen),
    next: 'Renew them, then run the same command again: what is finished is kept.',
  }),
  WRONG_REGION: (seen, { bucket, region }) => ({
    what: `The bucket "${bucket}" is not in the region ${region}.`,
    why: seen.region === undefined ? said(seen) : `It is in ${seen.region}.`,
    next: `Name its region: --region ${seen.region ?? 'REGION'}`,
  }),
  CLOCK_SKEW: ({ serverTime }, { endpoint }) => skewWords(endpoint, Date.parse(serverTime ?? '')),
  STORE_UNREACHABLE: (seen, { action, endpoint }) => ({
    what: `${endpoint} could not be reached, or the connection broke (${action}).`,
    why: `${seen.systemCode ?? seen.name}: ${seen.message}`,
    next: 'Look at the address (--endpoint-url) and the network, then run the same command again.',
  }),
  OBJECT_ARCHIVED: (seen, _, target) => ({
    what: `${target} is archived and can't be read or copied.`,
    why: said(seen),
    next: 'Restore it with: aws s3api restore-object',
  }),
}

/** What the policy calls it, where that differs from the request's name. */
function permissionOf(action: string): string {
  return permissions[action] ?? action
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html */
const permissions: Record<string, string> = {
  HeadObject: 'GetObject',
  ListObjectsV2: 'ListBucket',
  ListMultipartUploads: 'ListBucketMultipartUploads',
  ListParts: 'ListMultipartUploadParts',
  CopyObject: 'GetObject and s3:PutObject',
  UploadPartCopy: 'GetObject and s3:PutObject',
  CreateMultipartUpload: 'PutObject',
  UploadPart: 'PutObject',
  CompleteMultipartUpload: 'PutObject',
}

function said({ name, status, message }: Seen): string {
  return `The server says ${name}${status === undefined ? '' : ` (${status})`}: ${message}`
}

function notUnderstood(error: unknown, { action, endpoint }: Asked): NimctlError {
  return new NimctlError('unavailable', 'STORE_ANSWER_NOT_UNDERSTOOD', {
    what: `${endpoint} did not answer ${action} as an S3 server does.`,
    why: sanitize(errorMessage(error)).slice(0, 300),
    next: 'Look at --endpoint-url: is it the address of the S3 service itself?',
    mend: 'not',
    cause: error,
  })
}

export function readError(error: unknown): Seen {
  const region = textAt(error, '$response', 'headers', 'x-amz-bucket-region') ?? textAt(error, 'Region')
  const status = numberAt(error, '$metadata', 'httpStatusCode')
  const systemCode = errorCode(error)
  const retryAfterMs = parseRetryAfter(textAt(error, '$response', 'headers', 'retry-after'))
  const serverTime = textAt(error, 'ServerTime') ?? textAt(error, '$response', 'headers', 'date')
  return {
    name: textAt(error, 'name') ?? '',
    message: sanitize(errorMessage(error)).trim(),
    ...(status === undefined ? {} : { status }),
    ...(systemCode === undefined ? {} : { systemCode }),
    ...(region === undefined ? {} : { region }),
    ...(serverTime === undefined ? {} : { serverTime }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}
