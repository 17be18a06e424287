import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'

import { codeBlocks, readPage } from '../docs/markdown.ts'
import { makeHubCache } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'
import { aws } from '../servers/aws-cli.ts'
import type { Keys } from '../servers/create-buckets.ts'
import { type Seaweedfs, startSeaweedfs } from '../servers/seaweedfs.ts'
import { startVersitygw, type Versitygw } from '../servers/versitygw.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'
import { type StandInKeys, startStandInKeys } from '../stores/stand-in-keys.ts'
import { nimctl, type Outcome, succeeded } from './nimctl.ts'
import { readContents, readTree } from './trees.ts'

const admin = { accessKeyId: 'admin', secretAccessKey: 'admin-secret' }
const second = { accessKeyId: 'second', secretAccessKey: 'second-secret' }
const reader = { accessKeyId: 'reader', secretAccessKey: 'reader-secret' }
const uploader = { accessKeyId: 'uploader', secretAccessKey: 'uploader-secret' }
const mebibyte = 2 ** 20
const partSize = 5 * mebibyte
/** Below, at and above one part and two. */
const sizes = [0, 1, partSize - 1, partSize, partSize + 1, 2 * partSize, 2 * partSize + 5]

let keys: StandInKeys
let seaweedfs: Seaweedfs
let versitygw: Versitygw
let directory: string
let proxy: FaultProxy
const path = (name: string) => join(directory, name)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-s3-'))
  const files = { 'config.json': '{}', 'empty.txt': '', 'model.safetensors': seeded(1).bytes(2 * partSize + 1) }
  await makeHubCache(path('cache'), { models: [{ repository: 'nim/meta/test-model', version: '1', files }] })
  const weights = seeded(2).bytes(2 * partSize + 5)
  await mkdir(path('sizes'))
  for (const size of sizes) await writeFile(path(`sizes/${size}`), weights.subarray(0, size))
  keys = await startStandInKeys()
  const everything = ['Admin', 'Read', 'List', 'Tagging', 'Write']
  const others = [
    { keys: second, actions: everything },
    { keys: reader, actions: ['Read', 'List'] },
    { keys: uploader, actions: ['Read', 'List', 'Write'] },
  ]
  const common = { credentials: admin, buckets: ['models'] }
  ;[seaweedfs, versitygw] = await Promise.all([
    startSeaweedfs({ ...common, others, keyService: keys.address }),
    startVersitygw({ ...common, others: [reader, uploader] }),
  ])
  await setPolicies(versitygw.endpoint)
})
afterAll(async () => {
  await Promise.all([seaweedfs.stop(), versitygw.stop()])
  keys.stop()
  await rm(directory, { recursive: true })
})
afterEach(() => proxy.stop())

/** Those of docs/stores/s3.md, as one policy of the bucket. */
async function setPolicies(endpoint: string): Promise<void> {
  const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: admin })
  const Statement = [...documentedStatements('read', reader), ...documentedStatements('upload', uploader)]
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'models', Policy }))
  s3.destroy()
}

function documentedStatements(name: string, { accessKeyId }: Keys): object[] {
  const page = readPage('docs/stores/s3.md')
  const from = page.text.indexOf(`<!-- policy: ${name} -->`)
  const [block] = codeBlocks({ ...page, text: page.text.slice(from) })
  const { Statement }: { Statement: object[] } = JSON.parse(block?.text ?? '')
  return Statement.map(statement => ({ ...statement, Principal: { AWS: [accessKeyId] } }))
}

function environment({ accessKeyId, secretAccessKey }: Keys, state = 'state'): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: proxy.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    HOME: directory,
    NIMCTL_STATE_DIR: path(state),
    NIMCTL_RETRIES: '1',
  }
}

const run = (who: Keys, ...args: string[]): Promise<Outcome> => nimctl(args, { env: environment(who), cwd: directory })

