import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { openDockerArchive } from '../../src/image/docker-archive.ts'
import type { ImageSource } from '../../src/image/image-source.ts'
import { inspectSource } from '../../src/image/inspect-source.ts'
import { openInspectionCache } from '../../src/image/inspection-cache.ts'
import { openOciLayout } from '../../src/image/oci-image.ts'
import { parseImageReference } from '../../src/image/reference.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { makeTemporaryDirectory, type TemporaryDirectory } from '../servers/temporary-directory.ts'
import {
  buildImage,
  buildIndex,
  type BuiltImage,
  digestOf,
  dockerArchiveFiles,
  file,
  type ImagePlan,
  manifestFile,
  manifestText,
  ociIndex,
  ociLayoutFiles,
  ociManifest,
  usualPlace,
  writeArchive,
  writeFiles,
} from './built-image.ts'

const signal = new AbortController().signal
let directory: TemporaryDirectory
beforeEach(() => {
  directory = makeTemporaryDirectory()
})
afterEach(() => directory.remove())

const nim: ImagePlan = { layers: [{ entries: [file('bin/busybox', 'x')] }, { entries: [manifestFile()] }] }

function open(name: string): Promise<ImageSource> {
  const reference = parseImageReference(name)
  if (!('path' in reference)) throw new Error(`${name} is no file.`)
  return reference.transport === 'docker-archive'
    ? openDockerArchive(reference, { signal })
    : openOciLayout(reference, { signal })
}

async function inspect(name: string, platform = 'linux/amd64') {
  const events: ProgressEvent[] = []
  const cache = openInspectionCache(join(directory.path, 'cache'))
  const report = (event: ProgressEvent) => events.push(event)
  const image = await inspectSource(await open(name), { platform, cache, signal, report })
  const bytes = events.reduce((sum, event) => sum + (event.event === 'bytes' ? event.bytes : 0), 0)
  return { image, events, bytes }
}

const layout = async (image: BuiltImage, name = '1.8.4') =>
  `oci:${await writeFiles(join(directory.path, 'layout'), ociLayoutFiles([image], [{ name, top: image.manifest, mediaType: ociManifest }]))}:${name}`

