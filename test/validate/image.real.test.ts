import { rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openImageSource } from '../../src/image/find-image.ts'
import { openInspectionCache } from '../../src/image/inspection-cache.ts'
import { openCheckLog, type Check } from '../../src/system/check.ts'
import { secret } from '../../src/system/secret.ts'
import { validateImage } from '../../src/validate/image.ts'
import { nimctl } from '../e2e/nimctl.ts'
import {
  buildImage,
  buildIndex,
  type BuiltImage,
  digestOf,
  file,
  type ImagePlan,
  manifestFile,
  ociIndex,
  ociManifest,
  pushBlob,
  pushImage,
  pushManifest,
  usualPlace,
} from '../image/built-image.ts'
import { type Registry, startRegistry } from '../servers/registry.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'

const account = { user: 'me', password: 'pw-of-me' }
const headers = { authorization: `Basic ${Buffer.from(`${account.user}:${account.password}`).toString('base64')}` }
const directory = makeTemporaryDirectory()
const signal = new AbortController().signal
let registry: Registry
let count = 0

beforeAll(async () => {
  registry = await startRegistry({ htpasswd: account })
})
afterAll(async () => {
  await registry?.stop()
  directory.remove()
})

const amd64 = { os: 'linux', architecture: 'amd64' }
const arm64 = { os: 'linux', architecture: 'arm64' }
/** Layers that no other image of this run has: what a test takes away is its own. */
const plan = (seed: string, platform = amd64): ImagePlan => ({
  layers: [
    { entries: [file('bin/busybox', `${seed} ${platform.architecture}`)] },
    { entries: [manifestFile(), file('own', seed)] },
  ],
  platform,
})

interface Pushed {
  name: string
  repository: string
  images: BuiltImage[]
}

async function pushList(images: BuiltImage[], tag = '1.8.4'): Promise<Pushed> {
  count += 1
  const repository = `nim/image-${count}`
  const to = { origin: `http://${registry.host}`, repository, headers }
  for (const image of images) await pushImage(image, digestOf(image.manifest), to)
  const platforms = [amd64, arm64]
  const index = buildIndex(images.map((image, at) => ({ image, platform: platforms[at] ?? amd64 })))
  await pushManifest(index, tag, ociIndex, to)
  return { name: `${registry.host}/${repository}:${tag}`, repository, images }
}

const both = (seed: string) => [buildImage(plan(seed)), buildImage(plan(seed, arm64))]

async function pushOne(image: ImagePlan): Promise<string> {
  count += 1
  const repository = `nim/image-${count}`
  await pushImage(buildImage(image), '1.8.4', { origin: `http://${registry.host}`, repository, headers })
  return `${registry.host}/${repository}:1.8.4`
}

