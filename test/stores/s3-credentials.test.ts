import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { putText } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'
import { startStandInAws, type StandInAws } from './stand-in-aws.ts'
import { type StandIn, startStandIn, taken } from './stand-in-s3.ts'

useEnvironment({ AWS_REGION: 'us-east-1' })

const hour = 3_600_000
let directory: string
let server: StandIn
let aws: StandInAws
const stores: Store[] = []
const path = (name: string) => join(directory, name)

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'nimctl-credentials-'))
  server = await startStandIn((request, count) => taken(count, request))
  aws = await startStandInAws()
  vi.stubEnv('HOME', directory)
  vi.stubEnv('AWS_CONFIG_FILE', path('config'))
  vi.stubEnv('AWS_ENDPOINT_URL_STS', aws.endpoint)
  vi.stubEnv('AWS_ENDPOINT_URL_SSO', aws.endpoint)
})
afterEach(() => {
  vi.useRealTimers()
  for (const store of stores.splice(0)) store.close()
  server.stop()
  aws.stop()
  rmSync(directory, { recursive: true })
})

async function open(config: string, awsProfile?: string): Promise<Store> {
  writeFileSync(path('config'), config)
  const store = await openStore(new URL('s3://bucket/prefix'), {
    endpointUrl: `http://127.0.0.1:${server.port}`,
    ...(awsProfile !== undefined && { awsProfile }),
  })
  stores.push(store)
  return store
}

/** Key and token of each request that the store got. */
const signedBy = () =>
  server.seen.map(({ headers }) => [
    /Credential=([\w-]+)/.exec(headers.authorization ?? '')?.[1],
    headers['x-amz-security-token'],
  ])

const later = (milliseconds: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds })

/** A program that gives other credentials each time: the n-th ones are good for 2 n hours from now. */
function credentialProgram(): string {
  writeFileSync(
    path('give.mjs'),
    `import { appendFileSync, readFileSync } from 'node:fs'
     appendFileSync(${JSON.stringify(path('given'))}, 'x')
     const number = readFileSync(${JSON.stringify(path('given'))}, 'utf8').length
     const Expiration = new Date(${Date.now()} + number * ${2 * hour}).toISOString()
     const keys = { AccessKeyId: 'KEY-' + number, SecretAccessKey: 'secret', SessionToken: 'token-' + number }
     console.log(JSON.stringify({ Version: 1, ...keys, Expiration }))`,
  )
  return `credential_process = ${process.execPath} ${path('give.mjs')}`
}

describe('a program that gives credentials', () => {
  it('is asked once while they are good, and again when they have ended', async () => {
    const store = await open(`[profile program]\n${credentialProgram()}\n`, 'program')
    await putText(store, 'a', 'text')
    await putText(store, 'b', 'text')
    later(2 * hour + 1)
    await putText(store, 'c', 'text')
    expect(signedBy()).toEqual([
      ['KEY-1', 'token-1'],
      ['KEY-1', 'token-1'],
      ['KEY-2', 'token-2'],
    ])
  })

  it('is asked before they end, without a request that waits for it', async () => {
    const store = await open(`[profile program]\n${credentialProgram()}\n`, 'program')
    await putText(store, 'a', 'text')
    later(2 * hour - 60_000)
    await putText(store, 'b', 'text')
    await expect.poll(() => readFileSync(path('given'), 'utf8')).toBe('xx')
    await expect
      .poll(async () => {
        await putText(store, 'c', 'text')
        return signedBy().at(-1)
      })
      .toEqual(['KEY-2', 'token-2'])
    expect(signedBy()[1]).toEqual(['KEY-1', 'token-1'])
  })

  it('that fails is an error of credentials, with a command that shows why', async () => {
    const store = await open(`[profile program]\ncredential_process = false\n`, 'program')
    await expect(putText(store, 'a', 'text')).rejects.toMatchObject({
      category: 'auth',
      code: 'CREDENTIALS_MISSING',
      next: expect.stringContaining('aws sts get-caller-identity --profile program'),
    })
  })
})

const keys = 'aws_access_key_id = KEY-0\naws_secret_access_key = secret\n'
const chain =
  `[profile base]\n${keys}` +
  '[profile first]\nsource_profile = base\nrole_arn = arn:aws:iam::1:role/first\n' +
  '[profile second]\nsource_profile = first\nrole_arn = arn:aws:iam::2:role/second\nexternal_id = x-1\nrole_session_name = nightly\n'