describe('where an image lies', () => {
  const places: [string, (image: BuiltImage, path: string) => Promise<string>, (image: BuiltImage) => string][] = [
    ['an OCI layout', image => layout(image), image => image.digest],
    [
      'an OCI layout with one image',
      async image => (await layout(image)).replace(/:1\.8\.4$/, ''),
      image => image.digest,
    ],
    [
      'an OCI archive',
      async (image, path) => {
        const files = ociLayoutFiles([image], [{ name: '1.8.4', top: image.manifest, mediaType: ociManifest }])
        return `oci-archive:${await writeArchive(path, files)}:1.8.4`
      },
      image => image.digest,
    ],
    [
      'a compressed OCI archive',
      async (image, path) => {
        const files = ociLayoutFiles([image], [{ top: image.manifest, mediaType: ociManifest }])
        return `oci-archive:${await writeArchive(path, files, 'gzip')}`
      },
      image => image.digest,
    ],
    [
      'an archive of docker save',
      async (image, path) =>
        `docker-archive:${await writeArchive(path, dockerArchiveFiles([{ image, tags: ['nim/llama:1.8.4'] }]))}:nim/llama:1.8.4`,
      image => digestOf(image.config),
    ],
    [
      'a compressed archive of docker save without a name',
      async (image, path) =>
        `docker-archive:${await writeArchive(path, dockerArchiveFiles([{ image, tags: null }]), 'gzip')}`,
      image => digestOf(image.config),
    ],
  ]

  it.each(places)('reads %s', async (_, write, digest) => {
    const built = buildImage({ ...nim, labels: { 'com.nvidia.nim.version': '1.8.4' }, user: 'nim' })
    const name = await write(built, join(directory.path, 'image.tar'))
    const { image } = await inspect(name)
    expect(image).toEqual({
      reference: name,
      digest: digest(built),
      platform: 'linux/amd64',
      family: 'llm',
      version: '1.8.4',
      user: 'nim',
      labels: { 'com.nvidia.nim.version': '1.8.4' },
      manifest: { path: usualPlace, text: manifestText },
    })
  })

  it('reads only the headers of an archive that it does not need', async () => {
    const big = file('weights', Buffer.alloc(40 * 1024 * 1024, 'w'))
    const built = buildImage({ layers: [{ entries: [big], compression: 'none' }, ...nim.layers] })
    const files = ociLayoutFiles([built], [{ top: built.manifest, mediaType: ociManifest }])
    const { bytes } = await inspect(`oci-archive:${await writeArchive(join(directory.path, 'a.tar'), files)}`)
    expect(bytes).toBeLessThan(10_000)
  })

  it('asks which one of several is meant, and names them', async () => {
    const built = buildImage(nim)
    const top = { top: built.manifest, mediaType: ociManifest }
    const files = ociLayoutFiles(
      [built],
      [
        { name: 'one', ...top },
        { name: 'two', ...top },
      ],
    )
    const path = await writeFiles(join(directory.path, 'two'), files)
    await expect(inspect(`oci:${path}`)).rejects.toMatchObject({ code: 'IMAGE_AMBIGUOUS', why: 'It holds one, two.' })
    await expect(inspect(`oci:${path}:three`)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    const tags = [
      { image: built, tags: ['a:1'] },
      { image: built, tags: ['b:1'] },
    ]
    const archive = await writeArchive(join(directory.path, 'two.tar'), dockerArchiveFiles(tags))
    await expect(inspect(`docker-archive:${archive}`)).rejects.toMatchObject({ code: 'IMAGE_AMBIGUOUS' })
    await expect(inspect(`docker-archive:${archive}:c:1`)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    expect((await inspect(`docker-archive:${archive}:docker.io/library/b:1`)).image.family).toBe('llm')
  })

  it.each([
    ['oci', 'not-found', 'IMAGE_NOT_FOUND'],
    ['oci-archive', 'not-found', 'PATH_NOT_FOUND'],
    ['docker-archive', 'not-found', 'PATH_NOT_FOUND'],
  ])('says that nothing lies at %s:…', async (transport, category, code) => {
    const absent = join(directory.path, 'absent')
    await expect(inspect(`${transport}:${absent}`)).rejects.toMatchObject({ category, code })
  })

  it('never leaves the directory for a digest that leads out of it', async () => {
    const files = ociLayoutFiles([], [])
    const evil = { schemaVersion: 2, manifests: [{ digest: 'sha256:../../../secret', size: 1 }] }
    files.set('index.json', Buffer.from(JSON.stringify(evil)))
    const path = await writeFiles(join(directory.path, 'evil'), files)
    await expect(inspect(`oci:${path}`)).rejects.toMatchObject({ code: 'NOT_AN_IMAGE' })
  })
})

describe('platforms', () => {
  const amd64 = { os: 'linux', architecture: 'amd64' }
  const arm64 = { os: 'linux', architecture: 'arm64', variant: 'v8' }
  const native = { labels: { 'com.nvidia.nim.model_download_protocol': 'native-v1' } }

  async function list(images: { plan: ImagePlan; platform: typeof amd64 }[]) {
    const built = images.map(({ plan, platform }) => ({ image: buildImage({ ...plan, platform }), platform }))
    const attestation = { image: buildImage({ layers: [] }), platform: { os: 'unknown', architecture: 'unknown' } }
    const top = buildIndex([...built, attestation])
    const files = ociLayoutFiles(
      [...built, attestation].map(({ image }) => image),
      [{ name: 'list', top, mediaType: ociIndex }],
    )
    return { name: `oci:${await writeFiles(join(directory.path, 'list'), files)}:list`, digest: digestOf(top) }
  }

  it('reads the one that is asked for, and has the digest of the list', async () => {
    const other = { layers: [{ entries: [file(usualPlace, manifestText.replace('bf16', 'fp8'))] }] }
    const { name, digest } = await list([
      { plan: nim, platform: amd64 },
      { plan: other, platform: arm64 },
    ])
    const found = await inspect(name, 'linux/arm64')
    expect(found.image).toMatchObject({ digest, platform: 'linux/arm64/v8' })
    expect(found.image.manifest?.text).toContain('fp8')
    expect((await inspect(name, 'linux/riscv64')).image).toMatchObject({ digest, platform: 'linux/amd64' })
  })

  it('knows a native image by its label, and reads no layer of it', async () => {
    const { name } = await list([
      { plan: { ...nim, ...native }, platform: amd64 },
      { plan: { ...nim, ...native }, platform: arm64 },
    ])
    const { image, bytes } = await inspect(name)
    expect(image).toMatchObject({ family: 'native' })
    expect(image).not.toHaveProperty('manifest')
    expect(bytes).toBe(0)
  })

  it('refuses a list whose platforms are not of one family, and says which are what', async () => {
    const { name } = await list([
      { plan: { ...nim, ...native }, platform: arm64 },
      { plan: nim, platform: amd64 },
    ])
    await expect(inspect(name)).rejects.toMatchObject({
      category: 'usage',
      code: 'PLATFORMS_DISAGREE',
      why: expect.stringMatching(/native-v1 stands on linux\/arm64\/v8, and not on linux\/amd64/),
    })
  })
})

it('refuses what is no NIM image, and says what it looked for', async () => {
  const name = await layout(buildImage({ layers: [{ entries: [file('bin/sh', 'x')] }] }))
  await expect(inspect(name)).rejects.toMatchObject({
    category: 'usage',
    code: 'NOT_A_NIM_IMAGE',
    why: expect.stringContaining(usualPlace),
  })
})

it.each([
  [{ 'org.opencontainers.image.version': '2.0.1' }, '2.0.1'],
  [{ 'org.opencontainers.image.version': '22.04', 'org.opencontainers.image.ref.name': 'ubuntu' }, undefined],
  [{}, undefined],
])('takes from the labels %j the version %s', async (labels, version) => {
  expect((await inspect(await layout(buildImage({ ...nim, labels })))).image.version).toBe(version)
})

describe('damage', () => {
  it.each([
    ['gzip', 0.6],
    ['zstd', 0.6],
    ['none', 0.6],
    ['gzip', 0],
  ] as const)('names a layer (%s) that ends after %d of itself', async (compression, share) => {
    const built = buildImage({ layers: [{ entries: [file('some', 'z'.repeat(9000))], compression }] })
    const name = await layout(built)
    const [layer] = built.layers
    const path = join(directory.path, 'layout/blobs', (layer?.digest ?? '').replace(':', '/'))
    const bytes = layer?.stored ?? Buffer.alloc(0)
    await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * share)))
    await expect(inspect(name)).rejects.toMatchObject({
      category: 'check-failed',
      code: 'IMAGE_DAMAGED',
      why: expect.stringContaining(layer?.digest ?? ''),
    })
  })

  it.each(['config', 'manifest'] as const)('sees a flipped byte of the %s', async part => {
    const built = buildImage(nim)
    const name = await layout(built)
    const path = join(directory.path, 'layout/blobs', digestOf(built[part]).replace(':', '/'))
    await writeFile(path, built[part].toString('utf8').replace('linux', 'linuy').replace('sha256', 'sha255'))
    await expect(inspect(name)).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' })
  })

  it('sees a flipped byte of a layer that it read to the end', async () => {
    const built = buildImage({ layers: [{ entries: [file('some', 'zzzz')], compression: 'none' }] })
    const name = await layout(built)
    const path = join(directory.path, 'layout/blobs', (built.layers[0]?.digest ?? '').replace(':', '/'))
    await writeFile(path, (await readFile(path)).toString('latin1').replace('zzzz', 'zzzy'), 'latin1')
    await expect(inspect(name)).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' })
  })

  it('names a layer that is not there', async () => {
    const built = buildImage(nim)
    const files = ociLayoutFiles([built], [{ top: built.manifest, mediaType: ociManifest }])
    files.delete(`blobs/${built.layers[0]?.digest.replace(':', '/')}`)
    files.delete(`blobs/${built.layers[1]?.digest.replace(':', '/')}`)
    const name = `oci:${await writeFiles(join(directory.path, 'holes'), files)}`
    await expect(inspect(name)).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' })
  })

  it('names an archive that was cut off', async () => {
    const path = join(directory.path, 'cut.tar')
    await writeArchive(path, dockerArchiveFiles([{ image: buildImage(nim), tags: ['a:1'] }]))
    await writeFile(path, (await readFile(path)).subarray(0, 700))
    await expect(inspect(`docker-archive:${path}`)).rejects.toMatchObject({ code: 'IMAGE_DAMAGED' })
  })
})

