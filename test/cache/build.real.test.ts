import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import Docker from 'dockerode'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'

import { findProfile, standIns } from '../../fixtures/stand-in/catalogue.ts'
import { buildStandInImages } from '../../fixtures/stand-in/image.ts'
import { type Ngc, startNgc } from '../../fixtures/stand-in/ngc.ts'
import { buildCache, type BuildCacheRequest } from '../../src/cache/build.ts'
import { readCacheRecord } from '../../src/cache/record.ts'
import { inspectImage } from '../../src/image/inspect.ts'
import { parseModelManifest } from '../../src/profiles/manifest.ts'
import type { ModelManifest } from '../../src/profiles/model-manifest.ts'
import type { ContainerEngine } from '../../src/system/container-engine.ts'
import { openDockerEngine } from '../../src/system/docker.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'

const never = new AbortController().signal
const key = 'nvapi-stand-in-0123456789'
const { llm1, llm2, nimlib } = standIns

let engine: ContainerEngine
let ngc: Ngc
let directory: string
beforeAll(async () => {
  const host = inject('dockerHost')
  await buildStandInImages({ docker: new Docker({ socketPath: host.replace('unix://', '') }) })
  engine = await openDockerEngine({ env: { DOCKER_HOST: host } })
  ngc = await startNgc()
})
afterAll(() => ngc.stop())
beforeEach(async () => {
  ngc.behave()
  directory = join(await mkdtemp(join(tmpdir(), 'nimctl-build-')), 'cache')
})

interface Wish extends Partial<BuildCacheRequest> {
  profileIds?: readonly string[] | 'all'
}

async function build(reference: string, { profileIds = [], ...request }: Wish, signal = never) {
  const events: ProgressEvent[] = []
  const context = { engine, signal, report: (event: ProgressEvent) => events.push(event) }
  const image = await inspectImage(engine, reference, context)
  const manifest: ModelManifest =
    image.manifest === undefined ? { schemaVersion: 2, profiles: [] } : parseModelManifest(image.manifest.text)
  const endpoints = { NGC_API_ENDPOINT: ngc.endpoint, NGC_AUTH_ENDPOINT: ngc.endpoint, NGC_API_SCHEME: 'http' }
  const running = buildCache(
    {
      image,
      manifest,
      directory,
      download: { form: 'hub', profileIds },
      lockFile: `${directory}.lock`,
      tool: 'nimctl/test',
      network: 'host',
      key: secret(key),
      ...request,
      env: { ...endpoints, ...request.env },
    },
    context,
  )
  return { running, events, image }
}

const first = {
  llm1: () => llm1.profiles[0]?.id ?? '',
  llm2: () => llm2.profiles[0]?.id ?? '',
  nimlib: () => nimlib.profiles[0]?.id ?? '',
}

describe.each([
  { image: llm1.reference, id: first.llm1, family: 'llm' },
  { image: llm2.reference, id: first.llm2, family: 'llm' },
  { image: nimlib.reference, id: first.nimlib, family: 'nimlib' },
])('from $image', ({ image, id, family }) => {
  it('fills a new directory with a chosen profile, and notes it', async () => {
    const { running, events } = await build(image, { profileIds: [id()] })
    const result = await running
    expect(result).toMatchObject({ ok: true, dir: directory, image, family, profiles: [{ id: id(), present: true }] })
    expect(result.imageDigest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(result.models.length).toBeGreaterThan(0)
    const arrived = events.reduce((sum, event) => sum + (event.event === 'bytes' ? event.bytes : 0), 0)
    expect(arrived).toBeGreaterThanOrEqual(result.bytes)
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'log', line: expect.stringContaining('fetching filemap') }),
    )
    expect(await readCacheRecord(directory)).toMatchObject({
      image,
      imageDigest: result.imageDigest,
      profiles: [{ id: id() }],
    })
    expect(await readFile(join(directory, '.nimctl/model_manifest.yaml'), 'utf8')).toContain(id())
    expect((await stat(join(directory, 'ngc'))).uid).toBe(process.getuid?.())
  })
})

