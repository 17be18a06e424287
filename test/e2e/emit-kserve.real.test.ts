import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import type { ContainerVariables } from '../emit/pod-environment.ts'
import { makeHubCache } from '../hub-cache.ts'
import { type AzureHost, startAzureHost } from '../servers/azure-host.ts'
import { azuriteAccount } from '../servers/azurite.ts'
import { type GcsServer, startFakeGcs } from '../servers/gcs.ts'
import { requireParts } from '../servers/install.ts'
import { kserveDownload } from '../servers/kserve.ts'
import { type Nginx, nginxUsers, startNginx } from '../servers/nginx.ts'
import { type Emitted, find, initializerOf } from './kserve-webhook.ts'
import { nimctl, succeeded } from './nimctl.ts'
import { runLoaderContainer } from './run-loader.ts'
import { readContents } from './trees.ts'

const s3 = inject('s3Env')
const root = `emit-kserve-${process.pid}`

let work: string
let gcs: GcsServer
let azure: AzureHost
let nginx: Nginx
const path = (name: string) => join(work, name)
const whole = { repository: 'nim/meta/llama', version: '1', files: { 'config.json': '{}', 'a.engine': 'engine' } }

beforeAll(async () => {
  await requireParts(['kserve'])
  work = await mkdtemp(join(tmpdir(), 'nimctl-emit-kserve-'))
  await makeHubCache(path('full'), { models: [whole] })
  // One of its files is empty.
  await makeHubCache(path('empty'))
  ;[gcs, azure, nginx] = await Promise.all([
    startFakeGcs({ buckets: ['models'] }),
    startAzureHost(work, ['models']),
    startNginx(),
  ])
})
afterAll(async () => {
  await Promise.all([gcs.stop(), azure.stop(), nginx.stop()])
  await rm(work, { recursive: true })
})

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  nimctl(args, {
    env: {
      ...s3,
      ...azure.azurite.env,
      STORAGE_EMULATOR_HOST: gcs.endpoint,
      METADATA_SERVER_DETECTION: 'none',
      NIMCTL_HTTP_USERNAME: 'writer',
      NIMCTL_HTTP_PASSWORD: nginxUsers.writer,
      HOME: work,
      NIMCTL_STATE_DIR: path('state'),
      NIMCTL_RETRIES: '0',
      ...env,
    },
    cwd: work,
  })

interface Case {
  what: string
  url: string
  cache: 'full' | 'empty'
  upload?: string[]
  emit?: string[]
  /** Of the Secret: what the test knows of the server. */
  values: () => Record<string, string>
  /** Of the host, not of the pod: where a server stands in for a service of the internet. */
  env?: () => Record<string, string>
}

const tar = ['--layout', 'tar']
const atAzure = () => ['--endpoint-url', azure.azurite.endpoint, '--ca-file', azure.caFile]
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

function cases(): Case[] {
  const s3Values = () => ({
    AWS_ACCESS_KEY_ID: s3.AWS_ACCESS_KEY_ID ?? '',
    AWS_SECRET_ACCESS_KEY: s3.AWS_SECRET_ACCESS_KEY ?? '',
  })
  const gs = {
    // Asked at an emulator, Google's library does without the key.
    values: () => ({ 'gcloud-application-credentials.json': '{}' }),
    env: () => ({ STORAGE_EMULATOR_HOST: gcs.endpoint, NO_GCE_CHECK: 'true' }),
  }
  const azureCase = {
    upload: atAzure(),
    emit: atAzure(),
    values: () => ({ AZURE_STORAGE_ACCESS_KEY: azuriteAccount.key }),
    env: () => azure.env,
  }
  return [
    { what: 's3', url: `s3://models/${root}/full`, cache: 'full', values: s3Values },
    { what: 's3, archive', url: `s3://models/${root}/tar`, cache: 'empty', upload: tar, values: s3Values },
    { what: 'gs', url: 'gs://models/full', cache: 'empty', ...gs },
    { what: 'gs, archive', url: 'gs://models/tar', cache: 'empty', upload: tar, ...gs },
    { what: 'azure', url: `https://${azure.host}/models/full`, cache: 'full', ...azureCase },
    {
      what: 'azure, archive',
      url: `https://${azure.host}/models/tar`,
      cache: 'empty',
      ...azureCase,
      upload: [...tar, ...atAzure()],
    },
    {
      what: 'https, archive',
      url: `${nginx.endpoint}/private/tar`,
      cache: 'empty',
      upload: tar,
      emit: ['--store-secret', 'web'],
      values: () => ({ headers: JSON.stringify({ Authorization: basic('reader', nginxUsers.reader) }) }),
    },
  ]
}

async function emitFor({ url, emit = [] }: Pick<Case, 'url' | 'emit'>, more: string[] = []): Promise<Emitted> {
  const args = [
    'emit',
    'kserve',
    'llama',
    '--cache',
    url,
    '--image-registry',
    'registry.internal:5000',
    ...emit,
    ...more,
  ]
  return succeeded(await run([...args, '--json'])).json() as unknown as Emitted
}

it("points KServe's own storage initializer at all of the cache, with the Secret that it reads", async () => {
  const told: Record<string, unknown> = {}
  const expected: Record<string, unknown> = {}
  for (const [index, one] of cases().entries()) {
    const { what, url, cache, upload = [], values, env } = one
    succeeded(await run(['upload', path(cache), url, ...upload]))
    const initializer = initializerOf(await emitFor(one), values())
    const mounted = await writeMounted(initializer.files, `secret-${index}`)
    const read = await kserveDownload({
      url: initializer.args[0],
      out: path(`out-${index}`),
      env: { ...env?.(), ...moved(initializer.env, mounted) },
    })
    told[what] = read.exitCode === 0 ? await readContents(path(`out-${index}`)) : read.stderr
    expected[what] = await readContents(path(cache))
  }
  expect(told).toEqual(expected)
})

it("has the same read by nimctl's own image, whatever KServe could not read", async () => {
  const url = `s3://models/${root}/record`
  succeeded(await run(['upload', path('empty'), url, '--links', 'record']))
  const emitted = await emitFor({ url }, ['--loader-image', 'registry.internal:5000/nimctl:0.1.0'])
  const { container } = (find(emitted, 'ClusterStorageContainer') as { spec: { container: Loader } }).spec
  const secrets = {
    'llama-store': {
      AWS_ACCESS_KEY_ID: s3.AWS_ACCESS_KEY_ID ?? '',
      AWS_SECRET_ACCESS_KEY: s3.AWS_SECRET_ACCESS_KEY ?? '',
    },
  }
  const { args } = initializerOf(emitted, {})
  expect(container.env).toContainEqual({ name: 'NIM_CACHE_PATH', value: args[1] })
  const ran = await runLoaderContainer({ container, secrets, target: path('by-nimctl'), args, home: work })
  expect(ran).toMatchObject({ exitCode: 0 })
  expect(await readContents(path('by-nimctl'))).toEqual(await readContents(path('empty')))
})

interface Loader extends ContainerVariables {
  command: string[]
}

/** Volumes of the pod, as files of this host. @returns where each lies. */
async function writeMounted(files: Record<string, string>, name: string): Promise<Record<string, string>> {
  const places: Record<string, string> = {}
  for (const [target, contents] of Object.entries(files)) {
    places[target] = path(name)
    await writeFile(path(name), contents)
  }
  return places
}

function moved(env: Record<string, string>, places: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, places[value] ?? value]))
}
