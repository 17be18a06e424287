import { mkdir, readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'

import { makeSeededCache } from '../campaign/seeded-cache.ts'
import { withSmallDisk } from '../e2e/launchers.ts'
import { startNimctl } from '../e2e/nimctl.ts'
import { readTree } from '../e2e/trees.ts'
import { newSeed, seeded } from '../seeded.ts'
import { requireProgram } from '../servers/locate.ts'
import type { FaultProxy } from '../stores/fault-proxy.ts'
import { type FaultPlace, isPart, isPut, openFaultPlace, partsIn, type Trial } from './fault-place.ts'

const mebibyte = 2 ** 20
const seed = newSeed()

let place: FaultPlace
let trial: Trial
let proxy: FaultProxy

beforeAll(async () => {
  const makeCache = (root: string) => makeSeededCache(root, seeded(seed), { smallFiles: 12 })
  place = await openFaultPlace(inject('s3Env'), { makeCache })
})
afterAll(() => place.close())
beforeEach(async () => {
  trial = await place.begin()
  proxy = trial.proxy
})
afterEach(() => trial.stop())

const upload = (...more: string[]) => trial.run(trial.uploadArguments(...more))

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
    expect(await upload()).toMatchObject({ exitCode: 0 })
    await trial.expectWhole()
  })

  it('with few retries it exits with 6, and goes on at the next call', async () => {
    hurt()
    const codes: number[] = []
    for (let call = 0; call < 30 && codes.at(-1) !== 0; call++) codes.push((await upload('--retries', '1')).exitCode)
    expect(new Set(codes)).toEqual(new Set([0, ...(codes.length > 1 ? [6] : [])]))
    await trial.expectWhole()
  })

  it('a download ends right', async () => {
    expect(await upload()).toMatchObject({ exitCode: 0 })
    hurt()
    const outcome = await trial.run(['download', trial.url, join(place.work, 'back')])
    expect({ exitCode: outcome.exitCode, said: outcome.stderr.slice(-600) }).toMatchObject({ exitCode: 0 })
    expect(await readTree(join(place.work, 'back'))).toEqual(await readTree(place.cache))
  })
})

it('an upload whose beginning was answered into the void leaves nothing behind', async () => {
  proxy.next(({ method, url: path = '' }) => method === 'POST' && path.includes('uploads'), { type: 'lose-answer' })
  expect(await upload()).toMatchObject({ exitCode: 0 })
  await trial.expectWhole()
})

it('nor does it where the run ended before it could look for what it had left', async () => {
  let blob = ''
  let completed = false
  const begins = ({ method, url: path = '' }: IncomingMessage) => {
    if (method !== 'POST' || !path.includes('uploads')) return false
    blob = /blobs(?:\/|%2F)([0-9a-f]+)/i.exec(path)?.[1] ?? ''
    return blob !== ''
  }
  proxy.next(begins, { type: 'lose-answer' })
  proxy.always(
    ({ method, url: path = '' }) => {
      if (blob === '' || !path.includes(blob)) return false
      completed ||= method === 'POST' && path.includes('uploadId=')
      return completed && method === 'GET' && path.includes('uploads')
    },
    { type: 'answer', status: 503, body: '' },
  )
  expect(await upload('--retries', '1')).toMatchObject({ exitCode: 6 })
  proxy.calm()
  expect(await upload()).toMatchObject({ exitCode: 0 })
  await trial.expectWhole()
})

it('an inventory whose answer breaks off is read again', async () => {
  expect(await upload()).toMatchObject({ exitCode: 0 })
  const isInventory = ({ method, url: path = '' }: IncomingMessage) => method === 'GET' && path.includes('.jsonl')
  proxy.next(isInventory, { type: 'cut-answer' })
  expect(await trial.run(['download', trial.url, join(place.work, 'whole'), '--dry-run'])).toMatchObject({
    exitCode: 0,
  })
})

it.each([
  { what: 'parts', fits: isPart },
  { what: 'small files', fits: isPut },
])('wrong bytes of $what on the wire are refused, and sent again', async ({ fits }) => {
  const hurt: string[] = []
  const firstTime = (request: IncomingMessage) => {
    const line = `${request.method} ${request.url}`
    const isFirst = fits(request) && hurt.length < 3 && Number(request.headers['content-length']) > 0
    return isFirst && !hurt.includes(line) && hurt.push(line) > 0
  }
  proxy.always(firstTime, { type: 'corrupt' })
  expect(await upload()).toMatchObject({ exitCode: 0 })
  expect(hurt).toHaveLength(3)
  for (const line of hurt) expect(proxy.seen.filter(each => each === line).length).toBeGreaterThan(1)
  await trial.expectWhole()
})

it('wrong bytes on the way back are noticed, and fail as damage', async () => {
  expect(await upload()).toMatchObject({ exitCode: 0 })
  proxy.next(({ method, headers }) => method === 'GET' && headers.range !== undefined, { type: 'corrupt-answer' })
  const args = ['download', trial.url, join(place.work, 'damaged')]
  expect(await trial.run(args)).toMatchObject({ exitCode: 3 })
  expect(await trial.run(args)).toMatchObject({ exitCode: 0 })
  expect(await readTree(join(place.work, 'damaged'))).toEqual(await readTree(place.cache))
})

