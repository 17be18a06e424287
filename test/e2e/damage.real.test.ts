import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'

import { makeHubCache } from '../hub-cache.ts'
import { problemsOf } from './documents.ts'
import { nimctl, succeeded } from './nimctl.ts'

const s3 = inject('s3Env')
const model = 'ngc/hub/models--nim--meta--test-model'
const engine = `${model}/snapshots/0.1+abc-l40sx1-bf16.1/rank0.engine`
const nested = `${model}/snapshots/hf-1234567/nested/deep/tokenizer.json`

let directory: string
let client: S3Client
const run = (...args: string[]) =>
  nimctl(args, { env: { ...s3, HOME: directory, NIMCTL_STATE_DIR: join(directory, 'state') } })

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-damage-'))
  client = new S3Client({
    endpoint: s3.AWS_ENDPOINT_URL ?? '',
    region: s3.AWS_REGION ?? '',
    forcePathStyle: true,
    credentials: { accessKeyId: s3.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: s3.AWS_SECRET_ACCESS_KEY ?? '' },
  })
})
afterAll(async () => {
  client.destroy()
  await rm(directory, { recursive: true, force: true })
})

/** How a store is hurt behind nimctl's back. */
interface Store {
  url: string
  put(key: string, bytes: Buffer): Promise<unknown>
  remove(key: string): Promise<unknown>
}

const stores: Record<string, (name: string) => Store> = {
  s3: name => ({
    url: `s3://models/${name}/`,
    put: (key, Body) => client.send(new PutObjectCommand({ Bucket: 'models', Key: `${name}/${key}`, Body })),
    remove: key => client.send(new DeleteObjectCommand({ Bucket: 'models', Key: `${name}/${key}` })),
  }),
  file: name => ({
    url: `${pathToFileURL(join(directory, name)).href}/`,
    put: (key, bytes) => writeFile(join(directory, name, key), bytes),
    remove: key => rm(join(directory, name, key)),
  }),
}

describe.each(Object.keys(stores))('a store of %s://', scheme => {
  let store: Store
  let cache: string
  let whole: Buffer
  beforeEach(async () => {
    const name = `damage-${randomUUID()}`
    cache = join(directory, `cache-${name}`)
    store = stores[scheme]?.(name) as Store
    await makeHubCache(cache)
    whole = await readFile(join(cache, engine))
    succeeded(await run('upload', cache, store.url))
    succeeded(await run('validate', 'store', store.url))
  })

  it.each([
    { damage: 'cut short', key: engine, hurt: () => store.put(engine, whole.subarray(0, -1)) },
    { damage: 'flipped', key: engine, hurt: () => store.put(engine, flipped(whole)) },
    { damage: 'gone', key: nested, hurt: () => store.remove(nested) },
    {
      damage: 'the inventory gone',
      key: '.nimctl/inventory.jsonl',
      hurt: () => store.remove('.nimctl/inventory.jsonl'),
    },
    {
      damage: 'the inventory cut short',
      key: '.nimctl/inventory.jsonl',
      hurt: () => store.put('.nimctl/inventory.jsonl', Buffer.from('{"formatVersion":1,"kind":"Inven')),
    },
  ])('$damage: exit code 3, and the key is named; upload mends it', async ({ key, hurt }) => {
    await hurt()
    const validate = ['validate', 'store', store.url]
    const [inText, inJson] = await Promise.all([run(...validate), run(...validate, '--json')])
    expect(inText.exitCode).toBe(3)
    expect(inText.stdout).toContain(`: ${key}`)
    expect(inText.stdout).toContain('is NOT complete')
    const report = inJson.json()
    expect(inJson.exitCode).toBe(3)
    expect(problemsOf({ ...report, summary: emptyAllowed }, 'CheckReport')).toEqual([])
    const failed = (report.checks as { status: string; path: string; next: string }[]).filter(
      ({ status }) => status === 'failed',
    )
    expect(report.ok).toBe(false)
    expect(failed).toMatchObject([{ path: key, next: expect.any(String) }])

    // A directory keeps no checksums, by which an upload would see the difference; the report says so.
    if (failed[0]?.next.startsWith('Remove it') === true) await store.remove(key)
    expect(await run('upload', cache, store.url)).toMatchObject({ exitCode: 0 })
    expect(await run('validate', 'store', store.url, '--deep')).toMatchObject({ exitCode: 0 })
  })

  it('another upload than the one that was meant', async () => {
    const other = `sha256:${'0'.repeat(64)}`
    const outcome = await run('validate', 'store', store.url, '--inventory-digest', other)
    expect(outcome).toMatchObject({ exitCode: 3 })
    expect(outcome.stdout).toContain(other)
  })

  it('a damaged object is not downloaded', async () => {
    await store.put(await blobOf(cache), flipped(whole))
    const back = join(directory, `back-${randomUUID()}`)
    const outcome = await run('download', store.url, back, '--json')
    expect(outcome.exitCode).toBe(3)
    expect(outcome.json()).toMatchObject({
      code: 'DOWNLOAD_DAMAGED',
      what: expect.stringContaining('is not what was uploaded'),
    })
  })
})

describe('a cache', () => {
  it.each([
    { damage: 'cut short', hurt: (blob: string) => truncate(blob, 100) },
    { damage: 'flipped', hurt: async (blob: string) => writeFile(blob, flipped(await readFile(blob))) },
    { damage: 'gone', hurt: (blob: string) => rm(blob) },
  ])('with a blob that is $damage: exit code 3, and the path is named', async ({ hurt }) => {
    const cache = join(directory, `cache-${randomUUID()}`)
    await makeHubCache(cache)
    const blob = await blobOf(cache)
    await hurt(join(cache, blob))
    const outcome = await run('validate', 'cache', cache, '--deep')
    expect(outcome.exitCode).toBe(3)
    expect(outcome.stdout).toContain(`: ${blob}`)
  })
})

const emptyAllowed = { models: ['-'], profiles: ['-'], files: 0, bytes: 0 }

async function blobOf(cache: string): Promise<string> {
  return join(dirname(engine), await readlink(join(cache, engine)))
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(7) ^ 1, 7)
  return copy
}
