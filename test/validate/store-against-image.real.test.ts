import { randomUUID } from 'node:crypto'
import { join } from 'node:path'

import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { parseModelManifest } from '../../src/profiles/manifest.ts'
import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { crc32c } from '../../src/system/hash.ts'
import { silent } from '../../src/system/progress.ts'
import { listObjects } from '../../src/transfer/listing.ts'
import { ngcKey } from '../../src/transfer/wanted.ts'
import { nimctl } from '../e2e/nimctl.ts'
import { makeHubCache, temporaryDirectory, type HubModel } from '../hub-cache.ts'
import { buildImage, file, pushImage, usualPlace } from '../image/built-image.ts'
import { aws } from '../servers/aws-cli.ts'
import { requireProgram } from '../servers/locate.ts'
import { toolEnvironment } from '../servers/tool-environment.ts'
import { reportStore } from './store-report.ts'

const { signal } = new AbortController()
const s3Env = inject('s3Env')
const repository = 'nim/meta/test-model'
const models: HubModel[] = [
  {
    repository,
    version: 'hf-1234567',
    files: { 'config.json': '{"layers":2}', 'deep/tokenizer.json': '{}', 'empty.txt': '' },
  },
  { repository, version: '0.1+abc', files: { 'rank0.engine': 'engine bytes', 'LICENSE.txt': 'licence' } },
]
const id = (digit: string) => digit.repeat(64)

/** Two profiles share the tokenizer; of the second one's engine nothing was downloaded. */
const v2 = `
schema_version: 2.0.0
profiles:
  - id: ${id('a')}
    workspace:
      files:
        config.json: {uri: "ngc://nim/meta/test-model:hf-1234567?file=config.json", size: 12}
        deep/tokenizer.json: {uri: "ngc://nim/meta/test-model:hf-1234567?file=deep%2Ftokenizer.json"}
        empty.txt: {uri: "ngc://nim/meta/test-model:hf-1234567?file=empty.txt"}
        trtllm_engine/rank0.engine: {uri: "ngc://nim/meta/test-model:0.1+abc?file=rank0.engine", size: 12}
        trtllm_engine/LICENSE.txt: {uri: "ngc://nim/meta/test-model:0.1+abc?file=LICENSE.txt"}
  - id: ${id('b')}
    workspace:
      files:
        deep/tokenizer.json: {uri: "ngc://nim/meta/test-model:hf-1234567?file=deep%2Ftokenizer.json"}
        trtllm_engine/rank0.engine: {uri: "ngc://nim/meta/test-model:0.1+other?file=rank0.engine"}
`
const manifest = parseModelManifest(v2)
const against = { type: 'image', reference: 'nvcr.test/nim/meta/test-model:1', manifest } as const

let cache: string
beforeAll(async () => {
  Object.assign(process.env, s3Env)
  cache = join(await temporaryDirectory(), 'cache')
  await makeHubCache(cache, { models })
})

/** How others fill a bucket. */
const ways: Record<string, (prefix: string) => Promise<unknown>> = {
  'aws s3 cp --recursive': async prefix => {
    const { exitCode, stderr } = await aws(['s3', 'cp', '--recursive', cache, `s3://models/${prefix}`], s3Env)
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
  },
  'rclone copy --copy-links': prefix => rclone(['copy', '--copy-links', cache, `:s3:models/${prefix}`]),
  'a script, with percent-encoded keys': async prefix => {
    const store = await open(prefix)
    for (const { version, files } of models) {
      for (const [name, content] of Object.entries(files)) {
        await put(store, ngcKey({ repository, version, file: name }), Buffer.from(content))
      }
    }
    store.close()
  },
}

describe.each(Object.keys(ways))('what %s filled', way => {
  let store: Store
  let keys: string[]
  beforeAll(async () => {
    const prefix = `against-${randomUUID()}`
    await ways[way]?.(prefix)
    store = await open(prefix)
    const found = await Array.fromAsync(listObjects(store, '', signal))
    keys = found.map(({ key }) => key).filter(key => key.includes('/snapshots/') || key.includes('%3Ffile%3D'))
  })
  afterAll(() => store.close())

  it('passes where all of a profile is there, and says what nothing proves', async () => {
    const { ok, summary, checks } = await report(store)
    expect(ok).toBe(true)
    expect(summary.profiles).toEqual([id('a')])
    expect(checks.filter(({ status }) => status === 'failed' || status === 'warning')).toEqual([])
    const unproved = checks.filter(({ status }) => status === 'not-provable').map(({ path }) => path)
    expect(new Set(unproved)).toEqual(new Set(keys))
    const blobs = checks.filter(({ name }) => name === 'store.blob-checksum')
    expect(blobs.every(({ status, method }) => status === 'ok' && method === 'etag')).toBe(true)
  })

  it('fails with any one file removed, and names it', async () => {
    expect(keys).toHaveLength(5)
    for (const key of keys) {
      const content = await bytesOf(store, key)
      await store.remove(key, { signal })
      const { ok, checks } = await report(store)
      expect(ok).toBe(false)
      const failed = checks.filter(({ status }) => status === 'failed')
      const missing = expect.stringMatching(/^store\.(?:link|file)-missing$/)
      expect(failed).toMatchObject([{ name: 'store.profile' }, { name: missing, path: key }])
      await put(store, key, content)
    }
    expect((await report(store)).ok).toBe(true)
  })

  it('fails where a profile was asked for that is not there', async () => {
    const { ok, checks } = await report(store, ['bbbb'])
    expect(ok).toBe(false)
    const profile = checks.find(({ name }) => name === 'store.profile')
    expect(profile).toMatchObject({ status: 'failed', expected: `2 files of profile ${id('b')}`, found: '1' })
  })

  it('fails where a file is shorter than the manifest says', async () => {
    const key = keys.find(one => one.includes('config.json')) ?? ''
    const content = await bytesOf(store, key)
    await put(store, key, content.subarray(1))
    const failed = (await report(store)).checks.filter(({ status }) => status === 'failed')
    expect(failed).toMatchObject([{ method: 'size', path: key, expected: '12 bytes', found: '11 bytes' }])
    await put(store, key, content)
  })
})

