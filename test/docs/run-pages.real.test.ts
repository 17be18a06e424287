import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { findProfile, standIns } from '../../fixtures/stand-in/catalogue.ts'
import { startHybridManager } from '../../fixtures/stand-in/hybrid-manager.ts'
import { modelFolder } from '../../src/transfer/model-folder.ts'
import { succeeded } from '../e2e/nimctl.ts'
import { fillCache, openWorkplace, toStandInNgc, type Workplace } from '../e2e/workplace.ts'
import { buildImage, manifestFile, pushImage } from '../image/built-image.ts'
import { pushImages, pushSigned } from '../image/push-images.ts'
import { makeCertificates } from '../servers/certificates.ts'
import { type Registry, startRegistry } from '../servers/registry.ts'
import { type Seaweedfs, startSeaweedfs } from '../servers/seaweedfs.ts'
import {
  managementRoutes,
  model as servedModel,
  modelRoutes,
  startStandInEndpoint,
} from '../validate/stand-in-endpoint.ts'
import { readPage } from './markdown.ts'
import { runPage } from './run-page.ts'

const { llm1, llm2, native, modelFree } = standIns
const profile = findProfile(llm2, 'vllm-fp8-tp1-pp1-34.0')
const containerFlags = toStandInNgc.join(' ')

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace()
})
afterAll(() => place.close())

interface Setting {
  /** Where it runs, of the workplace. */
  directory: string
  /** What the page's variables are set to. */
  values?: Record<string, string>
  env?: Record<string, string>
}

/** Runs all blocks of a page, and returns what they said. */
async function run(path: string, { directory, values = {}, env = {} }: Setting): Promise<string> {
  const page = readPage(path)
  await mkdir(place.path(directory), { recursive: true })
  const said = await runPage(page, { directory: place.path(directory), values, env: { ...place.env, ...env } })
  expect(said).toHaveLength(page.text.split('\n```sh\n').length - 1)
  const all = said.join('')
  expect(all).not.toContain(place.env['NGC_API_KEY'])
  return all
}

it('docs/mirror.md runs as it stands, between registries of an own CA', async () => {
  const image = 'nim/meta/llama-3.1-8b-instruct:1.8.4'
  const [source, registry] = await Promise.all([startRegistry({ tls: true }), startRegistry({ tls: true })])
  try {
    const env = { NIMCTL_CA_FILE: await joinAuthorities([source, registry]) }
    const digest = await pushSignedImage(image, { to: source.host, env })
    const values = { SOURCE: source.host, REGISTRY: registry.host, IMAGE: image }
    expect(await run('docs/mirror.md', { directory: 'mirror', values, env })).toContain(digest)
  } finally {
    await Promise.all([source.stop(), registry.stop()])
  }
})

async function joinAuthorities(authorities: readonly Pick<Registry, 'caFile'>[]): Promise<string> {
  const file = place.path('authorities.pem')
  await writeFile(file, await Promise.all(authorities.map(({ caFile = '' }) => readFile(caFile))))
  return file
}

/** Puts an image of several platforms into a registry with TLS, by way of one without, and returns its digest. */
async function pushSignedImage(
  image: string,
  { to, env }: { to: string; env: Record<string, string> },
): Promise<string> {
  const plain = inject('registryHost')
  const [repository = '', tag = ''] = image.split(':')
  const { digest } = await pushImages(`http://${plain}`, repository, tag, { format: 'oci' })
  await pushSigned(`http://${plain}`, repository, digest)
  const args = ['mirror', `${plain}/${image}`, '--to', to, '--no-src-tls-verify', '--with-signatures']
  succeeded(await place.run(args, env))
  return digest
}

it('docs/profiles.md runs as it stands', async () => {
  const values = { IMAGE: llm2.reference, CONTAINER_FLAGS: containerFlags }
  expect(await run('docs/profiles.md', { directory: 'profiles', values })).toContain(profile.id)
})

