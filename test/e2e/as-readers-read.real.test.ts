import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import { makeHubCache } from '../hub-cache.ts'
import { aws } from '../servers/aws-cli.ts'
import { type AzureHost, startAzureHost } from '../servers/azure-host.ts'
import { azuriteClient, containerSas } from '../servers/azurite.ts'
import { type GcsServer, startFakeGcs } from '../servers/gcs.ts'
import { requireParts } from '../servers/install.ts'
import { kserveDownloads } from '../servers/kserve.ts'
import { type Nginx, startNginx } from '../servers/nginx.ts'
import { nimctl, succeeded } from './nimctl.ts'
import { readContents } from './trees.ts'

const s3 = inject('s3Env')
const root = `as-readers-read-${process.pid}`

let work: string
let client: S3Client
let gcs: GcsServer
let azure: AzureHost
let nginx: Nginx
let readerEnv: Record<string, string>
const path = (name: string) => join(work, name)
const whole = { repository: 'nim/meta/llama', version: '1', files: { 'config.json': '{}', 'a.engine': 'engine' } }

beforeAll(async () => {
  await requireParts(['kserve', 'aws'])
  work = await mkdtemp(join(tmpdir(), 'nimctl-as-readers-read-'))
  await makeHubCache(path('full'), { models: [whole] })
  // One of its files is empty.
  await makeHubCache(path('empty'))
  client = new S3Client({
    endpoint: s3.AWS_ENDPOINT_URL ?? '',
    region: s3.AWS_REGION ?? '',
    forcePathStyle: true,
    credentials: { accessKeyId: s3.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: s3.AWS_SECRET_ACCESS_KEY ?? '' },
  })
  ;[gcs, azure, nginx] = await Promise.all([
    startFakeGcs({ buckets: ['models', 'root'] }),
    startAzureHost(work, ['models']),
    startNginx(),
  ])
  readerEnv = { ...s3, ...azure.env, STORAGE_EMULATOR_HOST: gcs.endpoint, NO_GCE_CHECK: 'true' }
})
afterAll(async () => {
  client.destroy()
  await Promise.all([gcs.stop(), azure.stop(), nginx.stop()])
  await rm(work, { recursive: true })
})

const run = (args: readonly string[]) =>
  nimctl(args, {
    env: {
      ...s3,
      ...azure.azurite.env,
      STORAGE_EMULATOR_HOST: gcs.endpoint,
      METADATA_SERVER_DETECTION: 'none',
      HOME: work,
      NIMCTL_STATE_DIR: path('state'),
      NIMCTL_RETRIES: '0',
    },
    cwd: work,
  })

interface Bucket {
  what: string
  /** Given to KServe and to nimctl alike. */
  url: string
  cache: 'full' | 'empty'
  /** Where the upload goes; absent: to the URL. */
  to?: string
  flags?: string[]
  /** What somebody does to it afterwards. */
  afterwards?: () => Promise<unknown>
  /** The check that fails; absent: it is complete. */
  fails?: string
}

const s3Url = (name: string) => `s3://models/${root}/${name}`
const azureUrl = (name: string) => `https://${azure.host}/models/${name}`
const webUrl = (name: string) => `${nginx.endpoint}/${name}`
const tar = ['--layout', 'tar']
const s3Key = (key: string) => ({ Bucket: 'models', Key: `${root}/${key}` })
const putS3 = (key: string) => client.send(new PutObjectCommand({ ...s3Key(key), Body: 'other' }))
const putAzure = (key: string) =>
  azuriteClient(azure.azurite.endpoint, { ca: readFileSync(azure.caFile, 'utf8') })
    .getContainerClient('models')
    .getBlockBlobClient(key)
    .upload('x', 1)
const putGcs = (key: string) =>
  fetch(`${gcs.endpoint}/upload/storage/v1/b/models/o?uploadType=media&name=${encodeURIComponent(key)}`, {
    method: 'POST',
    body: 'x',
  })

