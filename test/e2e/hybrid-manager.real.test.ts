import { rm, writeFile } from 'node:fs/promises'

import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import { startHybridManager, type StandInHybridManager } from '../../fixtures/stand-in/hybrid-manager.ts'
import { makeHubCache, smallRecord } from '../hub-cache.ts'
import { buildImage, type BuiltImage, file, pushImage } from '../image/built-image.ts'
import { type Certificates, makeCertificates } from '../servers/certificates.ts'
import { openBarePlace, type BarePlace } from './bare-place.ts'
import { problemsOf } from './documents.ts'
import { mistakesOf, type Failure } from './failures.ts'
import { succeeded } from './nimctl.ts'

const accessKey = 'access-key-of-the-tests'
const repository = `nim/hm-${process.pid}`
let place: BarePlace
let certificates: Certificates
let portal: StandInHybridManager
let registry: string

beforeAll(async () => {
  place = await openBarePlace()
  certificates = await makeCertificates(place.path(''), 'a portal')
  registry = inject('registryHost')
  await push(image('first'), repository)
  portal = await startHybridManager({
    accessKey,
    tls: certificates,
    models: [
      { id: 'a1', name: 'clip', imageUrl: `${registry}/${repository}:1` },
      { id: 'b2', name: 'without an image' },
    ],
  })
})
afterAll(async () => {
  await portal?.stop()
  await place.remove()
})

const image = (seed: string) => buildImage({ layers: [{ entries: [file('own', seed)] }] })
const push = (built: BuiltImage, name: string) =>
  pushImage(built, '1', { origin: `http://${registry}`, repository: name })

/** As the tests ask the portal: with its CA, and the registry over HTTP. */
async function hm(args: readonly string[], { env = {}, input = '' } = {}) {
  const own = { HM_ACCESS_KEY: accessKey, NIMCTL_CA_FILE: certificates.caFile, NIMCTL_HM_URL: portal.url, ...env }
  const outcome = await place.run(['hm', ...args], { env: own, input })
  expect(outcome.stdout + outcome.stderr).not.toContain(accessKey)
  return outcome
}

it('takes a model from its first image to the copy that is proved to be there', async () => {
  const table = succeeded(await hm(['models', '--verbose']))
  expect(table.stdout).toMatch(/^ID +NAME +IMAGE\na1 +clip +\S+:1\nb2 +without an image +-\n$/)

  const images = succeeded(await hm(['models', '--images'])).stdout
  expect(images).toBe(`${registry}/${repository}:1\n`)
  const to = ['--to', `${registry}/copies`, '--no-src-tls-verify', '--no-dest-tls-verify', '--json']
  const mirrored = succeeded(await place.run(['mirror', '--from-file', '-', ...to], { input: images })).stdout
  await writeFile(place.path('mirrored.json'), mirrored)
  const check = ['models', '--mirrored', place.path('mirrored.json'), '--plain-http']

  const before = await hm([...check, '--json'])
  expect(before.exitCode).toBe(3)
  expect(before.json()).toMatchObject({ ok: false, models: [{ check: { status: 'failed' } }, {}] })

  const copy = `${registry}/copies/${repository}:1`
  const planned = succeeded(await hm(['set-image', 'a1', copy, '--dry-run']))
  expect(planned.stdout).toBe(`Would change a1 (clip):\n  ${registry}/${repository}:1 → ${copy}\n`)
  const changed = succeeded(await hm(['set-image', 'a1', copy, '--json'])).json()
  expect(problemsOf(changed, 'HybridManagerImage')).toEqual([])
  expect(changed).toMatchObject({ status: 'changed', after: copy })
  expect(succeeded(await hm(['set-image', 'a1', copy])).stdout).toContain('Nothing was changed')

  const after = succeeded(await hm([...check, '--json'])).json()
  expect(problemsOf(after, 'HybridManagerModels')).toEqual([])
  expect(after).toMatchObject({ ok: true, models: [{ check: { status: 'ok' } }, { id: 'b2' }] })
  expect(succeeded(await hm(['models', '--mirrored', '-', '--plain-http'], { input: mirrored })).stdout).toContain('✓')

  await push(image('second'), `copies/${repository}`)
  const moved = await hm(check)
  expect(moved.exitCode).toBe(3)
  expect(moved.stdout).toContain('✗ a1: It has another digest than the copy.')
})

it('proves with --check alone that an image is there, and says what it can not know', async () => {
  const { stdout, exitCode } = await hm(['models', '--check', '--plain-http'])
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^\? +a1 .* sha256:[0-9a-f]{64}$/m)
})

