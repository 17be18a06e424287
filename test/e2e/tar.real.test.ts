import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { encodeHeader, layOutTar } from '../../src/transfer/tar-layout.ts'
import { makeHubCache } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'
import { kserveDownload } from '../servers/kserve.ts'
import { startFaultProxy } from '../stores/fault-proxy.ts'
import { problemsOf } from './documents.ts'
import { nimctl, startNimctl, succeeded } from './nimctl.ts'
import { readTree } from './trees.ts'

const mebibyte = 2 ** 20
const s3 = inject('s3Env')
const partSize = 5 * mebibyte

let client: S3Client
let work: string
let cache: string
let tree: Record<string, string>
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'nimctl-tar-'))
  client = new S3Client({
    endpoint: s3.AWS_ENDPOINT_URL ?? '',
    region: s3.AWS_REGION ?? '',
    forcePathStyle: true,
    credentials: { accessKeyId: s3.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: s3.AWS_SECRET_ACCESS_KEY ?? '' },
  })
  cache = join(work, 'cache')
  await makeHubCache(cache)
  await addOddNames(cache)
  await writeFile(join(cache, 'ngc/large.bin'), seeded(1).bytes(16 * mebibyte))
  tree = await readTree(cache)
})
afterAll(async () => {
  client.destroy()
  await rm(work, { recursive: true })
})

const env = (endpoint?: string) => ({
  ...s3,
  HOME: work,
  NIMCTL_STATE_DIR: join(work, 'state'),
  NIMCTL_RETRIES: '0',
  ...(endpoint !== undefined && { AWS_ENDPOINT_URL: endpoint }),
})
const run = (...args: string[]) => nimctl(args, { env: env() })
const send = (url: string) => ['upload', cache, url, '--layout', 'tar', '--part-size', String(partSize), '--json']

async function addOddNames(root: string): Promise<void> {
  const folder = `${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(120)}`
  const names = [
    'n'.repeat(100),
    'n'.repeat(101),
    'n'.repeat(255),
    `${folder}/deep`,
    'ünï😀',
    'a\nline',
    ' space',
    '-dash',
  ]
  for (const name of names) {
    const path = join(root, 'odd', name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, name, { mode: 0o751 })
  }
  await symlink(`./${folder}/deep`, join(root, 'odd/far'))
  await symlink('ünï😀', join(root, 'odd/línk'))
  await mkdir(join(root, 'odd/empty'))
}

/** With the system's tar, which knows nothing of nimctl. */
async function unpack(archive: string): Promise<Record<string, string>> {
  const directory = await mkdtemp(join(work, 'unpacked-'))
  const { stderr } = await execa('tar', ['--extract', '--file', archive, '--directory', directory])
  expect(stderr).toBe('')
  return await readTree(directory)
}

interface Place {
  url: string
  /** Brings the archive here. */
  fetch(): Promise<string>
  put(bytes: Buffer): Promise<unknown>
  remove(key: string): Promise<unknown>
}

const places: Record<string, (name: string) => Place> = {
  s3(name) {
    const prefix = `tar-${process.pid}/${name}/`
    const object = (key: string) => ({ Bucket: 'models', Key: `${prefix}${key}` })
    return {
      url: `s3://models/${prefix}`,
      async fetch() {
        const archive = join(work, `${name}-s3.tar`)
        const { Body } = await client.send(new GetObjectCommand(object('cache.tar')))
        await writeFile(archive, (await Body?.transformToByteArray()) ?? '')
        return archive
      },
      put: Body => client.send(new PutObjectCommand({ ...object('cache.tar'), Body })),
      remove: key => client.send(new DeleteObjectCommand(object(key))),
    }
  },
  file(name) {
    const directory = join(work, `${name}-file`)
    return {
      url: `${pathToFileURL(directory).href}/`,
      fetch: async () => join(directory, 'cache.tar'),
      put: bytes => writeFile(join(directory, 'cache.tar'), bytes),
      remove: key => rm(join(directory, key)),
    }
  },
}