describe.each(['SeaweedFS', 'VersityGW'])('permissions at %s', name => {
  const url = 's3://models/permitted'
  const server = () => (name === 'SeaweedFS' ? seaweedfs : versitygw)
  beforeEach(async () => {
    proxy = await startFaultProxy(server().endpoint)
  })

  it('to upload suffice to upload, to go on without a journal, and to clean up', async () => {
    succeeded(await run(uploader, 'upload', 'cache', url, '--part-size', '5Mi'))
    const again = await nimctl(['upload', 'cache', url, '--json'], {
      env: environment(uploader, 'another-state'),
      cwd: directory,
    })
    expect(succeeded(again).json()).toMatchObject({ destinations: [{ uploadedFiles: 0 }] })
    succeeded(await run(uploader, 'cleanup', url))
  })

  it('to list and read suffice for what only reads, and no writing request is sent', async () => {
    const begun = proxy.seen.length
    succeeded(await run(reader, 'list', 's3://models/'))
    succeeded(await run(reader, 'validate', 'store', url, '--deep'))
    succeeded(await run(reader, 'download', url, `back-${name}`))
    succeeded(await run(reader, 'upload', 'cache', 's3://models/planned', '--dry-run'))
    succeeded(await run(reader, 'upload', url, `file://${path(`carried-${name}`)}`))
    expect(proxy.seen.slice(begun).filter(line => !/^(GET|HEAD) /.test(line))).toEqual([])
    expect(await readTree(path(`back-${name}`))).toEqual(await readTree(path('cache')))
  })

  it('to list and read do not suffice to write: exit 4 names what is missing', async () => {
    const refused = await run(reader, 'upload', 'cache', 's3://models/forbidden', '--json')
    expect({ exitCode: refused.exitCode, ...refused.json() }).toMatchObject({
      exitCode: 4,
      code: 'ACCESS_DENIED',
      what: expect.stringContaining('s3:PutObject on s3://models/forbidden/'),
    })
  })
})

describe('settings', () => {
  const upload = (url: string, ...flags: string[]) =>
    run(admin, 'upload', 'cache', url, '--part-size', '5Mi', '--json', ...flags)

  /** What the server says of every object below a prefix. */
  async function describeAll(Prefix: string, endpoint: string): Promise<HeadObjectCommandOutput[]> {
    const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: admin })
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'models', Prefix }))
    const ask = ({ Key = '' }) => s3.send(new HeadObjectCommand({ Bucket: 'models', Key }))
    const described = await Promise.all(Contents.map(ask))
    s3.destroy()
    // Three blobs, three keys of the snapshot, the version's name, the inventory.
    expect(described.length).toBeGreaterThan(6)
    return described
  }

  it('are those of every object in SeaweedFS: class, tags, who pays', async () => {
    proxy = await startFaultProxy(seaweedfs.endpoint)
    const flags = ['--storage-class', 'STANDARD_IA', '--tagging', 'team=ml&stage=a b', '--request-payer', 'requester']
    succeeded(await upload('s3://models/classed', ...flags))
    const objects = await describeAll('classed/', seaweedfs.endpoint)
    for (const object of objects) expect(object).toMatchObject({ StorageClass: 'STANDARD_IA', TagCount: 2 })
  })

  it.each([
    { flags: ['--sse', 'AES256'], says: { ServerSideEncryption: 'AES256' } },
    {
      flags: ['--sse-kms-key-id', 'models-key'],
      says: { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'models-key' },
    },
  ])('encrypt every object in SeaweedFS with $flags, proved by its checksum', async ({ flags, says }) => {
    proxy = await startFaultProxy(seaweedfs.endpoint)
    const prefix = `encrypted-${says.ServerSideEncryption.replace(':', '-')}`
    const uploaded = succeeded(await upload(`s3://models/${prefix}`, '--require', 'full-checksum', ...flags))
    expect(uploaded.json()).toMatchObject({ destinations: [{ proof: { parts: 0, etag: 0, size: 0 } }] })
    for (const object of await describeAll(`${prefix}/`, seaweedfs.endpoint)) expect(object).toMatchObject(says)
    expect(keys.used.has('models-key')).toBe(says.ServerSideEncryption === 'aws:kms')
    succeeded(await run(admin, 'download', `s3://models/${prefix}`, prefix))
    expect(await readTree(path(prefix))).toEqual(await readTree(path('cache')))
  })

  it('are tags of every object in VersityGW', async () => {
    proxy = await startFaultProxy(versitygw.endpoint)
    succeeded(await upload('s3://models/tagged', '--tagging', 'team=ml'))
    for (const object of await describeAll('tagged/', versitygw.endpoint)) expect(object).toMatchObject({ TagCount: 1 })
  })

  it('fail where VersityGW would store in the clear', async () => {
    proxy = await startFaultProxy(versitygw.endpoint)
    const failed = await upload('s3://models/clear', '--sse', 'AES256')
    expect({ exitCode: failed.exitCode, ...failed.json() }).toMatchObject({
      exitCode: 3,
      code: 'ENCRYPTION_NOT_CONFIRMED',
    })
  })
})

