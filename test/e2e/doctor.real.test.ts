import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import { catalogue } from '../../fixtures/stand-in/catalogue.ts'
import { type Ngc, startNgc } from '../../fixtures/stand-in/ngc.ts'
import { buildImage, file, pushImage, usualPlace } from '../image/built-image.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { nimctl } from './nimctl.ts'

const key = 'nvapi-key-of-the-doctor'
const directory = makeTemporaryDirectory()
const version = catalogue[0]?.versions[0]
let ngc: Ngc
let image: string

beforeAll(async () => {
  ngc = await startNgc({ keys: [key] })
  const uri = `ngc://${version?.model}:${version?.version}?file=a`
  const manifest = `schema_version: 2.0\nprofiles:\n  - id: ${'a'.repeat(64)}\n    workspace:\n      files:\n        a:\n          uri: ${uri}\n`
  const built = buildImage({ layers: [{ entries: [file('bin/sh', 'doctor'), file(usualPlace, manifest)] }] })
  await pushImage(built, '1', { origin: `http://${inject('registryHost')}`, repository: 'nim/doctor' })
  image = `${inject('registryHost')}/nim/doctor:1`
})
afterAll(async () => {
  await ngc?.stop()
  directory.remove()
})

/** What it finds of the image; what is missing on this host is not the matter here. */
async function examine(apiKey: string, name = image): Promise<unknown[]> {
  const env = {
    NGC_API_KEY: apiKey,
    NGC_API_ENDPOINT: ngc.endpoint,
    NGC_API_SCHEME: 'http',
    XDG_CACHE_HOME: directory.path,
  }
  const outcome = await nimctl(['doctor', '--image', name, '--plain-http', '--retries', '0', '--json'], { env })
  expect(outcome.stdout + outcome.stderr).not.toContain(apiKey)
  const { checks } = outcome.json()
  if (!Array.isArray(checks)) throw new Error(outcome.stdout)
  return checks.filter(({ name: found }) => String(found).startsWith(name))
}

it('says that a key may have an image and its model, before any byte of them comes', async () => {
  expect(await examine(key)).toMatchObject([
    { name: `${image}: pull`, status: 'ok' },
    { name: `${image}: models`, status: 'ok' },
    { name: `${image}: ${version?.model}`, status: 'ok', found: expect.stringContaining('may fetch it') },
  ])
  expect(ngc.requests().map(({ path }) => path)).toEqual([expect.stringMatching(/\/files$/)])
})

it('says that a key may not', async () => {
  expect((await examine('nvapi-some-other-key')).at(-1)).toMatchObject({
    status: 'failed',
    found: expect.stringContaining('NGC refused the key'),
  })
})

it('says that there is no such image', async () => {
  expect(await examine(key, `${image}23`)).toMatchObject([{ status: 'failed' }])
})
