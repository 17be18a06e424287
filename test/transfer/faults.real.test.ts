import { createHash } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'

import { openBucket, type Bucket } from '../campaign/bucket.ts'
import { makeSeededCache } from '../campaign/seeded-cache.ts'
import { withSmallDisk } from '../e2e/launchers.ts'
import { nimctl, startNimctl } from '../e2e/nimctl.ts'
import { readContents, readTree } from '../e2e/trees.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { newSeed, seeded } from '../seeded.ts'
import { requireProgram } from '../servers/locate.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'

const s3Env = inject('s3Env')
const mebibyte = 2 ** 20
const seed = newSeed()

let work: string
let cache: string
let contents: Record<string, string>
let bucket: Bucket
let proxy: FaultProxy
let prefix: string
let count = 0

beforeAll(async () => {
  work = await temporaryDirectory()
  cache = join(work, 'cache')
  await makeSeededCache(cache, seeded(seed), { smallFiles: 12 })
  contents = await readContents(cache)
  bucket = openBucket(s3Env, 'models')
})
afterAll(async () => {
  bucket.close()
  await rm(work, { recursive: true, force: true })
})
beforeEach(async () => {
  proxy = await startFaultProxy(s3Env.AWS_ENDPOINT_URL ?? '')
  prefix = `faults-${process.pid}-${count++}/`
})
afterEach(() => proxy.stop())

const stateOf = () => join(work, `state-${count}`)
const env = (more: Record<string, string> = {}) => ({
  ...s3Env,
  AWS_ENDPOINT_URL: proxy.endpoint,
  AWS_EC2_METADATA_DISABLED: 'true',
  HOME: work,
  NIMCTL_STATE_DIR: stateOf(),
  ...more,
})
const url = () => `s3://models/${prefix}`
const uploadArguments = (...more: string[]) => ['upload', cache, url(), '--part-size', '5Mi', '--json', ...more]
const run = (args: readonly string[], more?: Record<string, string>) => nimctl(args, { env: env(more) })

async function expectWhole(): Promise<void> {
  const { '.nimctl/inventory.jsonl': inventory, ...found } = await bucket.hashes(prefix)
  expect(inventory).toBeDefined()
  expect(found).toEqual(contents)
  expect(await bucket.openUploads(prefix)).toEqual([])
}

const isPart = ({ method, url: path = '' }: IncomingMessage) => method === 'PUT' && path.includes('partNumber=')
const always = () => true

describe(`with 30% of all requests failing or cut (seed ${seed})`, { timeout: 600_000 }, () => {
  /** Nothing fails more than five times on end: eight retries would hardly ever be too few, and waits of minutes rare. */
  const hurt = () => {
    const random = seeded(seed)
    const failed = new Map<string, number>()
    const nameOf = ({ method, url: path = '' }: IncomingMessage) => `${method} ${path}`
    const chance = (request: IncomingMessage) => {
      const name = nameOf(request)
      const times = failed.get(name) ?? 0
      if (times >= 5 || random.fraction() >= 0.1) return false
      failed.set(name, times + 1)
      return true
    }
    const hasBody = ({ headers }: IncomingMessage) => Number(headers['content-length'] ?? 0) > 0
    proxy.always(chance, { type: 'lose-answer' })
    proxy.always(request => hasBody(request) && chance(request), { type: 'reset' })
    proxy.always(chance, { type: 'answer', status: 503, body: '' })
    proxy.always(request => request.method === 'GET' && chance(request), { type: 'cut-answer' })
    proxy.always(request => failed.delete(nameOf(request)) && false, { type: 'refuse' })
  }

  it('an upload ends right', async () => {
    hurt()
    expect(await run(uploadArguments())).toMatchObject({ exitCode: 0 })
    await expectWhole()
  })

  it('with few retries it exits with 6, and goes on at the next call', async () => {
    hurt()
    const codes: number[] = []
    for (let call = 0; call < 30 && codes.at(-1) !== 0; call++)
      codes.push((await run(uploadArguments('--retries', '1'))).exitCode)
    expect(new Set(codes)).toEqual(new Set([0, ...(codes.length > 1 ? [6] : [])]))
    await expectWhole()
  })

  it('a download ends right', async () => {
    expect(await run(uploadArguments())).toMatchObject({ exitCode: 0 })
    hurt()
    const outcome = await run(['download', url(), join(work, 'back')])
    expect({ exitCode: outcome.exitCode, said: outcome.stderr.slice(-600) }).toMatchObject({ exitCode: 0 })
    expect(await readTree(join(work, 'back'))).toEqual(await readTree(cache))
  })
})

