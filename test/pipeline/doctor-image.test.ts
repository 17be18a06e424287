import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { catalogue } from '../../fixtures/stand-in/catalogue.ts'
import { type Ngc, startNgc } from '../../fixtures/stand-in/ngc.ts'
import { ngcAddresses } from '../../src/cli/settings.ts'
import type { NimImage } from '../../src/image/inspect.ts'
import { examineImage, type ImageQuestion } from '../../src/pipeline/doctor-image.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { secret } from '../../src/system/secret.ts'

const signal = new AbortController().signal
const image = 'nvcr.io/nim/meta/llama:1.8.4'
const [first, second] = [
  ...new Map(catalogue.flatMap(({ versions }) => versions).map(each => [each.model, each])).values(),
]
if (first === undefined || second === undefined) throw new Error('The catalogue has two models at least.')
const goodKey = 'nvapi-good-key-of-tests'
const oldKey = 'b2xkLWtleS1vZi10ZXN0cw'
let ngc: Ngc

beforeAll(async () => {
  ngc = await startNgc({ keys: [goodKey], legacyKeys: [oldKey] })
})
afterEach(() => ngc.behave())
afterAll(() => ngc.stop())

const manifestOf = (...uris: string[]) => `schema_version: 2.0
profiles:
  - id: ${'a'.repeat(64)}
    workspace:
      files:
${uris.map((uri, at) => `        file-${at}:\n          uri: ${uri}\n`).join('')}`

const both = manifestOf(
  `ngc://${first.model}:${first.version}?file=a`,
  `ngc://${first.model}:${first.version}?file=b`,
  `ngc://${second.model}:${second.version}?file=a`,
)

const examine = (key: string, { manifest = both, ...more }: Partial<ImageQuestion> & { manifest?: string } = {}) => {
  const env = { NGC_API_ENDPOINT: ngc.endpoint, NGC_AUTH_ENDPOINT: ngc.endpoint, NGC_API_SCHEME: 'http' }
  const described = { family: 'llm', manifest: { path: '/m', text: manifest } } as NimImage
  return examineImage({
    image,
    openImage: async () => ({ reference: image, digest: 'sha256:0', images: [], readImage: () => Promise.reject() }),
    inspect: async () => described,
    ngc: { key: secret(key), ...ngcAddresses(env), connections: {}, signal },
    signal,
    ...more,
  })
}

it.each([
  ['a key', goodKey],
  ['a key of the old kind', oldKey],
])('asks for each model once, and fetches nothing, with %s', async (_, key) => {
  const before = ngc.requests().length
  const findings = await examine(key)
  expect(findings.map(({ name, status }) => `${name} ${status}`)).toEqual([
    `${image}: pull ok`,
    `${image}: models ok`,
    `${image}: ${first.model} ok`,
    `${image}: ${second.model} ok`,
  ])
  const asked = ngc.requests().slice(before)
  expect(asked.filter(({ path }) => path !== '/token').map(({ path }) => path.split('/').at(-1))).toEqual([
    'files',
    'files',
  ])
})

describe('what NGC refuses is found', () => {
  it.each([
    ['an unknown key', 'nvapi-another-key', undefined, 'refused the key'],
    ['an unknown key of the old kind', 'another', undefined, 'refused the key'],
    ['no entitlement', goodKey, { type: 'not-a-member' }, 'may not have'],
    ['a server that fails', goodKey, { type: 'status', status: 500 }, 'does not answer'],
  ] as const)('%s', async (_, key, fault, words) => {
    if (fault !== undefined) ngc.misbehave({ path: '/models/', fault })
    const models = (await examine(key)).slice(2)
    expect(models).toHaveLength(2)
    for (const { status, found } of models) expect([status, found]).toEqual(['failed', expect.stringContaining(words)])
    expect(JSON.stringify(models)).not.toContain(key)
  })

  it('a version that is not there', async () => {
    const findings = await examine(goodKey, { manifest: manifestOf(`ngc://${first.model}:no-such-version?file=a`) })
    expect(findings.at(-1)).toMatchObject({ status: 'failed', found: expect.stringContaining('NGC has no') })
  })
})

it('asks for the checksums where the key may not list', async () => {
  ngc.misbehave({ path: '/files$', fault: { type: 'status', status: 401 } })
  const manifest = manifestOf(`ngc://${first.model}:${first.version}?file=a`)
  expect((await examine(goodKey, { manifest })).at(-1)).toMatchObject({ status: 'ok' })
})

it('asks NGC for nothing where the image may not be pulled', async () => {
  const before = ngc.requests().length
  const refused = new NimctlError('auth', 'REGISTRY_AUTH', { what: 'No.', next: 'Log in.' })
  const findings = await examine(goodKey, { openImage: () => Promise.reject(refused) })
  expect(findings).toEqual([{ name: `${image}: pull`, status: 'failed', found: 'No.', next: 'Log in.' }])
  expect(ngc.requests()).toHaveLength(before)
})

it('says that an older manifest leaves the question open', async () => {
  const manifest = `${'a'.repeat(64)}:\n  tags: {}\n  workspace:\n    components:\n      - {dst: '', src: {repo_id: nim/meta/llama, files: [a]}}\n`
  expect((await examine(goodKey, { manifest })).at(-1)).toMatchObject({ found: expect.stringContaining('download') })
})
