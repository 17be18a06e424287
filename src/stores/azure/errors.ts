import { errorCode, errorMessage, NimctlError } from '../../system/errors.ts'
import { parseRetryAfter } from '../../system/http/retry-after.ts'
import { sanitize } from '../../system/secret.ts'
import type { Known } from '../http/error-table.ts'
import { skewWords, storeError, type Words, wordsForAll } from '../http/store-error.ts'
import { type Failure, isFailure } from './answer.ts'
import { lookUpAzure } from './error-table.ts'

/** What was asked of whom, for the error's sentences. */
export interface Asked {
  /** As the service's documentation calls it: `Put Blob`. */
  action: string
  azureContainer: string
  /** In the container; absent where the request is about the container. */
  key?: string | undefined
  endpoint: string
  credential: 'key' | 'sas' | 'token' | 'none'
  /** When the SAS ends, in milliseconds since 1970. */
  sasEndMs?: number | undefined
  /** The service has taken this token before. */
  tokenWasGood?: boolean
}

/** @returns the error itself where it is not one of the store or the network: then it is a bug. */
export function translateAzureError(error: unknown, asked: Asked): unknown {
  if (error instanceof NimctlError) return error
  const seen = readError(error)
  const known = knownOf(seen, asked)
  if (known === undefined) return seen.status === undefined ? error : notUnderstood(seen, asked)
  return storeError(known, words(known, seen, asked), {
    retryAfterMs: parseRetryAfter(seen.retryAfter),
    cause: error,
  })
}

interface Seen extends Partial<Pick<Failure, 'status' | 'serverMs' | 'retryAfter'>> {
  name: string
  systemCode?: string
  message: string
}

