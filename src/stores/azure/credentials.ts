import { createSecretKey, type KeyObject } from 'node:crypto'

import type { TokenCredential } from '@azure/identity'

import { NimctlError } from '../../system/errors.ts'
import type { Secret } from '../../system/secret.ts'
import type { Location } from './location.ts'
import type { AccountSettings } from './settings.ts'
import { sharedKeyAuthorization, type Signable } from './sign.ts'

/** How requests say who makes them. */
export type Credential =
  | { type: 'key'; account: string; key: KeyObject }
  | { type: 'sas'; sas: Secret }
  | { type: 'token'; read: () => Promise<string>; forget: () => void }
  | { type: 'none' }

/**
 * A SAS in the URL, then the account's key, then a SAS of the environment, then whatever identity is found
 * (`DefaultAzureCredential`). Key and SAS of another account than the URL's stay unused.
 */
export function chooseCredential(location: Location, settings: AccountSettings, signRequests: boolean): Credential {
  if (!signRequests) return { type: 'none' }
  if (location.sas !== undefined) return { type: 'sas', sas: location.sas }
  if (settings.account === undefined || settings.account === location.account) {
    if (settings.key !== undefined) {
      const key = createSecretKey(settings.key.unwrap(), 'base64')
      return { type: 'key', account: location.account, key }
    }
    if (settings.sasToken !== undefined) return { type: 'sas', sas: settings.sasToken }
  }
  return identity(location)
}

/** Puts it into a request. @returns what is to stand behind the query of its own, where that is how it is said. */
export async function authorize(
  credential: Credential,
  { method, path, query, headers }: Signable & { headers: Record<string, string> },
): Promise<string> {
  switch (credential.type) {
    case 'key':
      headers['authorization'] = sharedKeyAuthorization(
        { method, path, query, headers },
        credential.account,
        credential.key,
      )
      return ''
    case 'token':
      headers['authorization'] = `Bearer ${await credential.read()}`
      return ''
    case 'sas':
      return queryOf(credential.sas)
    case 'none':
      return ''
  }
}

/** The portal shows it with a question mark in front, the command line without. */
export function queryOf(sas: Secret): string {
  return sas.unwrap().replace(/^\?/, '')
}

/** When a SAS ends, in milliseconds since 1970. One that follows a stored policy does not say. */
export function endOfSas(credential: Credential): number | undefined {
  if (credential.type !== 'sas') return undefined
  const end = Date.parse(new URLSearchParams(credential.sas.unwrap()).get('se') ?? '')
  return Number.isNaN(end) ? undefined : end
}

/** The same for all clouds: which one it is, AZURE_AUTHORITY_HOST says. */
const scope = 'https://storage.azure.com/.default'

/** Tokens are good for an hour and more. One that ends soon might end on the way. */
const renewBeforeMs = 120_000

function identity({ endpoint }: Location): Credential {
  if (!endpoint.secure) {
    throw new NimctlError('usage', 'TOKEN_NEEDS_TLS', {
      what: `A token can't be sent to ${endpoint.name}: the connection is not encrypted.`,
      next: 'Use https, or an account key or SAS (AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN).',
    })
  }
  let credential: TokenCredential | undefined
  let token: Promise<string> | undefined
  let renewAtMs = Number.POSITIVE_INFINITY
  const forget = () => {
    token = undefined
    renewAtMs = Number.POSITIVE_INFINITY
  }
  const fetchToken = async () => {
    const { DefaultAzureCredential } = await import('@azure/identity')
    credential ??= new DefaultAzureCredential({ retryOptions: { maxRetries: 0 } })
    const fetched = await credential.getToken(scope)
    if (fetched === null) throw new TypeError('DefaultAzureCredential gave no token.')
    renewAtMs = fetched.expiresOnTimestamp - renewBeforeMs
    return fetched.token
  }
  return {
    type: 'token',
    forget,
    async read() {
      if (Date.now() >= renewAtMs) forget()
      // Requests that begin together wait for one token.
      token ??= fetchToken().catch((error: unknown) => {
        forget()
        throw error
      })
      return await token
    },
  }
}