it('tells a blob that is not what its name says, by its ETag', async () => {
  const store = await open(`against-${randomUUID()}`)
  const blob = 'ngc/hub/models--nim--meta--test-model/blobs/0123456789abcdef0123456789abcdef'
  await put(store, blob, Buffer.from('something else'))
  const failed = (await report(store)).checks.filter(({ path }) => path === blob)
  expect(failed).toMatchObject([{ name: 'store.blob-checksum', status: 'failed', method: 'etag' }])
})

it('nimctl validate store --against IMAGE reads the manifest out of a registry, and --against DIR the files', async () => {
  const prefix = `against-${randomUUID()}`
  await ways['rclone copy --copy-links']?.(prefix)
  const host = inject('registryHost')
  const image = buildImage({ layers: [{ entries: [file(usualPlace, v2)] }] })
  await pushImage(image, '1', { origin: `http://${host}`, repository: 'nim/meta/test-model' })
  const home = await temporaryDirectory()
  const env = { ...s3Env, HOME: home, DOCKER_HOST: `unix://${home}/none.sock`, NIMCTL_STATE_DIR: join(home, 'state') }
  const url = `s3://models/${prefix}`
  const run = (...args: string[]) => nimctl(['validate', 'store', url, '--json', ...args], { env })
  const reference = `${host}/nim/meta/test-model:1`
  const byImage = await run('--against', reference, '--plain-http')
  expect(byImage).toMatchObject({ exitCode: 0 })
  expect(byImage.json()).toMatchObject({ ok: true, summary: { profiles: [id('a')], against: reference } })
  const byDirectory = await run('--against', cache, '--sample', '50%')
  expect(byDirectory).toMatchObject({ exitCode: 0 })
  expect(byDirectory.json()).toMatchObject({
    summary: { against: cache, read: { files: 6 }, authenticatedAs: `access key ${s3Env.AWS_ACCESS_KEY_ID}` },
  })
  const byStore = await run('--against', `${url}/`)
  expect(byStore).toMatchObject({ exitCode: 0 })

  const store = await open(prefix)
  await store.remove('ngc/hub/models--nim--meta--test-model/snapshots/0.1+abc/rank0.engine', { signal })
  store.close()
  for (const what of [[reference, '--plain-http'], [cache]]) {
    expect(await run('--against', ...what)).toMatchObject({ exitCode: 3 })
  }
})

async function report(store: Store, profiles: string[] = []) {
  return await reportStore({ store, against, profiles, deep: false, concurrency: 8, signal, report: silent })
}

async function open(prefix: string): Promise<Store> {
  return await openStore(new URL(`s3://models/${prefix}`), {})
}

async function put(store: Store, key: string, bytes: Buffer): Promise<void> {
  await store.put(key, bytes, { crc32c: crc32c(bytes) }, { signal })
}

async function bytesOf(store: Store, key: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(await store.read(key, undefined, { signal })))
}

async function rclone(args: string[]): Promise<void> {
  const env = toolEnvironment({
    RCLONE_S3_PROVIDER: 'Other',
    RCLONE_S3_ENDPOINT: s3Env.AWS_ENDPOINT_URL ?? '',
    RCLONE_S3_ACCESS_KEY_ID: s3Env.AWS_ACCESS_KEY_ID ?? '',
    RCLONE_S3_SECRET_ACCESS_KEY: s3Env.AWS_SECRET_ACCESS_KEY ?? '',
    RCLONE_S3_NO_CHECK_BUCKET: 'true',
    RCLONE_CONFIG: join(await temporaryDirectory(), 'none.conf'),
  })
  await execa(requireProgram('rclone', 'rclone'), args, { env, extendEnv: false })
}