function buckets(): Bucket[] {
  return [
    { what: 's3, whole', url: s3Url('whole/'), cache: 'full' },
    { what: 's3, without a slash, alone', url: s3Url('alone'), cache: 'full' },
    {
      what: 's3, without a slash, with a neighbour',
      url: s3Url('v1'),
      cache: 'full',
      afterwards: () => putS3('v1-lora/adapter.bin'),
      fails: 'reader.sibling',
    },
    {
      what: 's3, with a slash, with a neighbour',
      url: s3Url('v2/'),
      cache: 'full',
      afterwards: () => putS3('v2-lora/adapter.bin'),
    },
    { what: 's3, an empty file', url: s3Url('empty/'), cache: 'empty', fails: 'reader.empty-file' },
    {
      what: 's3, a file removed',
      url: s3Url('short/'),
      cache: 'full',
      afterwards: () => client.send(new DeleteObjectCommand(s3Key(`short/${snapshotFile}`))),
      fails: 'store.link-missing',
    },
    {
      what: 's3, links recorded',
      url: s3Url('record/'),
      cache: 'full',
      flags: ['--links', 'record'],
      fails: 'reader.links',
    },
    { what: 's3, archive', url: s3Url('tar/cache.tar'), to: s3Url('tar/'), cache: 'empty', flags: tar },
    { what: 's3, the folder of an archive', url: s3Url('tar2/'), cache: 'full', flags: tar, fails: 'reader.archive' },
    { what: 's3, percent signs', url: s3Url('a%2Bb/'), cache: 'full', fails: 'reader.address' },
    { what: 'gs, whole, with an empty file', url: 'gs://models/whole', cache: 'empty' },
    { what: 'gs, archive', url: 'gs://models/tar/cache.tar', to: 'gs://models/tar', cache: 'empty', flags: tar },
    { what: "gs, a bucket's root", url: 'gs://root', cache: 'full', fails: 'reader.address' },
    {
      what: 'gs, a file with the name of a folder',
      url: 'gs://models/both/',
      cache: 'full',
      afterwards: () => putGcs('both/ngc'),
      fails: 'reader.collision',
    },
    { what: 'azure, whole', url: azureUrl('whole'), cache: 'full' },
    { what: 'azure, an empty file', url: azureUrl('empty'), cache: 'empty', fails: 'reader.empty-file' },
    {
      what: 'azure, a neighbour in spite of the slash',
      url: azureUrl('v1/'),
      cache: 'full',
      afterwards: () => putAzure('v1-lora/adapter.bin'),
      fails: 'reader.sibling',
    },
    {
      what: 'azure, a neighbour of the archive',
      url: azureUrl('tar/cache.tar'),
      to: azureUrl('tar/'),
      cache: 'full',
      flags: tar,
      afterwards: () => putAzure('tar/cache.tar.md5'),
      fails: 'reader.sibling',
    },
    { what: 'https, archive', url: webUrl('dav/tar/cache.tar'), to: webUrl('dav/tar/'), cache: 'empty', flags: tar },
    {
      what: 'https, archive as plain text',
      url: webUrl('plain/tar/cache.tar'),
      to: webUrl('plain/tar/'),
      cache: 'full',
      flags: tar,
      fails: 'reader.content-type',
    },
    { what: 'https, a folder', url: webUrl('dav/folder'), cache: 'full', fails: 'reader.one-file' },
  ]
}

const snapshotFile = 'ngc/hub/models--nim--meta--llama/snapshots/1/config.json'