it('reports an image that is not there, and a registry that is not, each as that model alone', async () => {
  const server = await startHybridManager({
    accessKey,
    models: [
      { id: 'gone', name: 'a', imageUrl: `${registry}/nim/never-pushed:1` },
      { id: 'here', name: 'b', imageUrl: `${registry}/${repository}:1` },
      { id: 'odd', name: 'c', imageUrl: 'No Image' },
      { id: 'off', name: 'd', imageUrl: '127.0.0.1:1/nim/a:1' },
    ],
  })
  try {
    const outcome = await hm(['models', '--check', '--plain-http', '--json'], {
      env: { NIMCTL_HM_URL: server.url },
    })
    expect(outcome.exitCode).toBe(3)
    const failed = (found: string) => ({ status: 'failed', found: expect.stringContaining(found) })
    const { models } = outcome.json() as { models: { check: unknown }[] }
    expect(models.map(({ check }) => check)).toMatchObject([
      failed('nothing'),
      { status: 'not-provable' },
      failed('"No Image" is not an image.'),
      failed('127.0.0.1:1'),
    ])
  } finally {
    await server.stop()
  }
})

it('ends with 3 where the list is not whole, and says so', async () => {
  const server = await startHybridManager({ accessKey, form: models => ({ data: models, nextPageToken: 'more' }) })
  try {
    const { exitCode, stdout, stderr } = await hm(['models', '--images'], { env: { NIMCTL_HM_URL: server.url } })
    expect(exitCode).toBe(3)
    expect(stdout.split('\n')).toContain('nvcr.io/nim/nvidia/nvclip:latest')
    expect(stderr).toContain('more models than it showed')
  } finally {
    await server.stop()
  }
})

it('says in the result that certificates were not checked', async () => {
  const outcome = succeeded(
    await hm(['models', '--insecure-skip-tls-verify', '--json'], { env: { NIMCTL_CA_FILE: '' } }),
  )
  expect(outcome.json()).toMatchObject({ ok: true, insecureTls: true })
  expect(outcome.stderr).toContain('TLS certificates are not checked')
})

it('trusts the CA of SSL_CERT_FILE', async () => {
  const { exitCode } = await hm(['models'], { env: { NIMCTL_CA_FILE: '', SSL_CERT_FILE: certificates.caFile } })
  expect(exitCode).toBe(0)
})

type Case = Failure & { name: string; args?: string[]; env?: Record<string, string>; input?: string }

it.each<Case>([
  { name: 'no key', env: { HM_ACCESS_KEY: '' }, category: 'auth', code: 'HM_KEY_MISSING', says: ['HM_ACCESS_KEY'] },
  {
    name: 'a key with a line break',
    env: { HM_ACCESS_KEY: 'a\nx-evil: b' },
    category: 'usage',
    code: 'HM_KEY_INVALID',
  },
  { name: 'another key', env: { HM_ACCESS_KEY: 'another' }, category: 'auth', code: 'HM_AUTH' },
  { name: 'no address', env: { NIMCTL_HM_URL: '' }, category: 'usage', code: 'HM_URL_MISSING', says: ['--url'] },
  { name: 'a host alone', args: ['models', '--url', 'hm.internal'], category: 'usage', code: 'HM_URL_INVALID' },
  {
    name: 'a CA that nobody named',
    env: { NIMCTL_CA_FILE: '' },
    category: 'unavailable',
    code: 'HM_TLS',
    says: ['--ca-file', 'a portal'],
  },
  {
    name: 'nobody there',
    args: ['models', '--url', 'https://127.0.0.1:1'],
    category: 'unavailable',
    code: 'HM_UNREACHABLE',
  },
  {
    name: 'an unknown model',
    args: ['set-image', 'a2', 'registry.internal/a:1'],
    category: 'not-found',
    code: 'HM_MODEL_UNKNOWN',
    says: ['a1 (clip)'],
  },
  {
    name: 'an image that is none',
    args: ['set-image', 'a1', 'A'],
    category: 'usage',
    code: 'IMAGE_REFERENCE_INVALID',
  },
  {
    name: 'something else than a result of mirror',
    args: ['models', '--mirrored', '-'],
    input: '{}',
    category: 'usage',
    code: 'MIRROR_RESULT_INVALID',
  },
])('refuses $name', async ({ args = ['models'], env = {}, input = '', ...failure }) => {
  expect(await mistakesOf(words => hm(words, { env, input }), args, failure)).toEqual([])
})

it('uploads to the folder of the model, and finds it as Hybrid Manager does', async () => {
  const record = { ...smallRecord, image: 'registry.internal:5000/copies/nim/nvidia/nvclip:1' }
  await makeHubCache(place.path('clip'), { record })
  const to = `${place.url}/{model}/`
  const done = succeeded(await place.run(['upload', place.path('clip'), to, '--json'])).json()
  expect(done).toMatchObject({ destinations: [{ url: `${place.url}/nim-nvidia-nvclip/` }] })

  const again = ['upload', `${place.url}/nim-nvidia-nvclip/`, `${place.url}/again/{model}`, '--json']
  expect(succeeded(await place.run(again)).json()).toMatchObject({
    destinations: [{ url: `${place.url}/again/nim-nvidia-nvclip/` }],
  })

  await makeHubCache(place.path('unknown'))
  await rm(place.path('unknown/.nimctl'), { recursive: true })
  const refused = { category: 'usage', code: 'MODEL_FOLDER_UNKNOWN', says: ['{model}'] } as const
  expect(await mistakesOf(words => place.run(words), ['upload', place.path('unknown'), to], refused)).toEqual([])
})
