import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { silent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'
import { makeHubCache, smallRecord, temporaryDirectory } from '../hub-cache.ts'
import { azuriteAccount, azuriteClient, containerSas, startAzurite, type Azurite } from '../servers/azurite.ts'
import { startFaultProxy, type FaultProxy } from '../stores/fault-proxy.ts'
import { uploadDirectory } from '../transfer/upload-directory.ts'
import { reportStore } from './store-report.ts'

const { signal } = new AbortController()
const s3Env = inject('s3Env')
const engine = 'ngc/hub/models--nim--meta--test-model/snapshots/0.1+abc-l40sx1-bf16.1/rank0.engine'
const prefix = `asked-${randomUUID()}`

let azurite: Azurite
let proxy: FaultProxy
let cache: string
beforeAll(async () => {
  Object.assign(process.env, s3Env)
  azurite = await startAzurite({ containers: ['models'] })
  proxy = await startFaultProxy(s3Env.AWS_ENDPOINT_URL ?? '')
  cache = join(await temporaryDirectory(), 'cache')
  await makeHubCache(cache)
  await using(openStore(new URL(`s3://models/${prefix}`), {}), upload)
  await using(openAzure(azuriteAccount.key), upload)
})
afterAll(async () => {
  proxy.stop()
  await azurite.stop()
})

it('takes no more than reading and listing, on Azure', async () => {
  const sas = containerSas('models', 'rl', Date.now() + 3_600_000)
  const azure = { account: azuriteAccount.name, sasToken: secret(sas) }
  const opened = openStore(new URL(`az://models/${prefix}`), { endpointUrl: azurite.endpoint, azure })
  const { ok, summary, checks } = await using(opened, report)
  expect(checks.filter(({ status }) => status !== 'ok')).toEqual([])
  expect(ok).toBe(true)
  expect(summary.authenticatedAs).toBe(`storage account ${azuriteAccount.name}, by a shared access signature`)
})

it('takes no more than reading and listing objects, on S3, and names what it could not ask', async () => {
  const forbidden = ({ method = '', url = '' }: IncomingMessage) =>
    !['GET', 'HEAD'].includes(method) || /[?&](?:uploads|versions)\b/.test(url)
  const denied = '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
  proxy.always(forbidden, { type: 'answer', status: 403, headers: { 'content-type': 'application/xml' }, body: denied })
  const { ok, summary, checks } = await using(openByProxy(), report)
  proxy.calm()
  expect(ok).toBe(true)
  expect(checks.filter(({ status }) => status !== 'ok')).toMatchObject([
    { name: 'store.unfinished-upload', status: 'not-provable', next: expect.any(String) },
  ])
  expect(summary.authenticatedAs).toBe(`access key ${s3Env.AWS_ACCESS_KEY_ID}`)
  expect(JSON.stringify({ summary, checks })).not.toContain(s3Env.AWS_SECRET_ACCESS_KEY)
})

const contents = /<Contents>(?:(?!<\/Contents>).)*rank0\.engine(?:(?!<\/Contents>).)*<\/Contents>/gs

it.each([
  ['leaves a key out', (text: string) => text.replaceAll(contents, '')],
  ['tells another size', (text: string) => text.replaceAll(contents, found => found.replace(/<Size>\d+</, '<Size>5<'))],
])('says of a listing that %s that it lies', async (_, change) => {
  proxy.always(({ url = '' }) => url.includes('list-type=2'), { type: 'reword', change })
  const { ok, checks } = await using(openByProxy(), report)
  proxy.calm()
  expect(ok).toBe(false)
  expect(checks.filter(({ status }) => status === 'failed')).toMatchObject([{ name: 'store.listing', path: engine }])
})

it('names as trusted what only the listing says', async () => {
  const { checks } = await using(openAzure(azuriteAccount.key), report)
  const ofContents = checks.filter(({ name }) => name.endsWith('-checksum'))
  expect(new Set(ofContents.map(({ method }) => method))).toEqual(new Set(['listing-checksum']))
})

it('says of a missing key that it was deleted, and that an earlier version is kept', async () => {
  const bucket = `versions-${randomUUID()}`
  const client = new S3Client({
    endpoint: s3Env.AWS_ENDPOINT_URL ?? '',
    region: s3Env.AWS_REGION ?? '',
    forcePathStyle: true,
    credentials: {
      accessKeyId: s3Env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: s3Env.AWS_SECRET_ACCESS_KEY ?? '',
    },
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  client.destroy()
  const { checks } = await using(openStore(new URL(`s3://${bucket}`), {}), async store => {
    await upload(store)
    await store.remove(engine, { signal })
    return await report(store)
  })
  const failed = checks.filter(({ status }) => status === 'failed')
  expect(failed).toMatchObject([
    { name: 'store.link-missing', path: engine, found: expect.stringMatching(/^a delete marker of 20\d\d-/) },
  ])
})

it('says of an archived blob that it has to be restored', async () => {
  const blob = azuriteClient(azurite.endpoint).getContainerClient('models').getBlobClient(`${prefix}/${engine}`)
  await blob.setAccessTier('Archive')
  const { checks } = await using(openAzure(azuriteAccount.key), report)
  expect(checks.filter(({ status }) => status !== 'ok')).toMatchObject([
    { name: 'store.archived', path: engine, found: 'storage class Archive' },
  ])
})

async function using<T>(opened: Promise<Store>, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await opened
  try {
    return await use(store)
  } finally {
    store.close()
  }
}

async function upload(store: Store): Promise<void> {
  await uploadDirectory(cache, store, await temporaryDirectory(), { layout: 'cache', record: smallRecord })
}

async function report(store: Store) {
  return await reportStore({ store, profiles: [], deep: false, concurrency: 8, signal, report: silent })
}

async function openByProxy(): Promise<Store> {
  return await openStore(new URL(`s3://models/${prefix}`), { endpointUrl: proxy.endpoint })
}

async function openAzure(key: string): Promise<Store> {
  const azure = { account: azuriteAccount.name, key: secret(key) }
  return await openStore(new URL(`az://models/${prefix}`), { endpointUrl: azurite.endpoint, azure })
}