it('goes on with other credentials of a program when the first ones have ended', async () => {
  proxy = await startFaultProxy(seaweedfs.endpoint)
  const soon = new Date(Date.now() + 3_600_000).toISOString()
  const script = `import { appendFileSync, readFileSync } from 'node:fs'
    appendFileSync(${JSON.stringify(path('asked'))}, 'x')
    const keys = readFileSync(${JSON.stringify(path('asked'))}, 'utf8') === 'x' ? ${JSON.stringify(admin)} : ${JSON.stringify(second)}
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = keys
    console.log(JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey, Expiration: '${soon}' }))`
  await writeFile(path('give.mjs'), script)
  await writeFile(path('config'), `[profile program]\ncredential_process = ${process.execPath} ${path('give.mjs')}\n`)
  let parts = 0
  const isOver = ({ method, url = '', headers }: IncomingMessage) => {
    if (method === 'PUT' && url.includes('partNumber=')) parts += 1
    return parts > 1 && headers.authorization?.includes('Credential=admin/') === true
  }
  const body = '<?xml version="1.0"?><Error><Code>ExpiredToken</Code></Error>'
  proxy.always(isOver, { type: 'answer', status: 400, body })
  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...env } = environment(admin, 'program')
  const args = ['upload', 'cache', 's3://models/program', '--part-size', '5Mi', '--aws-profile', 'program']
  succeeded(await nimctl(args, { env: { ...env, AWS_CONFIG_FILE: path('config') }, cwd: directory }))
  expect(parts).toBeGreaterThan(1)
})

it.each([
  { store: 'SeaweedFS', proof: 'full-checksum', env: inject('s3Env') },
  { store: 'VersityGW', proof: 'full-checksum', env: inject('versityEnv') },
  { store: 'a server that refuses CRC32C', proof: 'parts', env: inject('s3Env') },
  { store: 'a directory', proof: 'size', env: undefined },
])(
  `$store proves files of ${sizes.join(', ')} bytes by $proof, and they are read back`,
  async ({ store, proof, env }) => {
    const name = `sizes-${process.pid}-${store.length}`
    proxy = await startFaultProxy(env?.AWS_ENDPOINT_URL ?? 'http://127.0.0.1:1')
    if (proof === 'parts') refuseNewerHeaders()
    const url = env === undefined ? `file://${path(name)}` : `s3://models/${name}`
    const uploaded = await nimctl(['upload', 'sizes', url, '--layout', 'plain', '--part-size', '5Mi', '--json'], {
      env: { ...environment(admin), ...env, AWS_ENDPOINT_URL: proxy.endpoint },
      cwd: directory,
    })
    const none = { 'full-checksum': 0, parts: 0, etag: 0, size: 0 }
    expect(succeeded(uploaded).json()).toMatchObject({ destinations: [{ proof: { ...none, [proof]: sizes.length } }] })
    const back = env === undefined ? name : `back-${name}`
    if (env !== undefined) await aws(['s3', 'cp', '--recursive', '--no-progress', url, path(back)], env)
    expect(await readContents(path(back))).toEqual(await readContents(path('sizes')))
    await rm(path(back), { recursive: true })
  },
)

function refuseNewerHeaders(): void {
  const isNewer = ({ headers }: IncomingMessage) =>
    Object.keys(headers).some(name => name.startsWith('x-amz-checksum-'))
  const body = '<?xml version="1.0"?><Error><Code>InvalidArgument</Code></Error>'
  proxy.always(isNewer, { type: 'answer', status: 400, body })
}
