import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeEach, describe, expect, it } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { type CheckPolicy, openCheckLog } from '../../src/system/check.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { validateCache } from '../../src/validate/cache.ts'
import { readExpectedProfiles } from '../../src/validate/expected-profiles.ts'
import { makeHubCache, temporaryDirectory } from '../hub-cache.ts'
import { imageOf, makeFamilyCache } from './family-caches.ts'

const { signal } = new AbortController()
const hub = 'ngc/hub/models--nim--meta--test-model'
const engine = `${hub}/snapshots/0.1+abc-l40sx1-bf16.1/rank0.engine`
let cache: string

beforeEach(async () => {
  cache = await temporaryDirectory()
  await chmod(cache, 0o755)
  await makeHubCache(cache)
})

async function validate({ deep = false, uid = 4711, policy }: { deep?: boolean; uid?: number; policy?: CheckPolicy }) {
  const events: ProgressEvent[] = []
  const report = await validateCache({
    directory: cache,
    expected: { profiles: [], foreign: [] },
    serveAs: { uid, gid: 4711 },
    deep,
    checks: openCheckLog(policy),
    concurrency: 2,
    signal,
    report: event => events.push(event),
  })
  const checks = await Array.fromAsync(report.checks)
  return { report, events, checks, bad: checks.filter(({ status }) => status !== 'ok') }
}

describe('a cache directory', () => {
  it('says nothing of contents that were not read, and whether they are right once they were', async () => {
    const shallow = await validate({})
    expect(shallow.report.ok).toBe(true)
    expect(shallow.checks.filter(({ method }) => method === 'content')).toEqual([])
    await writeFile(join(cache, engine), 'other')
    expect((await validate({})).report.ok).toBe(true)
    expect((await validate({ deep: true })).bad).toMatchObject([{ name: 'cache.content', status: 'failed' }])
  })

  it('counts the bytes that are read, against all that will be', async () => {
    const { events, report } = await validate({ deep: true })
    const started = events.find(event => event.event === 'started' && event.totalBytes !== undefined)
    const read = events.reduce((sum, event) => sum + (event.event === 'bytes' ? event.bytes : 0), 0)
    const blobs = await readdir(join(cache, hub, 'blobs'))
    expect(started).toMatchObject({ totalBytes: read, totalFiles: blobs.length })
    expect(read).toBeGreaterThan(10_000)
    expect(report.byMethod.content).toMatchObject({ ok: blobs.length })
  })

  it('reads nothing where contents are not asked for', async () => {
    const { events } = await validate({ deep: true, policy: { only: ['cache.mode'], failOn: 'failed' } })
    expect(events.filter(({ event }) => event === 'bytes')).toEqual([])
  })

  it('is read by its owner, whatever others may; by root in any case', async () => {
    await chmod(join(cache, hub, 'refs/hf-1234567'), 0o600)
    expect((await validate({})).bad).toMatchObject([
      { name: 'cache.mode', expected: 'readable by 4711:4711', found: expect.stringMatching(/^mode 600, owner \d+:/) },
    ])
    expect((await validate({ uid: process.getuid?.() ?? 0 })).bad).toEqual([])
    expect((await validate({ uid: 0 })).bad).toEqual([])
  })

  it('names a closed directory, and nothing below it', async () => {
    await mkdir(join(cache, 'local_cache/closed/below'), { recursive: true })
    await chmod(join(cache, 'local_cache/closed/below'), 0o700)
    await chmod(join(cache, 'local_cache/closed'), 0o700)
    expect((await validate({})).bad.map(({ path }) => path)).toEqual(['local_cache/closed'])
  })

  it('names a blob once, whatever number of links lead to it', async () => {
    const blobs = await readdir(join(cache, hub, 'blobs'))
    for (const blob of blobs) await rm(join(cache, hub, 'blobs', blob))
    const { bad } = await validate({})
    expect(bad.map(({ name }) => name)).toEqual(blobs.map(() => 'cache.blob-missing'))
    expect(bad.map(({ expected }) => expected).join()).toContain('and of 1 more')
  })
})

describe('against an image', () => {
  it('says which of its profiles is near to one of another tag', async () => {
    const { root, image } = await makeFamilyCache('llm')
    const profiles = standIns.llm2.profiles.map(profile => ({
      ...profile,
      id: profile.id.split('').toReversed().join(''),
    }))
    const other = { ...imageOf({ ...standIns.llm2, profiles }), reference: 'nvcr.test/nim:2.0.6' }
    const expected = await readExpectedProfiles({ directory: root, asked: [], image: other })
    const [same] = profiles.filter(({ gpuDevice }) => gpuDevice !== undefined)
    const [own] = standIns.llm2.profiles.filter(({ gpuDevice }) => gpuDevice !== undefined)
    expect(expected.foreign).toMatchObject([{ id: own?.id, tags: own?.tags }])
    const options = { deep: false, checks: openCheckLog(), concurrency: 1, signal, report: () => {} }
    const { checks, ok } = await validateCache({ directory: root, expected, serveAs: { uid: 0, gid: 0 }, ...options })
    expect(ok).toBe(false)
    expect((await Array.fromAsync(checks))[0]).toMatchObject({
      name: 'cache.profile-of-another-tag',
      expected: 'one of the 7 profiles of nvcr.test/nim:2.0.6',
      found: expect.stringContaining(`the nearest by its tags is ${same?.id}`),
      next: expect.stringContaining(`nimctl cache nvcr.test/nim:2.0.6 DIR --profile ${same?.id}`),
    })
    expect(image.reference).not.toBe(other.reference)
  })

  it('takes a beginning of an id from the image, else from the record, else refuses it', async () => {
    const { root, image } = await makeFamilyCache('llm')
    const [first] = standIns.llm2.profiles
    const inImage = await readExpectedProfiles({ directory: root, asked: [first?.id.slice(0, 8) ?? ''], image })
    expect(inImage.profiles).toMatchObject([{ id: first?.id }])
    const own = standIns.llm2.profiles.find(({ gpuDevice }) => gpuDevice !== undefined)?.id ?? ''
    const speech = imageOf(standIns.nimlib)
    const noted = await readExpectedProfiles({ directory: root, asked: [own.slice(0, 8)], image: speech })
    expect(noted.foreign).toMatchObject([{ id: own }])
    const nobody = readExpectedProfiles({ directory: root, asked: ['00000000'], image })
    await expect(nobody).rejects.toMatchObject({ code: 'PROFILE_UNKNOWN' })
  })
})