describe('a chain of roles', () => {
  it('is taken role by role, and again before the last one ends', async () => {
    const store = await open(chain, 'second')
    await putText(store, 'a', 'text')
    expect(aws.asked).toMatchObject([
      { Action: 'AssumeRole', RoleArn: 'arn:aws:iam::1:role/first', signedBy: 'KEY-0' },
      { RoleArn: 'arn:aws:iam::2:role/second', ExternalId: 'x-1', RoleSessionName: 'nightly', signedBy: 'KEY-1' },
    ])
    later(hour + 1)
    await putText(store, 'b', 'text')
    expect(signedBy()).toEqual([
      ['KEY-2', 'token-2'],
      ['KEY-4', 'token-4'],
    ])
  })

  it('takes the role of a web identity from its file, read each time', async () => {
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::1:role/pod')
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', path('token'))
    const store = await open('')
    writeFileSync(path('token'), 'one')
    await putText(store, 'a', 'text')
    writeFileSync(path('token'), 'two')
    later(hour + 1)
    await putText(store, 'b', 'text')
    const asked = { Action: 'AssumeRoleWithWebIdentity', RoleArn: 'arn:aws:iam::1:role/pod' }
    expect(aws.asked).toMatchObject([
      { ...asked, WebIdentityToken: 'one' },
      { ...asked, WebIdentityToken: 'two' },
    ])
    expect(signedBy().map(([key]) => key)).toEqual(['KEY-1', 'KEY-2'])
  })

  it.each([
    [403, 'AccessDenied', 'auth', 'ACCESS_DENIED', 'not'],
    [403, 'InvalidClientTokenId', 'auth', 'CREDENTIALS_REFUSED', 'not'],
    [403, 'ExpiredToken', 'auth', 'CREDENTIALS_EXPIRED', 'not'],
    [400, 'ValidationError', 'auth', 'CREDENTIALS_MISSING', 'not'],
    [400, 'Throttling', 'unavailable', 'STORE_THROTTLED', 'same'],
    [503, 'ServiceUnavailable', 'unavailable', 'STORE_THROTTLED', 'same'],
  ])('that STS refuses with %i %s is %s / %s, mended by: %s', async (status, code, category, ours, mend) => {
    aws.refuse({ status, code, message: 'not for you' })
    const failing = putText(await open(chain, 'second'), 'a', 'text')
    await expect(failing).rejects.toMatchObject({ category, code: ours, mend, why: expect.stringContaining(code) })
    expect(server.seen).toEqual([])
  })
})

const session =
  '[sso-session acme]\nsso_start_url = https://acme.awsapps.com/start\nsso_region = us-east-1\n' +
  '[profile dev]\nsso_session = acme\nsso_account_id = 111122223333\nsso_role_name = Uploader\n'

/** As `aws sso login` leaves it: https://docs.aws.amazon.com/sdkref/latest/guide/understanding-sso.html */
function logIn(expiresAt: number): void {
  const name = createHash('sha1').update('acme').digest('hex')
  mkdirSync(path('.aws/sso/cache'), { recursive: true })
  const token = { accessToken: 'bearer', expiresAt: new Date(expiresAt).toISOString(), region: 'us-east-1' }
  writeFileSync(path(`.aws/sso/cache/${name}.json`), JSON.stringify(token))
}

describe('a profile with SSO', () => {
  const login = {
    category: 'auth',
    code: 'CREDENTIALS_EXPIRED',
    mend: 'not',
    next: expect.stringMatching(/: aws sso login --profile dev$/),
  }

  it('gets credentials for what aws sso login has left, and others when they end', async () => {
    logIn(Date.now() + 8 * hour)
    const store = await open(session, 'dev')
    await putText(store, 'a', 'text')
    later(hour + 1)
    await putText(store, 'b', 'text')
    const asked = { account_id: '111122223333', role_name: 'Uploader', token: 'bearer' }
    expect(aws.asked).toMatchObject([asked, asked])
    expect(signedBy()).toEqual([
      ['KEY-1', 'token-1'],
      ['KEY-2', 'token-2'],
    ])
  })

  it('says how to log in where nobody has, or the session has ended', async () => {
    const store = await open(session, 'dev')
    await expect(putText(store, 'a', 'text')).rejects.toMatchObject(login)
    logIn(Date.now() - 1000)
    await expect(putText(store, 'a', 'text')).rejects.toMatchObject(login)
  })

  it('says how to log in where the portal no longer knows the session', async () => {
    logIn(Date.now() + hour)
    aws.refuse({ status: 401, code: 'UnauthorizedException', message: 'Session token not found or invalid' })
    await expect(putText(await open(session, 'dev'), 'a', 'text')).rejects.toMatchObject(login)
  })
})

it('says where credentials are looked for when there are none', async () => {
  await expect(putText(await open(''), 'a', 'text')).rejects.toMatchObject({
    code: 'CREDENTIALS_MISSING',
    next: expect.stringMatching(/AWS_ACCESS_KEY_ID.*--aws-profile/),
  })
})

it('needs none of them for requests that are not signed', async () => {
  writeFileSync(path('config'), session)
  const store = await openStore(new URL('s3://bucket/prefix'), {
    endpointUrl: `http://127.0.0.1:${server.port}`,
    awsProfile: 'dev',
    signRequests: false,
  })
  stores.push(store)
  await putText(store, 'a', 'text')
  expect(signedBy()).toEqual([[undefined, undefined]])
})
