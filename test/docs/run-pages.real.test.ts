import { readFile, writeFile, mkdir } from 'node:fs/promises'

import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { nimctl, succeeded } from '../e2e/nimctl.ts'
import { openWorkplace, toStandInNgc, type Workplace } from '../e2e/workplace.ts'
import { pushImages, pushSigned } from '../image/push-images.ts'
import { makeCertificates } from '../servers/certificates.ts'
import { type Registry, startRegistry } from '../servers/registry.ts'
import { readPage } from './markdown.ts'
import { runPage } from './run-page.ts'

const { llm2, native, modelFree } = standIns
const flags = toStandInNgc.join(' ')

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace()
})
afterAll(() => place.close())

/** Runs a page in a directory of its own. */
async function run(name: string, values: Record<string, string>, env: Record<string, string> = {}): Promise<string[]> {
  const directory = place.path(name)
  await mkdir(directory, { recursive: true })
  return await runPage(readPage(`docs/${name}.md`), { directory, env: { ...place.env, ...env }, values })
}

it('docs/mirror.md runs as it stands, with registries of an own CA', async () => {
  const image = 'nim/meta/llama-3.1-8b-instruct:1.8.4'
  const [source, registry] = await Promise.all([startRegistry({ tls: true }), startRegistry({ tls: true })])
  try {
    const NIMCTL_CA_FILE = await joinedAuthorities([source, registry])
    await pushThrough(inject('registryHost'), { image, to: source.host, env: { ...place.env, NIMCTL_CA_FILE } })
    const said = await run('mirror', { SOURCE: source.host, REGISTRY: registry.host, IMAGE: image }, { NIMCTL_CA_FILE })
    expect(said.join('')).toContain('sha256:')
  } finally {
    await Promise.all([source.stop(), registry.stop()])
  }
})

async function joinedAuthorities(registries: readonly Registry[]): Promise<string> {
  const file = place.path('authorities.pem')
  await writeFile(file, await Promise.all(registries.map(({ caFile = '' }) => readFile(caFile))))
  return file
}

/** Pushes a signed image of several platforms to a registry without TLS, and copies it from there. */
async function pushThrough(
  plain: string,
  { image, to, env }: { image: string; to: string; env: Record<string, string> },
): Promise<void> {
  const [repository = '', tag = ''] = image.split(':')
  const origin = `http://${plain}`
  const { digest } = await pushImages(origin, repository, tag, { format: 'oci' })
  await pushSigned(origin, repository, digest)
  const args = ['mirror', `${plain}/${image}`, '--to', to, '--no-src-tls-verify', '--with-signatures']
  succeeded(await nimctl(args, { env }))
}

it('docs/profiles.md runs as it stands', async () => {
  await run('profiles', { IMAGE: llm2.reference, CONTAINER_FLAGS: flags })
})

it('docs/cache.md runs as it stands', async () => {
  await mkdir(place.path('cache/adapters/support'), { recursive: true })
  await writeFile(place.path('cache/adapters/support/adapter_model.safetensors'), 'weights')
  await mkdir(place.path('ca'))
  const { caFile } = await makeCertificates(place.path('ca'), 'a company')
  const values = {
    IMAGE: llm2.reference,
    PROFILE: llm2.profiles[0]?.id.slice(0, 8) ?? '',
    CONTAINER_FLAGS: flags,
    NATIVE_IMAGE: native.reference,
    UNIVERSAL_IMAGE: modelFree.reference,
    PROXY: 'http://proxy.internal:3128',
    PAST_THE_PROXY: '127.0.0.1',
    CA_FILE: caFile,
    STORE: 's3://models/docs-cache',
  }
  const said = await run('cache', values, { HF_ENDPOINT: place.ngc.url, HF_TOKEN: 'hf_stand-in' })
  expect(said.join('')).not.toContain(place.env.NGC_API_KEY)
})