it('a server that is gone for a while is waited for', async () => {
  let parts = 0
  let goneSince = Number.POSITIVE_INFINITY
  const away = (request: IncomingMessage) => {
    if (isPart(request) && ++parts === 3) goneSince = Date.now()
    return Date.now() - goneSince < 4000 && Date.now() >= goneSince
  }
  proxy.always(away, { type: 'refuse' })
  expect(await upload()).toMatchObject({ exitCode: 0 })
  expect(Date.now() - goneSince).toBeGreaterThan(4000)
  await trial.expectWhole()
})

it('a server that stays away ends it with 6; the next call sends what is missing', async () => {
  let parts = 0
  proxy.always(request => (isPart(request) && ++parts > 3) || parts > 3, { type: 'refuse' })
  expect(await upload('--retries', '1', '--concurrency', '2')).toMatchObject({ exitCode: 6 })
  proxy.calm()
  const arrived = partsIn(proxy.seen).slice(0, 3)
  const before = proxy.seen.length
  expect(await upload()).toMatchObject({ exitCode: 0 })
  const again = partsIn(proxy.seen.slice(before)).filter(line => arrived.includes(line))
  // Those that were in flight when the run gave up.
  expect(again.length).toBeLessThanOrEqual(2)
  await trial.expectWhole()
})

describe.each([
  { sign: '-', side: 'behind' },
  { sign: '+', side: 'ahead' },
])('a clock that is an hour $side', ({ sign, side }) => {
  const shift = join(import.meta.dirname, 'shifted-clock.mjs')
  const shifted = {
    env: { NIMCTL_TEST_CLOCK_MS: `${sign}3600000` },
    program: [process.execPath, '--import', shift] as const,
  }

  it('is refused by the server, and by how much it is off is said', async () => {
    const outcome = await trial.run(trial.uploadArguments('--retries', '0'), shifted)
    expect(outcome).toMatchObject({ exitCode: 8 })
    expect(outcome.json()).toMatchObject({ code: 'CLOCK_SKEW', next: expect.stringContaining('clock') })
    const [, seconds] = new RegExp(`is (\\d+) seconds ${side}`).exec(String(outcome.json().why)) ?? []
    expect(Math.abs(Number(seconds) - 3600)).toBeLessThan(300)
  })

  it('does not stop an upload that may ask again', async () => {
    expect(await trial.run(trial.uploadArguments(), shifted)).toMatchObject({ exitCode: 0 })
    await trial.expectWhole()
  })
})

it('two runs to one prefix: the second one says who is at work', async () => {
  // Also when it is tried again: the first run lasts as long as the second ones need.
  proxy.always(isPart, { type: 'stall' })
  const other = join(place.work, 'another-cache')
  await makeSeededCache(other, seeded(seed + 1), { smallFiles: 1 })
  const first = startNimctl(trial.uploadArguments(), { env: trial.env() })
  try {
    await expect.poll(() => proxy.seen.some(line => line.includes('partNumber=')), { timeout: 60_000 }).toBe(true)
    for (const source of [place.cache, other]) {
      const second = await trial.run(['upload', source, trial.url, '--json'])
      expect(second).toMatchObject({ exitCode: 8 })
      expect(second.json()).toMatchObject({ code: 'LOCK_HELD' })
    }
  } finally {
    first.kill('SIGKILL')
  }
})

it('a full disk under the journal ends it with 8; what is finished is kept', async () => {
  const state = trial.stateDirectory
  await mkdir(state)
  const small = await trial.run(trial.uploadArguments('--concurrency', '1'), { program: withSmallDisk(state, 4096) })
  expect(small).toMatchObject({ exitCode: 8 })
  expect(small.json()).toMatchObject({ code: 'DISK_FULL' })
  expect(await upload()).toMatchObject({ exitCode: 0 })
  await trial.expectWhole()
})

it('a full disk under a download ends it with 8; with room the same command goes on', async () => {
  expect(await upload()).toMatchObject({ exitCode: 0 })
  const directory = join(place.work, 'small')
  await mkdir(directory)
  const program = withSmallDisk(directory, 4 * mebibyte)
  const full = await trial.run(['download', trial.url, directory, '--json'], { program })
  expect(full).toMatchObject({ exitCode: 8 })
  expect(full.json()).toMatchObject({ code: 'DISK_FULL' })
  expect(await trial.run(['download', trial.url, directory])).toMatchObject({ exitCode: 0 })
  expect(await readTree(directory)).toEqual(await readTree(place.cache))
})

it('a part counts as finished when fdatasync has put its line on the disk', async () => {
  const trace = join(place.work, 'trace')
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
  const traced = await trial.run(trial.uploadArguments('--concurrency', '1'), { program })
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

function requireStrace(): string {
  return requireProgram('strace', 'strace')
}
