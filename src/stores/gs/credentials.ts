import type { AuthClient } from 'google-auth-library'

import { errorMessage, NimctlError } from '../../system/errors.ts'
import type { Connections } from '../../system/http/connections.ts'
import { sanitize } from '../../system/secret.ts'

/** What proves to Google who asks. */
export interface Credentials {
  /** Headers of a request; a token is fetched when there is none that still counts. */
  headers(): Promise<Record<string, string>>
  /** Files and tokens are read anew for the next request. */
  forget(): void
  /** The account's name, as far as the credentials say it. */
  identity(): Promise<string | undefined>
}

export const anonymous: Credentials = {
  headers: async () => ({}),
  forget: () => {},
  identity: async () => undefined,
}

export interface CredentialOptions {
  /** Tokens that may change nothing. */
  readOnly: boolean
  /** As in the settings. */
  impersonate: readonly string[]
  connections: Connections
}

/**
 * Application default credentials (https://google.aip.dev/auth/4110): GOOGLE_APPLICATION_CREDENTIALS, what `gcloud auth
 * application-default login` left, or the machine's own service account. Nothing is read before the first request.
 */
export function defaultCredentials(options: CredentialOptions): Credentials {
  let found: Promise<AuthClient> | undefined
  return {
    async headers() {
      found ??= findClient(options).catch((error: unknown) => {
        // What can't be found now may be there later.
        found = undefined
        throw error
      })
      return Object.fromEntries(await (await found).getRequestHeaders())
    },
    forget: () => (found = undefined),
    async identity() {
      const client = options.impersonate.length > 0 ? undefined : await found
      return options.impersonate.at(-1) ?? (client === undefined ? undefined : accountOf(client))
    },
  }
}

/** A service account's key file and the machine's account name it; a person's own login does not. */
function accountOf(client: AuthClient): string {
  const email: unknown = 'email' in client ? client.email : undefined
  return typeof email === 'string' ? email : 'application default credentials'
}

const scopes = {
  reading: 'https://www.googleapis.com/auth/devstorage.read_only',
  writing: 'https://www.googleapis.com/auth/devstorage.read_write',
  /** Who lends an account asks another service. */
  lending: 'https://www.googleapis.com/auth/cloud-platform',
}

/** @throws NimctlError `auth` / `CREDENTIALS_MISSING`. */
async function findClient({ readOnly, impersonate, connections }: CredentialOptions): Promise<AuthClient> {
  const { GoogleAuth } = await import('google-auth-library')
  const scope = readOnly ? scopes.reading : scopes.writing
  const agent = (url: URL) => (url.protocol === 'https:' ? connections.httpsAgent : connections.httpAgent)
  const auth = new GoogleAuth({
    scopes: impersonate.length > 0 ? scopes.lending : scope,
    // No request names it. Else it would be looked for: by running gcloud, and by asking one more service of Google's.
    projectId: 'unused',
    clientOptions: { transporterOptions: { agent } },
  })
  const own = await auth.getClient().catch((error: unknown) => {
    throw credentialsMissing(error)
  })
  return impersonate.length > 0 ? await impersonated(own, impersonate, scope) : own
}

/** The library's own client for this warns on the console. */
export async function impersonated(own: AuthClient, accounts: readonly string[], scope: string): Promise<AuthClient> {
  const { OAuth2Client } = await import('google-auth-library')
  const client = new OAuth2Client()
  const url = `https://iamcredentials.${own.universeDomain}/v1/projects/-/serviceAccounts/${accounts.at(-1)}:generateAccessToken`
  const delegates = accounts.slice(0, -1).map(account => `projects/-/serviceAccounts/${account}`)
  // https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
  client.refreshHandler = async () => {
    const data = { scope: [scope], delegates, lifetime: '3600s' }
    const answer = await own.request<{ accessToken: string; expireTime: string }>({ url, method: 'POST', data })
    return { access_token: answer.data.accessToken, expiry_date: Date.parse(answer.data.expireTime) }
  }
  if (own.quotaProjectId !== undefined) client.quotaProjectId = own.quotaProjectId
  return client
}

function credentialsMissing(error: unknown): NimctlError {
  return new NimctlError('auth', 'CREDENTIALS_MISSING', {
    what: 'No credentials for Google Cloud Storage were found.',
    why: sanitize(errorMessage(error)),
    next: 'Run: gcloud auth application-default login, or name a key file in GOOGLE_APPLICATION_CREDENTIALS; --no-sign-request for a public bucket.',
    cause: error,
  })
}
