import { writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'

import { makeSeededCache } from '../campaign/seeded-cache.ts'
import { newSeed, seeded } from '../seeded.ts'
import { type Seaweedfs, startSeaweedfs } from '../servers/seaweedfs.ts'
import { type FaultPlace, isPart, openFaultPlace, partsIn, type Trial } from './fault-place.ts'

/** Real servers here know no session credentials; this one lets anyone in, and the proxy says what has expired. */
let server: Seaweedfs
const makeCache = (root: string) => makeSeededCache(root, seeded(newSeed()), { smallFiles: 4 })

let place: FaultPlace
let trial: Trial

beforeAll(async () => {
  server = await startSeaweedfs({ buckets: ['models'] })
  place = await openFaultPlace({ ...server.env, ...session('bucket') }, { makeCache })
})
afterAll(async () => {
  await place.close()
  await server.stop()
})
beforeEach(async () => {
  trial = await place.begin()
})
afterEach(() => trial.stop())

const session = (name: string) => ({
  AWS_ACCESS_KEY_ID: `key-${name}`,
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: `token-${name}`,
})

/** From the fourth part on, all requests with the old token are refused. */
function expire(onExpiry: () => void = () => {}): void {
  let parts = 0
  let expired = false
  const isOld = ({ headers }: IncomingMessage) => headers['x-amz-security-token'] === 'token-old'
  const fits = (request: IncomingMessage) => {
    if (!expired && isPart(request) && ++parts > 3) {
      expired = true
      onExpiry()
    }
    return expired && isOld(request)
  }
  const body = '<?xml version="1.0"?><Error><Code>ExpiredToken</Code><Message>It has expired.</Message></Error>'
  trial.proxy.always(fits, { type: 'answer', status: 400, body })
}

it('a token that expires ends the run with 4; with a new one the same command sends what is missing', async () => {
  expire()
  const args = trial.uploadArguments('--concurrency', '2')
  const outcome = await trial.run(args, { env: session('old') })
  expect(outcome).toMatchObject({ exitCode: 4 })
  expect(outcome.json()).toMatchObject({
    code: 'CREDENTIALS_EXPIRED',
    what: expect.stringContaining(trial.proxy.endpoint),
    next: expect.stringContaining('run the same command again'),
  })
  expect((await place.bucket.sizes(trial.prefix)).has('.nimctl/inventory.jsonl')).toBe(false)

  const [before, accepted] = [trial.proxy.seen.length, partsIn(trial.proxy.seen).slice(0, 3)]
  expect(await trial.run(args, { env: session('new') })).toMatchObject({ exitCode: 0 })
  const sentAgain = partsIn(trial.proxy.seen.slice(before)).filter(line => accepted.includes(line))
  expect(sentAgain).toEqual([])
  await trial.expectWhole()
})

it('credentials that are renewed in their file are read anew, and the run goes on', async () => {
  const file = join(place.work, 'credentials')
  const write = (name: string) => {
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = session(name)
    writeFileSync(
      file,
      `[default]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\naws_session_token=${token}\n`,
    )
  }
  write('old')
  expire(() => write('new'))
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, ...env } = trial.env()
  expect([AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN]).not.toContain('')
  const { nimctl } = await import('../e2e/nimctl.ts')
  const outcome = await nimctl(trial.uploadArguments(), { env: { ...env, AWS_SHARED_CREDENTIALS_FILE: file } })
  expect(outcome).toMatchObject({ exitCode: 0 })
  await trial.expectWhole()
})