it('an upload whose beginning was answered into the void leaves nothing behind', async () => {
  proxy.next(({ method, url: path = '' }) => method === 'POST' && path.includes('uploads'), { type: 'lose-answer' })
  expect(await run(uploadArguments())).toMatchObject({ exitCode: 0 })
  await expectWhole()
})

it('an inventory whose answer breaks off is read again', async () => {
  expect(await run(uploadArguments())).toMatchObject({ exitCode: 0 })
  const isInventory = ({ method, url: path = '' }: IncomingMessage) => method === 'GET' && path.includes('.jsonl')
  proxy.next(isInventory, { type: 'cut-answer' })
  expect(await run(['download', url(), join(work, 'whole'), '--dry-run'])).toMatchObject({ exitCode: 0 })
})

it('wrong bytes on the wire are refused, and sent again', async () => {
  for (let times = 0; times < 3; times++) proxy.next(isPart, { type: 'corrupt' })
  expect(await run(uploadArguments())).toMatchObject({ exitCode: 0 })
  expect(proxy.seen.filter(line => line.includes('partNumber=')).length).toBeGreaterThan(3)
  await expectWhole()
})

it('wrong bytes on the way back are noticed, and fail as damage', async () => {
  expect(await run(uploadArguments())).toMatchObject({ exitCode: 0 })
  proxy.next(({ method, headers }) => method === 'GET' && headers.range !== undefined, { type: 'corrupt-answer' })
  const args = ['download', url(), join(work, 'damaged')]
  expect(await run(args)).toMatchObject({ exitCode: 3 })
  expect(await run(args)).toMatchObject({ exitCode: 0 })
  expect(await readTree(join(work, 'damaged'))).toEqual(await readTree(cache))
})

it('a server that is gone for a while is waited for', async () => {
  let parts = 0
  let goneSince = Number.POSITIVE_INFINITY
  const away = (request: IncomingMessage) => {
    if (isPart(request) && ++parts === 3) goneSince = Date.now()
    return Date.now() - goneSince < 4000 && Date.now() >= goneSince
  }
  proxy.always(away, { type: 'refuse' })
  expect(await run(uploadArguments())).toMatchObject({ exitCode: 0 })
  expect(Date.now() - goneSince).toBeGreaterThan(4000)
  await expectWhole()
})

it('a server that stays away ends it with 6; the next call sends what is missing', async () => {
  let parts = 0
  proxy.always(request => (isPart(request) && ++parts > 3) || parts > 3, { type: 'refuse' })
  expect(await run(uploadArguments('--retries', '1', '--concurrency', '2'))).toMatchObject({ exitCode: 6 })
  proxy.calm()
  const before = proxy.seen.length
  expect(await run(uploadArguments())).toMatchObject({ exitCode: 0 })
  const all = proxy.seen.filter(line => line.includes('partNumber='))
  const again = proxy.seen.slice(before).filter(line => all.indexOf(line) < all.lastIndexOf(line))
  expect(again.length).toBeLessThanOrEqual(2)
  await expectWhole()
})

it.each(['-', '+'])('a clock that is off by an hour (%s) does not stop it', async sign => {
  const shift = join(import.meta.dirname, 'shifted-clock.mjs')
  const program = [process.execPath, '--import', shift] as const
  const shifted = { NIMCTL_TEST_CLOCK_MS: `${sign}3600000` }
  const outcome = await nimctl(uploadArguments(), { env: env(shifted), program: [...program] })
  expect(outcome).toMatchObject({ exitCode: 0 })
  await expectWhole()
})

it('two runs to one prefix: the second one says who is at work', async () => {
  // Also when it is tried again: the first run lasts as long as the second ones need.
  proxy.always(isPart, { type: 'stall' })
  const other = join(work, 'another-cache')
  await makeSeededCache(other, seeded(seed + 1), { smallFiles: 1 })
  const first = startNimctl(uploadArguments(), { env: env() })
  try {
    await expect.poll(() => proxy.seen.some(line => line.includes('partNumber=')), { timeout: 60_000 }).toBe(true)
    for (const source of [cache, other]) {
      const second = await run(['upload', source, url(), '--json'])
      expect(second).toMatchObject({ exitCode: 8 })
      expect(second.json()).toMatchObject({ code: 'LOCK_HELD' })
    }
  } finally {
    first.kill('SIGKILL')
  }
})

