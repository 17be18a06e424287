import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { OAuth2Client } from 'google-auth-library'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { impersonated } from '../../src/stores/gs/credentials.ts'
import { openStore, type StoreOptions } from '../../src/stores/open.ts'
import { never, sumsOf } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'
import { type Said, type SeenRequest, type StandInGcs, startStandInGcs } from './stand-in-gcs.ts'

/** No service of Google's is asked in these tests: all of it goes to a stand-in on loopback. */
const token = '/token'
const impersonation = '/v1/projects/-/serviceAccounts/nim@p.iam.gserviceaccount.com:generateAccessToken'

let directory: string
let server: StandInGcs
let tokens: number
let say: (request: SeenRequest) => Said | undefined

useEnvironment({ METADATA_SERVER_DETECTION: 'none' })

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-gs-credentials-'))
  tokens = 0
  say = () => undefined
  server = await startStandInGcs(request => say(request) ?? google(request))
  vi.stubEnv('CLOUDSDK_CONFIG', directory)
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(directory, 'credentials.json'))
})
afterEach(async () => {
  server.stop()
  await rm(directory, { recursive: true })
})

function google({ path }: SeenRequest): Said {
  if (path === token) {
    const body = { access_token: `token-${++tokens}`, issued_token_type: 'x', token_type: 'Bearer', expires_in: 3600 }
    return { headers: { 'content-type': 'application/json' }, body }
  }
  if (path === impersonation) {
    const expireTime = new Date(Date.now() + 3_600_000).toISOString()
    return { headers: { 'content-type': 'application/json' }, body: { accessToken: 'lent', expireTime } }
  }
  return { body: { items: [] } }
}

/** Workload identity federation: the only kind of credentials that says where its tokens come from. */
async function writeCredentials(more: object = {}): Promise<void> {
  await writeFile(join(directory, 'subject'), 'who-i-am')
  const credentials = {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: server.endpoint + token,
    credential_source: { file: join(directory, 'subject') },
    ...more,
  }
  await writeFile(join(directory, 'credentials.json'), JSON.stringify(credentials))
}

const open = (options: StoreOptions = {}) =>
  openStore(new URL('gs://models/p'), { endpointUrl: server.endpoint, ...options })

const proofs = () =>
  server.seen.filter(({ path }) => path.startsWith('/storage/')).map(({ headers }) => headers.authorization)
const scopes = () =>
  server.seen.filter(({ path }) => path === token).map(({ body }) => new URLSearchParams(String(body)).get('scope'))

describe('application default credentials', () => {
  it('get one token, which goes with every request', async () => {
    await writeCredentials()
    const store = await open()
    await store.list('', undefined, never)
    await store.stat('key', never)
    expect(proofs()).toEqual(['Bearer token-1', 'Bearer token-1'])
    expect(scopes()).toEqual(['https://www.googleapis.com/auth/devstorage.read_write'])
  })

  it('get a token that can change nothing where nothing is to be changed', async () => {
    await writeCredentials()
    await (await open({ readOnly: true })).list('', undefined, never)
    expect(scopes()).toEqual(['https://www.googleapis.com/auth/devstorage.read_only'])
  })

  it('are read anew after a refusal', async () => {
    await writeCredentials()
    const store = await open()
    say = ({ headers }) => (headers.authorization === 'Bearer token-1' ? { status: 401 } : undefined)
    await expect(store.list('', undefined, never)).rejects.toMatchObject({
      category: 'auth',
      code: 'CREDENTIALS_EXPIRED',
      mend: 'new-credentials',
    })
    await store.list('', undefined, never)
    expect(proofs()).toEqual(['Bearer token-1', 'Bearer token-2'])
  })

  it('may have ended', async () => {
    await writeCredentials()
    const body = { error: 'invalid_grant', error_description: 'The token is too old: who-i-am' }
    say = ({ path }) =>
      path === token ? { status: 400, headers: { 'content-type': 'application/json' }, body } : undefined
    const refused = (await open()).list('', undefined, never)
    await expect(refused).rejects.toMatchObject({ category: 'auth', code: 'CREDENTIALS_EXPIRED', mend: 'not' })
    expect(proofs()).toEqual([])
  })

  it('may be missing, and are looked for again', async () => {
    const store = await open()
    const missing = { category: 'auth', code: 'CREDENTIALS_MISSING', next: expect.stringContaining('gcloud auth') }
    await expect(store.list('', undefined, never)).rejects.toMatchObject(missing)
    await writeCredentials()
    await store.list('', undefined, never)
    expect(proofs()).toEqual(['Bearer token-1'])
  })

  it('may lend from a service account that their file names', async () => {
    await writeCredentials({ service_account_impersonation_url: server.endpoint + impersonation })
    await (await open()).list('', undefined, never)
    expect(proofs()).toEqual(['Bearer lent'])
  })

  it('are not shown to an emulator, nor with --no-sign-request', async () => {
    await writeCredentials()
    const url = new URL('gs://models/p')
    await (await openStore(url, { gs: { emulatorHost: server.endpoint } })).list('', undefined, never)
    await (await open({ signRequests: false })).list('', undefined, never)
    expect(proofs()).toEqual([undefined, undefined])
    expect(tokens).toBe(0)
  })
})

it('names the project that pays in every request', async () => {
  await writeCredentials({ quota_project_id: 'of-the-file' })
  const store = await open({ gs: { billingProject: 'payer' } })
  await store.list('', undefined, never)
  await store.remove('key', never)
  await store.put('key', Buffer.from('x'), sumsOf(Buffer.from('x')), never)
  say = ({ path }) => (path.includes('/rewriteTo/') ? { body: { done: true, resource: { size: '1' } } } : undefined)
  await store.copy('key', 'copy', never)
  const asked = server.seen.filter(({ path }) => path !== token)
  expect(asked.map(({ query }) => query.userProject)).toEqual(['payer', 'payer', 'payer', 'payer'])
  expect(asked.map(({ headers }) => headers.authorization)).toEqual(asked.map(() => 'Bearer token-1'))
})

it('acts as another account, by way of those who lend it', async () => {
  const requests: { url: string; body: unknown; authorization: string | null }[] = []
  const fetchImplementation = async (url: unknown, options: { headers: Headers; body: string }) => {
    const authorization = new Headers(options.headers).get('authorization')
    requests.push({ url: String(url), body: JSON.parse(options.body), authorization })
    const expireTime = new Date(Date.now() + 3_600_000).toISOString()
    return Response.json({ accessToken: 'lent', expireTime })
  }
  const own = new OAuth2Client({ transporterOptions: { fetchImplementation } as object })
  own.setCredentials({ access_token: 'own', expiry_date: Date.now() + 3_600_000 })
  const client = await impersonated(own, ['a@p.iam', 'b@p.iam'], 'scope')
  const headers = [await client.getRequestHeaders(), await client.getRequestHeaders()]
  expect(headers.map(each => each.get('authorization'))).toEqual(['Bearer lent', 'Bearer lent'])
  expect(requests).toEqual([
    {
      url: 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/b@p.iam:generateAccessToken',
      authorization: 'Bearer own',
      body: { scope: ['scope'], delegates: ['projects/-/serviceAccounts/a@p.iam'], lifetime: '3600s' },
    },
  ])
})
