import { join } from 'node:path'

import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import type { Fault } from '../../fixtures/stand-in/faults.ts'
import { buildStandInImages } from '../../fixtures/stand-in/image.ts'
import { type Ngc, startNgc } from '../../fixtures/stand-in/ngc.ts'
import { buildCache, type BuildCacheRequest } from '../../src/cache/build.ts'
import { inspectImage } from '../../src/image/inspect.ts'
import type { Download } from '../../src/nim/downloads.ts'
import { downloadSymptoms } from '../../src/nim/symptoms.ts'
import { parseModelManifest } from '../../src/profiles/manifest.ts'
import type { ModelManifest } from '../../src/profiles/model-manifest.ts'
import { openCheckLog } from '../../src/system/check.ts'
import type { ContainerEngine } from '../../src/system/container-engine.ts'
import { openDockerEngine } from '../../src/system/docker.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'
import { validateCache } from '../../src/validate/cache.ts'
import { type Proxy, startProxy } from '../fixtures/proxy.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { makeCertificates } from '../servers/certificates.ts'

const never = new AbortController().signal
const { llm2, nimlib, modelFree } = standIns

let engine: ContainerEngine
let ngc: Ngc
let ngcWithTls: Ngc
let caBundle: string
let proxy: Proxy

beforeAll(async () => {
  const host = inject('dockerHost')
  await buildStandInImages({ docker: new Docker({ socketPath: host.replace('unix://', '') }) })
  engine = await openDockerEngine({ env: { DOCKER_HOST: host } })
  const { caFile, key, cert } = await makeCertificates(await temporaryDirectory(), 'company')
  caBundle = caFile
  ngc = await startNgc()
  ngcWithTls = await startNgc({ tls: { key, cert } })
})
afterAll(() => Promise.all([ngc.stop(), ngcWithTls.stop()]))
beforeEach(async () => {
  proxy = await startProxy()
})
afterEach(() => {
  ngc.behave()
  proxy.stop()
})

const throughProxy = () => ({ ...withTls(), HTTPS_PROXY: proxy.url, https_proxy: proxy.url })
const withTls = () => ({
  NGC_API_ENDPOINT: ngcWithTls.endpoint,
  NGC_AUTH_ENDPOINT: ngcWithTls.endpoint,
  NGC_API_SCHEME: 'https',
})

interface Case extends Partial<BuildCacheRequest> {
  reference?: string
  profileIds?: string[]
}

async function build({ reference = llm2.reference, profileIds, ...request }: Case, signal = never) {
  const events: ProgressEvent[] = []
  const report = (event: ProgressEvent) => void events.push(event)
  const directory = join(await temporaryDirectory(), 'cache')
  const image = await inspectImage(engine, reference, { signal: never, report })
  const manifest: ModelManifest =
    image.manifest === undefined ? { schemaVersion: 2, profiles: [] } : parseModelManifest(image.manifest.text)
  const download: Download = { form: 'hub', profileIds: profileIds ?? [manifest.profiles[0]?.id ?? ''] }
  const endpoints = { NGC_API_ENDPOINT: ngc.endpoint, NGC_AUTH_ENDPOINT: ngc.endpoint, NGC_API_SCHEME: 'http' }
  const running = buildCache(
    {
      image,
      manifest,
      directory,
      download,
      lockFile: `${directory}.lock`,
      tool: 'nimctl/test',
      network: 'host',
      key: secret('nvapi-stand-in-0123456789'),
      ...request,
      env: { ...endpoints, ...request.env },
    },
    { engine, signal, report },
  )
  return { running, events, directory }
}

/** Where each cause is shown whose stand-in needs more than a container and an NGC. */
const elsewhere = {
  DISK_FULL: 'test/e2e/cache-errors.real.test.ts',
  CACHE_MOUNTED_IN_PARTS: 'test/fixtures/download-failures.real.test.ts',
  GPU_NEEDED: 'test/e2e/cache-families.real.test.ts',
  // Its last line, and the warning below while nothing comes.
  NGC_CDN_BLOCKED: 'test/nim/symptoms.test.ts',
}

interface Shown extends Case {
  code: string
  fault?: Fault
  /** Matched against the path of the request. */
  at?: string
  answer?: number
  environment?: () => Record<string, string>
}