it('a full disk under the journal ends it with 8; what is finished is kept', async () => {
  const state = stateOf()
  await mkdir(state)
  const small = await nimctl(uploadArguments('--concurrency', '1'), { env: env(), program: withSmallDisk(state, 4096) })
  expect(small).toMatchObject({ exitCode: 8 })
  expect(small.json()).toMatchObject({ code: 'DISK_FULL' })
  expect(await run(uploadArguments())).toMatchObject({ exitCode: 0 })
  await expectWhole()
})

it('a full disk under a download ends it with 8; with room the same command goes on', async () => {
  expect(await run(uploadArguments())).toMatchObject({ exitCode: 0 })
  const directory = join(work, 'small')
  await mkdir(directory)
  const program = withSmallDisk(directory, 4 * mebibyte)
  const full = await nimctl(['download', url(), directory, '--json'], { env: env(), program })
  expect(full).toMatchObject({ exitCode: 8 })
  expect(full.json()).toMatchObject({ code: 'DISK_FULL' })
  expect(await run(['download', url(), directory])).toMatchObject({ exitCode: 0 })
  expect(await readTree(directory)).toEqual(await readTree(cache))
})

it('a part counts as finished when fdatasync has put its line on the disk', async () => {
  const trace = join(work, 'trace')
  const strace = requireStrace()
  const program = [
    strace,
    '-f',
    '-e',
    'trace=fdatasync,write,openat',
    '-s',
    '4096',
    '-o',
    trace,
    process.execPath,
  ] as const
  const traced = await nimctl(uploadArguments('--concurrency', '1'), { env: env(), program: [...program] })
  expect(traced).toMatchObject({ exitCode: 0 })
  const lines = (await readFile(trace, 'utf8')).split('\n')
  // Parts that end together share one write.
  const written = lines.flatMap((line, index) => (/ write\(\d+, "\{.*\\"event\\":\\"part\\"/.test(line) ? [index] : []))
  const parts = written.flatMap(index => [...(lines[index] ?? '').matchAll(/\\"event\\":\\"part\\"/g)])
  expect(parts.length).toBeGreaterThanOrEqual(6)
  for (const index of written) {
    const fd = / write\((\d+),/.exec(lines[index] ?? '')?.[1]
    const next = written.find(other => other > index) ?? lines.length
    expect(lines.slice(index, next).some(line => line.includes(`fdatasync(${fd}`))).toBe(true)
  }
})

describe('--require full-checksum', () => {
  it('holds for empty, small, one-part and multi-part files', async () => {
    const outcome = await run(uploadArguments('--require', 'full-checksum'))
    expect(outcome).toMatchObject({ exitCode: 0 })
    const [done] = outcome.json().destinations as { proof: Record<string, number> }[]
    expect(done?.proof).toEqual({ 'full-checksum': Object.keys(contents).length, parts: 0, etag: 0, size: 0 })
  })

  it('fails behind a proxy that strips checksums, and names a file', async () => {
    const headers = ['x-amz-checksum-crc32c', 'x-amz-checksum-type', 'x-amz-checksum-algorithm']
    proxy.always(always, { type: 'strip', headers })
    const outcome = await run(uploadArguments('--require', 'full-checksum'))
    expect(outcome).toMatchObject({ exitCode: 3 })
    expect(outcome.json()).toMatchObject({ code: 'PROOF_TOO_WEAK' })
    expect(Object.keys(contents).some(key => outcome.stdout.includes(key))).toBe(true)
  })

  it('names the one file whose checksum is missing', async () => {
    // Sent in one piece: the answer to the end of an upload in parts has its checksum in the body.
    const key = `blobs/${createHash('md5').update('licence').digest('hex')}`
    const headers = ['x-amz-checksum-crc32c']
    const ofOne = (request: IncomingMessage) => decodeURIComponent(request.url ?? '').includes(key)
    proxy.always(ofOne, { type: 'strip', headers })
    // One after the other, the large ones first: the very first answer says what the store can do at all.
    const oneByOne = ['--links', 'record', '--concurrency', '1']
    const outcome = await run(uploadArguments('--require', 'full-checksum', ...oneByOne))
    expect(outcome).toMatchObject({ exitCode: 3 })
    expect(outcome.stdout).toContain(key)
  })
})

function requireStrace(): string {
  return requireProgram('strace', 'strace')
}