describe('with the buckets that the pages name', () => {
  const directory = 'carried'
  const store = 's3://models/llama'
  let seaweedfs: Seaweedfs
  beforeAll(async () => {
    const credentials = { accessKeyId: 'docs', secretAccessKey: 'docs-secret' }
    seaweedfs = await startSeaweedfs({ credentials, buckets: ['models', 'models-copy', 'nim-mirror'] })
    await fillCache(place, `${directory}/cache`)
    await makeAdapters(directory)
  })
  afterAll(() => seaweedfs.stop())

  /** Uploads the cache, and returns the digest that a reader takes along. */
  async function upload(url: string, ...flags: string[]): Promise<string> {
    const args = ['upload', place.path(`${directory}/cache`), url, ...flags]
    const { stdout } = succeeded(await place.run(args, seaweedfs.env))
    return /^Inventory: (sha256:[0-9a-f]{64})$/m.exec(stdout)?.[1] ?? ''
  }

  it('docs/cache.md runs as it stands, with an image of each family', async () => {
    await mkdir(place.path('ca'))
    const { caFile } = await makeCertificates(place.path('ca'), 'a company')
    await makeAdapters('cache')
    const values = {
      IMAGE: llm2.reference,
      PROFILE: profile.id.slice(0, 8),
      CONTAINER_FLAGS: containerFlags,
      NATIVE_IMAGE: native.reference,
      UNIVERSAL_IMAGE: modelFree.reference,
      PROXY: 'http://proxy.internal:3128',
      PAST_THE_PROXY: '127.0.0.1',
      CA_FILE: caFile,
    }
    const env = { ...seaweedfs.env, HF_ENDPOINT: place.ngc.url, HF_TOKEN: 'hf_stand-in' }
    const said = await run('docs/cache.md', { directory: 'cache', values, env })
    expect(said).not.toContain(env.HF_TOKEN)
  })

  it('docs/upload.md runs as it stands', async () => {
    const said = await run('docs/upload.md', { directory, env: seaweedfs.env })
    expect(said).toContain('Proved by full-checksum')
  })

  it('docs/download.md runs as it stands', async () => {
    const values = { DIGEST: await upload(store) }
    const said = await run('docs/download.md', { directory, values, env: seaweedfs.env })
    expect(said).toContain(`${directory}/model-store`)
  })

  it('docs/validate.md runs as it stands', async () => {
    const share = pathToFileURL(place.path('share')).href
    await upload(share)
    await upload('s3://models-copy/llama')
    await upload('s3://models/llama-tar', '--layout', 'tar')
    await upload('s3://models/model-cache/nim-nvidia-llama')
    await upload('s3://nim-mirror', '--layout', 'ngc')
    const [source, mirror, endpoint] = await Promise.all([
      startRegistry({ tls: true }),
      startRegistry({ tls: true }),
      startStandInEndpoint({ ...managementRoutes, ...modelRoutes.chat }),
    ])
    try {
      const env = { ...seaweedfs.env, NIMCTL_CA_FILE: await joinAuthorities([source, mirror]) }
      const pushed = await pushNim([source, mirror], env)
      const values = {
        DIGEST: await upload(store),
        IMAGE: llm1.reference,
        PROFILE: findProfile(llm1, 'vllm-fp16-tp1').id.slice(0, 8),
        SHARE: share,
        SOURCE: `${source.host}/${pushed}`,
        MIRROR: `${mirror.host}/${pushed}`,
        ENDPOINT: endpoint.url,
        MODEL: servedModel,
      }
      const said = await run('docs/validate.md', { directory, values, env })
      expect(said).toContain(`${share}/ is complete`)
      expect(said).toContain(`${values.SOURCE} passes`)
      expect(said).toContain('✓ endpoint.request: v1/chat/completions')
    } finally {
      await Promise.all([source.stop(), mirror.stop(), endpoint.stop()])
    }
  })
})

it('docs/hybrid-manager.md runs as it stands, with a stand-in for Hybrid Manager', async () => {
  const credentials = { accessKeyId: 'docs', secretAccessKey: 'docs-secret' }
  await mkdir(place.path('portal'))
  const certificates = await makeCertificates(place.path('portal'), 'a portal')
  const [source, registry, endpoint, seaweedfs] = await Promise.all([
    startRegistry({ tls: true }),
    startRegistry({ tls: true }),
    startStandInEndpoint({ ...managementRoutes, ...modelRoutes.embeddings }),
    startSeaweedfs({ credentials, buckets: ['models'] }),
  ])
  const ownCas = { NIMCTL_CA_FILE: await joinAuthorities([source, registry, certificates]) }
  const image = await pushNim([source], ownCas)
  const models = [{ id: 'c4b8', name: 'a model', imageUrl: `${source.host}/${image}` }]
  const hybridManager = await startHybridManager({ accessKey: 'docs-key', tls: certificates, models })
  try {
    const values = {
      HM: hybridManager.url,
      REGISTRY: registry.host,
      MODEL_ID: 'c4b8',
      IMAGE: llm1.reference,
      COPY: `${registry.host}/${image}`,
      PROFILE: findProfile(llm1, 'vllm-fp16-tp1').id.slice(0, 8),
      CONTAINER_FLAGS: containerFlags,
      MODEL_PATH: `s3://models/model-cache/${modelFolder(llm1.reference)}/`,
      ENDPOINT: endpoint.url,
    }
    const env = { ...seaweedfs.env, ...ownCas, HM_ACCESS_KEY: 'docs-key' }
    const said = await run('docs/hybrid-manager.md', { directory: 'hybrid-manager', values, env })
    expect(said).toContain(`${values.MODEL_PATH} is complete`)
    expect(said).not.toContain('docs-key')
    expect(hybridManager.models).toMatchObject([{ imageUrl: values.COPY }])
  } finally {
    await Promise.all([source, registry, endpoint, seaweedfs, hybridManager].map(each => each.stop()))
  }
})

/** Puts an image with a model manifest into registries with TLS, by way of one without, and returns its name there. */
async function pushNim(registries: readonly Registry[], env: Record<string, string>): Promise<string> {
  const plain = inject('registryHost')
  const image = buildImage({ layers: [{ entries: [manifestFile()] }] })
  await pushImage(image, '1.8.4', { origin: `http://${plain}`, repository: 'nim/to-validate' })
  for (const { host } of registries) {
    succeeded(await place.run(['mirror', `${plain}/nim/to-validate:1.8.4`, '--to', host, '--no-src-tls-verify'], env))
  }
  return 'nim/to-validate:1.8.4'
}

async function makeAdapters(directory: string): Promise<void> {
  const adapter = place.path(`${directory}/adapters/support`)
  await mkdir(adapter, { recursive: true })
  await writeFile(`${adapter}/adapter_model.safetensors`, 'weights of an adapter')
}