it('fills with all profiles, and goes on where an earlier run stopped', async () => {
  await (
    await build(llm2.reference, { profileIds: [first.llm2()] })
  ).running
  const before = ngc.requests().length
  await (
    await build(llm2.reference, { profileIds: [first.llm2()] })
  ).running
  expect(ngc.requests().length).toBe(before)
  const all = await (await build(llm2.reference, { profileIds: 'all' })).running
  expect(all).toMatchObject({ ok: true })
  expect(all.profiles).toHaveLength(llm2.profiles.length)
  expect((await readCacheRecord(directory))?.profiles).toHaveLength(llm2.profiles.length)
  const nimlibAll = await (await build(nimlib.reference, { profileIds: 'all', directory: `${directory}-2` })).running
  expect(nimlibAll.ok).toBe(true)
})

it('keeps the profiles of earlier runs in the record while their files are there', async () => {
  const [one, two] = llm2.profiles.map(({ id }) => id)
  await (
    await build(llm2.reference, { profileIds: [one ?? ''] })
  ).running
  await (
    await build(llm2.reference, { profileIds: [two ?? ''] })
  ).running
  const recorded = (await readCacheRecord(directory))?.profiles.map(({ id }) => id)
  expect(new Set(recorded)).toEqual(new Set([one, two]))
})

it('is not ok with a profile that the container skipped, though it exits with 0', async () => {
  const engineProfile = findProfile(llm1, 'tensorrt_llm-l40s-bf16-tp1-throughput').id
  await (
    await build(llm1.reference, { profileIds: [engineProfile] })
  ).running
  const unknown = 'f'.repeat(64)
  const { running, events } = await build(llm1.reference, { profileIds: [engineProfile, unknown] })
  expect(await running).toMatchObject({ ok: false, profiles: [{ present: true }, { id: unknown, present: false }] })
  expect(events).toContainEqual(expect.objectContaining({ event: 'warning', code: 'PROFILE_NOT_PRESENT' }))
})

it("opens a new directory for the image's own user", async () => {
  const { running } = await build(llm2.reference, { profileIds: [first.llm2()], user: 'image' })
  expect(await running).toMatchObject({ ok: true })
  expect((await stat(join(directory, 'ngc'))).uid).toBe(1000)
})

it('refuses before anything runs when the disk is too small, or the directory is a file', async () => {
  const files = [{ path: 'x', repository: 'nim/o/m', version: '1', file: 'x', size: 2 ** 50 }]
  const manifest: ModelManifest = { schemaVersion: 2, profiles: [{ id: first.llm2(), tags: {}, files }] }
  const tooMuch = await build(llm2.reference, { profileIds: [first.llm2()], manifest })
  await expect(tooMuch.running).rejects.toMatchObject({
    category: 'local',
    code: 'DISK_FULL',
    why: expect.stringMatching(/^They need 1048576\.0 GiB more; [\d.]+ GiB are free\.$/),
  })
  await writeFile(`${directory}-file`, '')
  const file = await build(llm2.reference, { profileIds: [first.llm2()], directory: `${directory}-file` })
  await expect(file.running).rejects.toMatchObject({ category: 'local', code: 'DIRECTORY_NOT_WRITABLE' })
})

it('shows the key nowhere', async () => {
  const { running, events } = await build(llm1.reference, { profileIds: [first.llm1()] })
  const result = await running
  expect(JSON.stringify([result, events])).not.toContain(key)
  const written = await readdir(join(directory, '.nimctl'))
  for (const name of written) expect(await readFile(join(directory, '.nimctl', name), 'utf8')).not.toContain(key)
})

it('stops the container when the signal aborts, keeps what is there, and finishes another time', async () => {
  ngc.misbehave({ path: '.', fault: { type: 'slow', bytesPerSecond: 1000 } })
  const abort = new AbortController()
  const { running } = await build(llm2.reference, { profileIds: [first.llm2()] }, abort.signal)
  const outcome = running.catch((error: unknown) => error)
  const arriving = () => readdir(join(directory, 'ngc/hub/tmp')).catch(() => [])
  await expect.poll(arriving, { timeout: 60_000 }).not.toEqual([])
  abort.abort(new Error('Ctrl-C'))
  expect(await outcome).toMatchObject({ message: 'Ctrl-C' })
  ngc.behave()
  expect(await (await build(llm2.reference, { profileIds: [first.llm2()] })).running).toMatchObject({ ok: true })
})