function blobFile(digest: string): string {
  const hex = digest.slice('sha256:'.length)
  return join(registry.storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
}

async function check(
  image: string,
  { mirror, password = account.password }: { mirror?: string; password?: string } = {},
) {
  const checks = openCheckLog()
  count += 1
  const options = {
    findCredentials: async () => ({ username: account.user, password: secret(password) }),
    registry: { plainHttp: true, connections: {}, retry: { maxRetries: 0, firstWaitMs: 1, longestWaitMs: 1 } },
    platform: 'linux/amd64',
    cache: openInspectionCache(join(directory.path, `cache-${count}`)),
    signal,
    report: () => {},
  }
  try {
    const report = await validateImage({
      image,
      ...(mirror !== undefined && { mirror }),
      open: reference => openImageSource(reference, options),
      ...options,
      insecureTls: false,
      checks,
    })
    const found: Check[] = await Array.fromAsync(report.checks)
    return { ...report, checks: found, bad: found.filter(({ status }) => status !== 'ok') }
  } finally {
    await checks.close()
  }
}

const names = (checks: Check[]) => checks.map(({ name }) => name)

it('finds nothing in a whole image of two platforms and its mirror', async () => {
  const images = both('whole')
  const { name } = await pushList(images)
  const { name: mirror } = await pushList(images)
  const report = await check(name, { mirror })
  expect(report.bad).toEqual([])
  expect(report.summary).toEqual({
    models: ['meta/llama'],
    profiles: ['a'.repeat(64)],
    // Two configs, and two layers of each platform, of which they share one.
    files: 5,
    bytes: expect.any(Number),
  })
  expect(new Set(names(report.checks))).toEqual(
    new Set([
      'image.tag',
      'image.exists',
      'image.platform',
      'image.layer',
      'image.family',
      'image.manifest',
      'image.mirror-exists',
      'image.mirror-platform',
      'image.mirror-layer',
      'image.mirror',
    ]),
  )
})

describe('each fault is reported by one check', () => {
  it('latest', async () => {
    const { name } = await pushList(both('latest'), 'latest')
    expect((await check(name)).bad).toMatchObject([{ name: 'image.tag', status: 'warning' }])
    expect((await check(name.replace(':latest', ''))).bad).toMatchObject([{ name: 'image.tag', found: 'latest' }])
  })

  it('a tag that there is not', async () => {
    const { name } = await pushList(both('tag'))
    const { ok, bad } = await check(name.replace('1.8.4', '1.8.5'))
    expect(ok).toBe(false)
    expect(bad).toMatchObject([{ name: 'image.exists', status: 'failed' }])
  })

  it("a platform's manifest that the registry lost", async () => {
    const { name, images } = await pushList(both('platform'))
    await rm(blobFile(images[1]?.digest ?? ''))
    expect((await check(name)).bad).toMatchObject([{ name: 'image.platform', path: 'linux/arm64' }])
  })

  it.each<[string, (path: string) => Promise<void>]>([
    ['lost', path => rm(path)],
    ['cut', path => truncate(path, 20)],
    ['emptied', path => writeFile(path, '')],
  ])('a layer that the registry has %s', async (how, damage) => {
    const { name, images } = await pushList(both(`layer ${how}`))
    const digest = images[1]?.layers[0]?.digest ?? ''
    await damage(blobFile(digest))
    expect((await check(name)).bad).toMatchObject([{ name: 'image.layer', status: 'failed', path: digest }])
  })

  it('the layer with the model manifest lost', async () => {
    const { name, images } = await pushList(both('manifest layer'))
    await rm(blobFile(images[0]?.layers[1]?.digest ?? ''))
    expect(names((await check(name)).bad)).toEqual(['image.layer'])
  })

  it('no NIM', async () => {
    const name = await pushOne({ layers: [{ entries: [file('bin/busybox', 'no NIM')] }] })
    expect(names((await check(name)).bad)).toEqual(['image.family'])
  })

  it('a model manifest that names no profile', async () => {
    const entries = [file(usualPlace, 'schema_version: 1.0\n')]
    expect(names((await check(await pushOne({ layers: [{ entries }] }))).bad)).toEqual(['image.manifest'])
  })

  it('another image at the mirror', async () => {
    const { name } = await pushList(both('one'))
    const { name: mirror } = await pushList(both('another'))
    expect((await check(name, { mirror })).bad).toMatchObject([
      { name: 'image.mirror', status: 'failed', path: 'linux/amd64' },
      { name: 'image.mirror', status: 'failed', path: 'linux/arm64' },
    ])
  })

  it('a platform that was not mirrored', async () => {
    const images = both('one platform')
    const { name } = await pushList(images)
    const { name: mirror } = await pushList(images.slice(0, 1))
    expect((await check(name, { mirror })).bad).toMatchObject([
      { name: 'image.mirror', path: 'linux/arm64', found: 'nothing for this platform' },
    ])
  })

  it('the same image in another form at the mirror', async () => {
    const image = buildImage(plan('form'))
    const { name } = await pushList([image])
    const to = { origin: `http://${registry.host}`, repository: 'nim/form', headers }
    for (const blob of [image.config, ...image.layers.map(({ stored }) => stored)]) await pushBlob(blob, to)
    await pushManifest(
      Buffer.from(JSON.stringify(JSON.parse(image.manifest.toString()), null, 1)),
      '1',
      ociManifest,
      to,
    )
    const { bad } = await check(name, { mirror: `${registry.host}/nim/form:1` })
    expect(bad).toMatchObject([{ name: 'image.mirror', status: 'warning' }])
  })

  it('no mirror', async () => {
    const { name } = await pushList(both('no mirror'))
    expect(names((await check(name, { mirror: `${registry.host}/nim/nothing:1` })).bad)).toEqual([
      'image.mirror-exists',
    ])
  })

  it.each<[string, (pushed: Pushed) => string, string]>([
    ['manifest', ({ images }) => images[1]?.digest ?? '', 'image.mirror-platform'],
    ['layer', ({ images }) => images[1]?.layers[0]?.digest ?? '', 'image.mirror-layer'],
  ])('a %s that the registry of the mirror lost', async (what, digestIn, expected) => {
    const own = await startRegistry()
    try {
      const images = both(`mirror without ${what}`)
      const pushed = await pushList(images)
      const to = { origin: `http://${own.host}`, repository: 'nim/mirror' }
      for (const image of images) await pushImage(image, image.digest, to)
      const index = buildIndex(images.map((image, at) => ({ image, platform: [amd64, arm64][at] ?? amd64 })))
      await pushManifest(index, '1', ociIndex, to)
      const hex = digestIn(pushed).slice('sha256:'.length)
      await rm(join(own.storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data'))
      expect(names((await check(pushed.name, { mirror: `${own.host}/nim/mirror:1` })).bad)).toEqual([expected])
    } finally {
      await own.stop()
    }
  })
})

it('is an error of who asks where the password is wrong', async () => {
  const { name } = await pushList(both('password'))
  await expect(check(name, { password: 'wrong' })).rejects.toMatchObject({ category: 'auth', code: 'REGISTRY_AUTH' })
})

it('names who asked, in the result and with what docker login left', async () => {
  const { name } = await pushList(both('cli'))
  const auths = { [registry.host]: { auth: headers.authorization.slice('Basic '.length) } }
  await writeFile(join(directory.path, 'config.json'), JSON.stringify({ auths }))
  const env = { DOCKER_CONFIG: directory.path, XDG_CACHE_HOME: directory.path }
  const ask = ['validate', 'image', name, '--plain-http', '--retries', '0']
  const outcome = await nimctl([...ask, '--json'], { env })
  expect(outcome.json()).toMatchObject({
    ok: true,
    target: name,
    summary: { authenticatedAs: 'me', insecureTls: true },
  })
  const { exitCode, stdout } = await nimctl(ask, { env })
  expect(exitCode).toBe(0)
  expect(stdout).toContain('✓ image.family: llm')
  expect((await nimctl(ask, { env: { DOCKER_CONFIG: '/nowhere' } })).exitCode).toBe(4)
})
