import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'

import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'
import { problemsOf } from './documents.ts'
import { mistakesOf } from './failures.ts'
import { startNimctl } from './nimctl.ts'
import { choices, fillCache, openWorkplace, toStandInNgc, type Workplace } from './workplace.ts'

const docker = connectEngine(inject('dockerHost'))
const [choice] = choices
const nothing = Readable.from([])

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace()
})
afterAll(() => place.close())

/** Starts a command, waits for the moment, sends the signal, and returns what was said until the end. */
async function interrupt(args: string[], signal: 'SIGINT' | 'SIGTERM', moment: (pid: number) => Promise<void>) {
  const child = startNimctl(args, { env: place.env })
  const said = Promise.all([text(child.stdout ?? nothing), text(child.stderr ?? nothing)])
  const ended = once(child, 'exit')
  try {
    await moment(child.pid ?? 0)
  } finally {
    child.kill(signal)
  }
  const [exitCode] = await ended
  const [stdout, stderr] = await said
  return { exitCode, stdout, stderr }
}

const signals = [
  { signal: 'SIGINT', exitCode: 130 },
  { signal: 'SIGTERM', exitCode: 143 },
] as const

describe('cache', () => {
  it.each(signals)('$signal: the container is gone, and the same command goes on', async ({ signal, exitCode }) => {
    const directory = place.path(`cache-${signal}`)
    const ids = choice?.profiles.flatMap(({ id }) => ['--profile', id]) ?? []
    const args = ['cache', choice?.image.reference ?? '', directory, ...ids, ...toStandInNgc]
    place.ngc.misbehave({ path: 'safetensors', fault: { type: 'slow', bytesPerSecond: 50_000 } })
    const interrupted = await interrupt(args, signal, async () => {
      await expect.poll(() => bytesIn(join(directory, 'ngc/hub/tmp')), { timeout: 30_000 }).toBeGreaterThan(10_000)
    })
    place.ngc.behave()
    expect(interrupted).toMatchObject({ exitCode, stdout: '' })
    expect(interrupted.stderr).toContain(`Interrupted by ${signal}. What was finished is kept`)
    const containers = await docker.listContainers({ all: true })
    expect(containers.filter(({ Mounts }) => Mounts.some(({ Source }) => Source === directory))).toEqual([])

    const { exitCode: after, stdout } = await place.run([...args, '--json'])
    expect({ after, ...JSON.parse(stdout) }).toMatchObject({ after: 0, ok: true })
    expect(await place.run(['validate', 'cache', directory, '--deep'])).toMatchObject({ exitCode: 0 })
  })
})

describe('upload', () => {
  let proxy: FaultProxy
  let cache: string
  beforeAll(async () => {
    cache = await fillCache(place, 'cache', choice)
  })
  beforeEach(async () => {
    proxy = await startFaultProxy(place.env.AWS_ENDPOINT_URL ?? '')
  })
  afterEach(() => proxy.stop())

  it.each(signals)('$signal: what is finished is kept, and the same command goes on', async ({ signal, exitCode }) => {
    const url = `s3://models/interrupt-${process.pid}-${signal}/`
    const args = ['upload', cache, url, '--endpoint-url', proxy.endpoint]
    let stalled = false
    const firstLarge = (request: IncomingMessage) => {
      const large = request.method === 'PUT' && Number(request.headers['content-length']) > 500_000
      stalled ||= large
      return large
    }
    proxy.next(firstLarge, { type: 'stall' })
    const interrupted = await interrupt([...args, '--json'], signal, async pid => {
      await expect.poll(() => stalled && countPuts(proxy) > 8, { timeout: 30_000 }).toBe(true)
      const held = { category: 'local', code: 'LOCK_HELD', says: [`process ${pid}`] } as const
      expect(await mistakesOf(words => place.run(words), args, held)).toEqual([])
    })
    const document = JSON.parse(interrupted.stdout)
    expect(problemsOf(document, 'Error')).toEqual([])
    expect(document).toMatchObject({ category: 'interrupted', code: 'INTERRUPTED', exitCode })
    expect(interrupted.exitCode).toBe(exitCode)
    await expectPrivateState()
    expect(await place.run(['validate', 'store', url])).toMatchObject({ exitCode: 3 })

    const again = (await place.run([...args, '--json'])).json()
    const [sent] = again.destinations as { skippedFiles: number; uploadedFiles: number }[]
    expect(sent?.skippedFiles).toBeGreaterThan(0)
    expect(sent?.uploadedFiles).toBeGreaterThan(0)
    expect(await place.run(['validate', 'store', url])).toMatchObject({ exitCode: 0 })
  })
})

const countPuts = (proxy: FaultProxy) => proxy.seen.filter(line => line.startsWith('PUT')).length

/** The journal of the interrupted upload lies there; the lock does not. */
async function expectPrivateState(): Promise<void> {
  const state = place.path('state')
  const paths = await readdir(state, { recursive: true, withFileTypes: true })
  const files = paths.filter(entry => entry.isFile()).map(({ name }) => name)
  expect(files).toContainEqual(expect.stringMatching(/\.jsonl$/))
  expect(files).not.toContainEqual(expect.stringMatching(/\.lock$/))
  expect((await stat(state)).mode & 0o777).toBe(0o700)
  for (const entry of paths) {
    const mode = (await stat(join(entry.parentPath, entry.name))).mode & 0o777
    expect({ name: entry.name, mode }).toEqual({ name: entry.name, mode: entry.isDirectory() ? 0o700 : 0o600 })
  }
}

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => [])
  const sizes = await Promise.all(
    names.map(name =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