const shown: Shown[] = [
  { code: 'NGC_KEY_MISSING', env: { NGC_API_KEY: '' } },
  { code: 'NGC_KEY_REFUSED', fault: { type: 'status', status: 401 } },
  { code: 'NGC_NOT_ENTITLED', fault: { type: 'not-a-member' } },
  { code: 'NGC_FORBIDDEN', fault: { type: 'status', status: 403 }, at: '/xfiles/' },
  { code: 'MODEL_NOT_FOUND', fault: { type: 'status', status: 404 } },
  { code: 'NGC_THROTTLED', fault: { type: 'status', status: 429 } },
  { code: 'NGC_UNREACHABLE', env: { NGC_API_ENDPOINT: '127.0.0.1:1' } },
  { code: 'NGC_TLS', environment: withTls },
  { code: 'PROXY_REFUSED', answer: 407, environment: throughProxy },
  { code: 'PROXY_REFUSED', answer: 403, environment: throughProxy },
  { code: 'USER_REFUSED', user: '4321:4321', env: { STAND_IN_REFUSE_USER: '1' } },
  { code: 'CACHE_NOT_WRITABLE', user: '4321:4321', env: { NIM_CACHE_PATH: '/opt' } },
  { code: 'PROFILE_UNKNOWN', reference: nimlib.reference, profileIds: ['f'.repeat(64)] },
  {
    code: 'HF_TOKEN_NEEDED',
    reference: modelFree.reference,
    download: { form: 'uri', uri: 'hf://example/llama-gated' },
    environment: () => ({ HF_ENDPOINT: ngc.url }),
  },
  { code: 'CONTAINER_FAILED', fault: { type: 'wrong-bytes' }, at: 'tokenizer.json' },
  // The cause that it ignored, though it exits with 0.
  {
    code: 'NGC_KEY_REFUSED',
    reference: nimlib.reference,
    env: { NIM_IGNORE_MODEL_DOWNLOAD_FAIL: '1' },
    fault: { type: 'status', status: 401 },
  },
  {
    code: 'DOWNLOAD_FAILURE_IGNORED',
    reference: nimlib.reference,
    env: { NIM_IGNORE_MODEL_DOWNLOAD_FAIL: '1' },
    fault: { type: 'wrong-bytes' },
    at: 'config.pbtxt',
  },
]

it.each(shown)('$code $fault.type', async ({ code, fault, at = '.', answer, environment, ...request }) => {
  if (fault !== undefined) ngc.misbehave({ path: at, fault })
  if (answer !== undefined) proxy.answerWith(answer)
  const caused = answer === undefined ? {} : { caBundle }
  const { running } = await build({ ...request, ...caused, env: { ...request.env, ...environment?.() } })
  await expect(running).rejects.toMatchObject({ code, next: expect.any(String) })
})

it('every cause that is known has a stand-in that shows it', () => {
  const known = new Set(downloadSymptoms.map(({ code }) => code))
  const seen = new Set([...shown.map(({ code }) => code), ...Object.keys(elsewhere)])
  expect([...known].filter(code => !seen.has(code))).toEqual([])
})

it('goes through the proxy, trusts the CA that it is handed, and asks directly what NO_PROXY names', async () => {
  expect(await (await build({ caBundle, env: throughProxy() })).running).toMatchObject({ ok: true })
  const tunnels = proxy.tunnels.splice(0)
  expect(new Set(tunnels)).toEqual(new Set([ngcWithTls.endpoint]))
  const directly = { ...throughProxy(), NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' }
  expect(await (await build({ caBundle, env: directly })).running).toMatchObject({ ok: true })
  expect(proxy.tunnels).toEqual([])
})

it('hands on a token for a gated model, and shows it nowhere', async () => {
  const token = secret('hf_stand_in_token_0123456789')
  const env = { HF_ENDPOINT: ngc.url, HF_TOKEN: token }
  const download = { form: 'uri', uri: 'hf://example/llama-gated' } as const
  const { running, events } = await build({ reference: modelFree.reference, download, env })
  const result = await running
  expect(result).toMatchObject({ ok: true, models: [{ name: 'example/llama-gated' }] })
  expect(JSON.stringify([result, events])).not.toContain('hf_stand_in')
})

it('finds a stub in the place of a model by its checksum, which a container takes for good', async () => {
  ngc.misbehave({ path: 'model-00002', fault: { type: 'stub' } })
  const { running, directory } = await build({})
  expect(await running).toMatchObject({ ok: true })
  const options = { deep: true, checks: openCheckLog(), concurrency: 2, signal: never, report: () => {} }
  const serveAs = { uid: 1000, gid: 2000 }
  const { checks } = await validateCache({ directory, expected: { profiles: [], foreign: [] }, serveAs, ...options })
  const failed = (await Array.fromAsync(checks)).filter(({ status }) => status === 'failed')
  expect(failed).toMatchObject([{ name: 'cache.link-content', expected: expect.stringContaining('blake3 ') }])
})

it('says what it may be when nothing comes any more, and waits on', async () => {
  ngc.misbehave({ path: '/files$', fault: { type: 'hang' } })
  const abort = new AbortController()
  const { running, events } = await build({ silenceMs: 1000 }, abort.signal)
  const outcome = running.catch((error: unknown) => error)
  const warnings = () => events.flatMap(event => (event.event === 'warning' ? [[event.code, event.message]] : []))
  await expect
    .poll(warnings, { timeout: 60_000 })
    .toContainEqual(['DOWNLOAD_SILENT', expect.stringContaining('allow xfiles.ngc.nvidia.com')])
  abort.abort(new Error('Ctrl-C'))
  expect(await outcome).toMatchObject({ message: 'Ctrl-C' })
})