describe.each(Object.keys(places))('layout tar in %s://', scheme => {
  const placeFor = (name: string) => places[scheme]?.(name) as Place

  it('is unpacked by the system’s tar, and comes back by download; a second run sends nothing', async () => {
    const whole = placeFor('whole')
    const { url } = whole
    const planned = (await run(...send(url), '--dry-run')).json()
    expect(problemsOf(planned, 'TransferPlan')).toEqual([])
    expect(planned).toMatchObject({
      destinations: [{ layout: 'tar', steps: [{ action: 'upload', key: 'cache.tar', reason: 'missing' }] }],
    })
    expect(succeeded(await run(...send(url))).json()).toMatchObject({
      destinations: [{ layout: 'tar', links: 'record', uploadedFiles: 1 }],
    })
    expect(await unpack(await whole.fetch())).toEqual(tree)
    expect(succeeded(await run(...send(url))).json()).toMatchObject({
      destinations: [{ uploadedBytes: 0, skippedFiles: 1 }],
    })

    const back = join(work, `back-${scheme}`)
    succeeded(await run('download', url, back))
    expect(await readTree(back)).toEqual(tree)
    expect(await run('validate', 'store', url)).toMatchObject({ exitCode: 0 })
    expect((await run('list', url, '--json')).json()).toMatchObject({
      caches: [
        { layout: 'tar', files: Object.values(tree).filter(what => what !== 'directory').length, complete: true },
      ],
    })
  })

  it('goes from store to store as it is, and becomes files where that is asked for', async () => {
    const from = placeFor('from')
    succeeded(await run(...send(from.url)))
    const to = placeFor('to')
    expect(succeeded(await run('upload', from.url, to.url, '--json')).json()).toMatchObject({
      destinations: [{ layout: 'tar', ...(scheme === 's3' ? { copiedFiles: 1 } : { uploadedFiles: 1 }) }],
    })
    expect((await readFile(await to.fetch())).equals(await readFile(await from.fetch()))).toBe(true)

    const files = placeFor('files')
    succeeded(await run('upload', from.url, files.url, '--layout', 'cache'))
    succeeded(await run('download', files.url, join(work, `files-back-${scheme}`)))
    expect(await readTree(join(work, `files-back-${scheme}`))).toEqual(tree)
  })

  it.each([
    { damage: 'cut short', key: 'cache.tar', hurt: (place: Place, whole: Buffer) => place.put(whole.subarray(0, -1)) },
    { damage: 'flipped', key: 'cache.tar', hurt: (place: Place, whole: Buffer) => place.put(flipped(whole)) },
    { damage: 'gone', key: 'cache.tar', hurt: (place: Place) => place.remove('cache.tar') },
    {
      damage: 'without inventory',
      key: '.nimctl/inventory.jsonl',
      hurt: (place: Place) => place.remove('.nimctl/inventory.jsonl'),
    },
  ])('is not complete when it is $damage: exit code 3, and the key is named', async ({ damage, key, hurt }) => {
    const place = placeFor(damage.replaceAll(' ', '-'))
    succeeded(await run(...send(place.url)))
    await hurt(place, await readFile(await place.fetch()))
    const outcome = await run('validate', 'store', place.url, '--json')
    expect(outcome.exitCode).toBe(3)
    const { checks } = outcome.json() as { checks: { status: string; path: string }[] }
    expect(checks.filter(({ status }) => status === 'failed')).toMatchObject([{ path: key }])
  })
})

it('goes on after a kill with the parts that are missing', async () => {
  const place = places['s3']?.('killed') as Place
  const proxy = await startFaultProxy(s3.AWS_ENDPOINT_URL ?? '')
  const partNumber = ({ url = '' }: IncomingMessage) => Number(/[?&]partNumber=(\d+)/.exec(url)?.[1])
  try {
    proxy.always(request => partNumber(request) === 3, { type: 'stall' })
    const args = [...send(place.url), '--concurrency', '1']
    const child = startNimctl(args, { env: env(proxy.endpoint) })
    const ended = once(child, 'exit')
    await expect.poll(() => proxy.seen.some(line => line.includes('partNumber=3')), { timeout: 60_000 }).toBe(true)
    child.kill('SIGKILL')
    await ended
    expect(await run('validate', 'store', place.url)).toMatchObject({ exitCode: 3 })

    proxy.calm()
    const before = proxy.seen.length
    const again = succeeded(await nimctl(args, { env: env(proxy.endpoint) })).json()
    const sent = proxy.seen.slice(before).flatMap(line => /^PUT .*partNumber=(\d+)/.exec(line)?.[1] ?? [])
    expect(sent).toEqual(['3', '4'])
    const archive = await place.fetch()
    expect(again).toMatchObject({ destinations: [{ uploadedBytes: (await readFile(archive)).length - 2 * partSize }] })
    expect(await unpack(archive)).toEqual(tree)
    expect(await run('validate', 'store', place.url, '--deep')).toMatchObject({ exitCode: 0 })
  } finally {
    proxy.stop()
  }
})

it("is unpacked by KServe's storage initializer, links and empty files too", async () => {
  const place = places['s3']?.('kserve') as Place
  succeeded(await run(...send(place.url)))
  const out = join(work, 'by-kserve')
  expect(await kserveDownload({ url: `${place.url}cache.tar`, out, env: s3 })).toMatchObject({
    exitCode: 0,
    stderr: '',
  })
  expect(await readTree(out)).toEqual(tree)
})

it('is what the loader can fill a NIMCache from, and the override can not', async () => {
  const place = places['s3']?.('emit') as Place
  succeeded(await run(...send(place.url)))
  const emit = [
    'emit',
    'stack',
    'llama',
    '--cache',
    place.url,
    '--image-registry',
    'r:5000',
    '--loader-image',
    'r:5000/nimctl:1',
  ]
  const { stdout } = succeeded(await run(...emit))
  expect(stdout).toContain(`value: ${place.url}`)
  expect(await run(...emit, '--source', 'override')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('it is of layout tar'),
  })
})

it('holds files beyond 8 GiB in headers that the system’s tar reads', async () => {
  const large = { type: 'file' as const, path: 'large', size: 9 * 2 ** 30 + 1, mode: 0o644, modifiedMs: 0, inode: 0 }
  const entries = [large, { ...large, path: 'small', size: 3 }]
  const layout = layOutTar(entries)
  const archive = join(work, 'sparse.tar')
  const file = await open(archive, 'w')
  for (const { entry, start } of layout.members) await file.write(encodeHeader(entry), 0, undefined, start)
  await file.truncate(layout.size)
  await file.close()
  const { stdout } = await execa('tar', ['--list', '--verbose', '--file', archive])
  expect(stdout.split('\n').map(line => line.split(/ +/).filter((_, column) => column === 2 || column === 5))).toEqual([
    [String(large.size), 'large'],
    ['3', 'small'],
  ])
})

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(mebibyte) ^ 1, mebibyte)
  return copy
}