describe('the second look', () => {
  it('reads nothing of the layers', async () => {
    const name = await layout(buildImage(nim))
    const first = await inspect(name)
    const second = await inspect(name)
    expect(first.bytes).toBeGreaterThan(0)
    expect(second.bytes).toBe(0)
    expect(second.image).toEqual(first.image)
  })

  it.each([
    ['is cut', (text: string) => text.slice(0, -20)],
    ['has another manifest in it', (text: string) => text.replace('bf16', 'fp16')],
    ['is of another format', (text: string) => text.replace('"formatVersion":1', '"formatVersion":2')],
    ['is empty', () => ''],
  ])('reads anew where what was kept %s', async (_, damage) => {
    const name = await layout(buildImage(nim))
    const first = await inspect(name)
    const cache = join(directory.path, 'cache')
    const [kept = ''] = await readdir(cache)
    const path = join(cache, kept)
    await writeFile(path, damage(await readFile(path, 'utf8')))
    const second = await inspect(name)
    expect(second.bytes).toBeGreaterThan(0)
    expect(second.image).toEqual(first.image)
    expect((await inspect(name)).bytes).toBe(0)
  })

  it('does without where nothing can be kept', async () => {
    const name = await layout(buildImage(nim))
    await writeFile(join(directory.path, 'cache'), 'a file in the way')
    expect((await inspect(name)).image.family).toBe('llm')
  })
})