function readError(error: unknown): Seen {
  const name = error instanceof Error ? error.name : ''
  const systemCode = errorCode(error)
  const { status, serverMs, retryAfter } = isFailure(error) ? error : { status: statusOfUnread(error) }
  return {
    name,
    message: sanitize(messageOf(error)).trim(),
    ...(systemCode === undefined ? {} : { systemCode }),
    ...(status === undefined ? {} : { status }),
    ...(serverMs === undefined ? {} : { serverMs }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  }
}

/** An answer that Azure's client could not parse. */
function statusOfUnread(error: unknown): number | undefined {
  if (errorCode(error) !== 'PARSE_ERROR' || !(error instanceof Error) || !('statusCode' in error)) return undefined
  return typeof error.statusCode === 'number' ? error.statusCode : undefined
}

/** DefaultAzureCredential tells of every source that it tried, a page each: of each the first sentence. */
function messageOf(error: unknown): string {
  const errors = error instanceof Error && 'errors' in error && Array.isArray(error.errors) ? error.errors : []
  if (errors.length === 0) return errorMessage(error)
  return errors.map(each => errorMessage(each).split(/\.\s|\n/)[0]).join('; ')
}

/** The service refuses what expired, and what comes from another time, as it refuses a wrong key. */
function knownOf(seen: Seen, asked: Asked): Known | undefined {
  const known = ofContainer(lookUpAzure(seen), asked)
  if (seen.status !== 401 && seen.status !== 403) return known
  const nowMs = seen.serverMs ?? Date.now()
  if (asked.sasEndMs !== undefined && asked.sasEndMs <= nowMs) return sasExpired
  if (asked.credential === 'token' && seen.status === 401 && asked.tokenWasGood === true) return tokenExpired
  if (asked.credential === 'key' && Math.abs(nowMs - Date.now()) > toleratedSkewMs) return clockSkew
  return known
}

/** A token of the environment stays what it is. */
const sasExpired: Known = { category: 'auth', code: 'CREDENTIALS_EXPIRED', mend: 'not' }
const tokenExpired: Known = { category: 'auth', code: 'CREDENTIALS_EXPIRED', mend: 'new-credentials' }
// The next request is signed with the service's time (session.ts).
const clockSkew: Known = { category: 'local', code: 'CLOCK_SKEW', mend: 'same' }

/** https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key: within 15 minutes. */
const toleratedSkewMs = 14 * 60_000

/** Nothing but the container was asked for. */
function ofContainer(known: Known | undefined, { key }: Asked): Known | undefined {
  return key === undefined && known?.code === 'OBJECT_NOT_FOUND' ? { ...known, code: 'BUCKET_NOT_FOUND' } : known
}

function words(known: Known, seen: Seen, asked: Asked): Words {
  const target = `${asked.endpoint}/${asked.azureContainer}${asked.key === undefined ? '' : `/${asked.key}`}`
  const failed = `${asked.action} failed on ${target}.`
  return (
    sentences[known.code]?.(seen, asked, target) ??
    wordsForAll(known.code, { ...seen, server: asked.endpoint, target, failed, said: said(seen) })
  )
}

/** By code of ours. Others say which action failed on what, and the service's words. */
const sentences: Record<string, (seen: Seen, asked: Asked, target: string) => Words> = {
  BUCKET_NOT_FOUND: (_, { azureContainer, endpoint }) => ({
    what: `There is no container "${azureContainer}" at ${endpoint}.`,
    next: 'Look at the name and at the account. nimctl makes no containers.',
  }),
  OBJECT_NOT_FOUND: (_, __, target) => ({ what: `There is no ${target}.` }),
  UPLOAD_GONE: (seen, _, target) => ({
    what: `The begun upload of ${target} is no longer there.`,
    why: said(seen),
    next: 'Run the same command again: it begins a new one.',
  }),
  BLOCKS_OF_ANOTHER_TOOL: (seen, _, target) => ({
    what: `Another tool has begun an upload of ${target}, which keeps nimctl from sending it in blocks.`,
    why: said(seen),
    next: 'End that upload or remove the object. What nobody goes on with, Azure removes after a week.',
  }),
  TOO_MANY_BLOCKS: (seen, _, target) => ({
    what: `Too many blocks were left behind under ${target}.`,
    why: said(seen),
    next: 'Use another prefix. What nobody goes on with, Azure removes after a week.',
  }),
  OBJECT_ARCHIVED: (seen, _, target) => ({
    what: `${target} lies in the archive tier and can't be read.`,
    why: said(seen),
    next: 'Have it brought back: az storage blob set-tier --tier Hot',
  }),
  ACCESS_DENIED: (seen, { action, credential }, target) => ({
    what: `${credentialNames[credential]} may not do ${action} on ${target}.`,
    why: said(seen),
    next: nextForDenied(seen, credential),
  }),
  CREDENTIALS_REFUSED: (seen, { endpoint, credential }) => ({
    what: `${endpoint} does not accept ${credentialNames[credential].toLowerCase()}.`,
    why: said(seen),
    next: wheres[credential],
  }),
  CREDENTIALS_EXPIRED: (seen, { endpoint, credential, sasEndMs }) => ({
    what: `${credentialNames[credential]} for ${endpoint} has expired.`,
    why: sasEndMs === undefined ? said(seen) : `It was good until ${new Date(sasEndMs).toISOString()}.`,
    next: 'Renew it, then run the same command again: what is finished is kept.',
  }),
  CREDENTIALS_MISSING: (seen, { endpoint }) => ({
    what: `No credentials were found for ${endpoint}.`,
    why: seen.message,
    next: 'Set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or log in: az login',
  }),
  CLOCK_SKEW: ({ serverMs }, { endpoint }) => skewWords(endpoint, serverMs ?? Number.NaN),
  STORE_UNREACHABLE: (seen, { action, endpoint }) => ({
    what: `${endpoint} could not be reached, or the connection broke (${action}).`,
    why: `${seen.systemCode ?? seen.name}: ${seen.message}`,
    next: 'Look at the account in the address and at the network, then run the same command again.',
  }),
}

const credentialNames = {
  key: 'The account key',
  sas: 'The SAS',
  token: 'This identity',
  none: 'An anonymous request',
} as const

const wheres = {
  key: 'Look at AZURE_STORAGE_KEY or AZURE_STORAGE_CONNECTION_STRING: are they of this account?',
  sas: 'Look at the SAS in the URL or in AZURE_STORAGE_SAS_TOKEN: is it whole, and of this account?',
  token: 'Look at AZURE_TENANT_ID: is it the tenant of this account?',
  none: 'Leave out --no-sign-request.',
} as const

/** https://learn.microsoft.com/azure/storage/blobs/storage-auth-abac-attributes, and the letters of a SAS. */
function nextForDenied({ name }: Seen, credential: Asked['credential']): string {
  if (name === 'AuthorizationFailure') return 'Look at the firewall of the account: it may not let this machine in.'
  if (name === 'LeaseIdMissing') return 'Another program holds a lease on it: have it released.'
  if (credential === 'sas') return 'Use a SAS with the permissions rl to read, racwdl to upload.'
  if (credential === 'token')
    return 'Have the role "Storage Blob Data Reader" given to read, "… Contributor" to upload.'
  return 'Use other credentials.'
}

function said({ name, status, message }: Seen): string {
  const code = [name, status === undefined ? '' : `(${status})`].filter(Boolean).join(' ')
  return `The service says ${code === '' ? 'nothing' : code}${message === '' ? '.' : `: ${message}`}`
}

function notUnderstood(seen: Seen, { action, endpoint }: Asked): NimctlError {
  return new NimctlError('unavailable', 'STORE_ANSWER_NOT_UNDERSTOOD', {
    what: `${endpoint} did not answer ${action} as the Blob service does.`,
    why: said({ ...seen, message: seen.message.slice(0, 300) }),
    next: 'Look at the address: is it that of the storage account?',
    mend: 'not',
  })
}