it("says of each bucket what KServe's storage initializer makes of it", async () => {
  const all = buckets()
  const sas = containerSas('models', 'rl', Date.now() + 3600_000)
  for (const { url, to = url, cache, flags = [], afterwards } of all) {
    succeeded(await run(['upload', path(cache), to, ...flags, ...flagsFor(to)]))
    await afterwards?.()
  }
  const downloads = all.map(({ url }, index) => ({
    url: url.startsWith(`https://${azure.host}`) ? `${url}?${sas}` : url,
    out: path(`out-${index}`),
  }))
  const errors = await kserveDownloads(downloads, readerEnv)
  const told: unknown[] = []
  for (const [index, { what, url, cache }] of all.entries()) {
    const arrived = await readContents(path(`out-${index}`)).catch(() => ({}))
    const complete = errors[index] === null && isSame(arrived, await readContents(path(cache)))
    told.push({ what, complete, failed: await failedChecks(url, 'kserve') })
  }
  expect(told).toEqual(
    all.map(({ what, fails }) => ({
      what,
      complete: fails === undefined,
      failed: fails === undefined ? [] : [fails],
    })),
  )
})

it.each([
  { what: 'whole', name: 'back', flags: [], fails: [] },
  { what: 'links recorded', name: 'back-record', flags: ['--links', 'record'], fails: ['reader.links'] },
])('says of a bucket what aws s3 sync brings back: $what', async ({ name, flags, fails }) => {
  // With a neighbour, which does not come along: aws ends the prefix with a slash.
  const [url, out] = [s3Url(name), path(name)]
  succeeded(await run(['upload', path('empty'), url, ...flags]))
  await putS3(`${name}-lora/adapter.bin`)
  expect(await aws(['s3', 'sync', '--no-progress', url, out], s3)).toMatchObject({ exitCode: 0 })
  const complete = isSame(await readContents(out), await readContents(path('empty')))
  expect({ complete, failed: await failedChecks(url, 'aws-sync') }).toEqual({
    complete: fails.length === 0,
    failed: fails,
  })
})

it.each([
  { reader: 'nim', url: () => s3Url('raw/'), code: 'OVERRIDE_PREFIX' },
  { reader: 'nim', url: () => 's3://models', code: 'READER_LAYOUT' },
  { reader: 'aws-sync', url: () => 'gs://models/whole', code: 'READER_STORE' },
])('refuses what $reader can not read: $code', async ({ reader, url, code }) => {
  // In this bucket lie the raw caches of other tests too, and no inventory at its root.
  succeeded(await run(['upload', path('full'), s3Url('raw/')]))
  const refused = await run(['validate', 'store', url(), '--reader', reader, '--json'])
  expect(refused.exitCode).toBe(2)
  expect(refused.json()).toMatchObject({ kind: 'Error', code })
})

it('tells Hybrid Manager the folder of the model, where it comes twice', async () => {
  await makeHubCache(path('model-cache/nim-x'), { models: [whole] })
  const url = s3Url('model-cache/nim-x/')
  succeeded(await run(['upload', path('model-cache'), url, '--layout', 'plain']))
  expect(await failedChecks(url, 'hm')).toEqual(['reader.doubled'])
  succeeded(await run(['upload', path('model-cache/nim-x'), s3Url('model-cache/nim-y/')]))
  expect(await failedChecks(s3Url('model-cache/nim-y'), 'hm')).toEqual([])
})

async function failedChecks(url: string, reader: string): Promise<string[]> {
  const report = await run(['validate', 'store', url, '--reader', reader, '--json', ...flagsFor(url)])
  const { ok, checks } = report.json() as { ok: boolean; checks: { name: string; status: string }[] }
  const failed = checks.filter(({ status }) => status === 'failed').map(({ name }) => name)
  expect({ ok, exitCode: report.exitCode }).toEqual({ ok: failed.length === 0, exitCode: failed.length === 0 ? 0 : 3 })
  return [...new Set(failed)]
}

const flagsFor = (url: string) =>
  url.startsWith(`https://${azure.host}`) ? ['--endpoint-url', azure.azurite.endpoint, '--ca-file', azure.caFile] : []

/** The inventory comes along; nothing else may. */
function isSame(arrived: Record<string, string>, cache: Record<string, string>): boolean {
  return JSON.stringify(Object.entries(arrived)) === JSON.stringify(Object.entries(cache))
}
