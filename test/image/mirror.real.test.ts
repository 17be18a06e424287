import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import { parseMirrorTarget } from '../../src/image/mirror-plan.ts'
import { mirrorImages, type MirrorRequest, prepareMirror } from '../../src/image/mirror.ts'
import { parseImageReference } from '../../src/image/reference.ts'
import { openSkopeo } from '../../src/image/skopeo.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'
import { type Registry, startRegistry } from '../servers/registry.ts'
import { buildBusyboxImage } from '../system/busybox-image.ts'
import { pushList } from './image-list.ts'
import { pushImages, pushSigned } from './push-images.ts'

const signal = new AbortController().signal
const password = 'nobody-may-see-this'
const image = 'nimctl-test/mirror:1'
const open = { sourceAccess: () => ({ tlsVerify: false }), destinationAccess: () => ({ tlsVerify: false }) }

let registry: string
let guarded: Registry
let directory: string
const env = () => ({ ...process.env, DOCKER_HOST: inject('dockerHost') })
beforeAll(async () => {
  registry = inject('registryHost')
  guarded = await startRegistry({ htpasswd: { user: 'me', password } })
  directory = await mkdtemp(join(tmpdir(), 'nimctl-mirror-'))
  await buildBusyboxImage(image)
})
afterAll(() => guarded.stop())

async function mirror(sources: string[], to: string, request: Partial<MirrorRequest> = {}, extraEnv = {}) {
  const events: ProgressEvent[] = []
  const context = {
    copier: await openSkopeo({ env: { ...env(), ...extraEnv }, signal }),
    signal,
    report: (event: ProgressEvent) => events.push(event),
  }
  const whole = { retries: 0, parallel: 2, keepGoing: false, ...open, ...request }
  const targets = { sources: sources.map(parseImageReference), to: parseMirrorTarget(to) }
  const prepared = () => prepareMirror({ ...whole, ...targets }, context)
  const run = () => mirrorImages({ ...whole, ...targets }, context)
  return { run, prepared, events }
}

const daemonImage = `docker-daemon:${image}`

it('mirrors from the engine to a registry once, then from there with its digest', async () => {
  const first = await (await mirror([daemonImage], `${registry}/first`)).run()
  const [copied] = first.images
  expect(first).toMatchObject({
    ok: true,
    images: [
      {
        status: 'copied',
        destination: `${registry}/first/nimctl-test/mirror:1`,
        platforms: [expect.stringMatching('^linux/')],
      },
    ],
  })
  expect(copied?.digest).toMatch(/^sha256:/)
  expect(copied?.sourceDigest).not.toBe(copied?.digest)
  expect(copied?.bytes).toBeGreaterThan(100_000)

  const again = await (await mirror([daemonImage], `${registry}/first`)).run()
  expect(again.images).toMatchObject([{ status: 'present', digest: copied?.digest }])

  const source = `${registry}/first/nimctl-test/mirror:1`
  const second = await (await mirror([source], `${registry}/second`)).run()
  expect(second.images).toMatchObject([{ status: 'copied', sourceDigest: copied?.digest, digest: copied?.digest }])
})

it("goes through an OCI layout, which takes another digest for Docker's format and keeps OCI's", async () => {
  await (await mirror([daemonImage], `${registry}/carry`)).run()
  const source = `${registry}/carry/nimctl-test/mirror:1`
  const layout = `oci:${join(directory, 'layout')}`
  const { run, events } = await mirror([source], layout)
  const [out] = (await run()).images
  expect(out?.digest).not.toBe(out?.sourceDigest)
  expect(events).toContainEqual(expect.objectContaining({ event: 'warning', code: 'DIGEST_CHANGED' }))
  expect((await (await mirror([source], layout)).run()).images).toMatchObject([
    { status: 'present', digest: out?.digest },
  ])

  const [into] = (await (await mirror([out?.destination ?? ''], `${registry}/far`)).run()).images
  expect(into).toMatchObject({ sourceDigest: out?.digest, digest: out?.digest, status: 'copied' })
  const archive = `oci-archive:${join(directory, 'one.tar')}`
  const [archived] = (await (await mirror([out?.destination ?? ''], archive)).run()).images
  expect(archived).toMatchObject({ digest: out?.digest, status: 'copied' })
})

it('mirrors all platforms of a list, one of them, or some', async () => {
  await (await mirror([daemonImage], registry)).run()
  const list = await pushList(registry, 'nimctl-test/mirror', '1', 'list')
  const source = `${registry}/nimctl-test/mirror:list`
  const [all] = (await (await mirror([source], `${registry}/all`)).run()).images
  expect(all).toMatchObject({
    sourceDigest: list.digest,
    digest: list.digest,
    platforms: list.platforms,
    status: 'copied',
  })
  const [one] = (await (await mirror([source], `${registry}/one`, { platforms: ['linux/arm64'] })).run()).images
  expect(one).toMatchObject({ sourceDigest: list.images[1], digest: list.images[1], platforms: ['linux/arm64/v8'] })
  const platforms = ['linux/amd64', 'linux/arm64']
  const run = async () => (await (await mirror([source], `${registry}/some`, { platforms })).run()).images
  const some = list.platforms.slice(0, 2).map((platform, index) => {
    const digest = list.images[index]
    return { platform, sourceDigest: digest, digest }
  })
  const why = expect.stringContaining("2 of the source's 3 platforms")
  expect(await run()).toMatchObject([{ status: 'copied', sourceDigest: list.digest, platformDigests: some, why }])
  expect(await run()).toMatchObject([{ status: 'present', platformDigests: some, why }])
  const none = (await mirror([source], `${registry}/none`, { platforms: ['linux/riscv64'] })).run()
  await expect(none).rejects.toMatchObject({ category: 'not-found', code: 'PLATFORM_NOT_FOUND' })
})

it('takes along what was said of an image, also through a layout, if asked', async () => {
  const origin = `http://${registry}`
  const list = await pushImages(origin, 'nimctl-test/signed', '1', { format: 'oci' })
  const [platform = ''] = list.images
  const said = [await pushSigned(origin, 'nimctl-test/signed', platform)]
  const source = `${registry}/nimctl-test/signed:1`
  const found = async (prefix: string) => {
    const names = said.flatMap(({ tag, sbom, signatureOfSbom }) => [tag, sbom, signatureOfSbom, sbom.replace(':', '-')])
    const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json'
    const answers = await Promise.all(
      names.map(name => fetch(`${origin}/v2/${prefix}/nimctl-test/signed/manifests/${name}`, { headers: { accept } })),
    )
    return [...new Set(answers.map(({ status }) => status))]
  }
  const one = { platforms: ['linux/amd64'] }
  await (await mirror([source], `${registry}/unsigned`, one)).run()
  expect(await found('unsigned')).toEqual([404])
  await (await mirror([source], `oci:${directory}/signed`, { ...one, withSignatures: true })).run()
  await (
    await mirror([`oci:${directory}/signed:nimctl-test/signed:1`], `${registry}/signed`, { withSignatures: true })
  ).run()
  expect(await found('signed')).toEqual([200])
  const { run, events } = await mirror([source], `docker-archive:${directory}/signed.tar`, {
    ...one,
    withSignatures: true,
  })
  await run()
  expect(events).toContainEqual(expect.objectContaining({ event: 'warning', code: 'SIGNATURES_LEFT' }))
})

it('says that signatures need a newer skopeo, where there are any', async () => {
  const origin = `http://${registry}`
  const { images } = await pushImages(origin, 'nimctl-test/signed-old', '1')
  await pushSigned(origin, 'nimctl-test/signed-old', images[0] ?? '')
  const script =
    '#!/bin/sh\n[ "$1" = --version ] && exec echo "skopeo version 1.5.2"\nPATH=${PATH#*:} exec skopeo "$@"\n'
  const old = await mkdtemp(join(directory, 'old-'))
  await writeFile(join(old, 'skopeo'), script, { mode: 0o755 })
  const request = { withSignatures: true, platforms: ['linux/amd64'] }
  const path = { PATH: `${old}:${process.env['PATH']}` }
  const running = (await mirror([`${registry}/nimctl-test/signed-old:1`], `${registry}/old`, request, path)).run()
  await expect(running).rejects.toMatchObject({ category: 'missing-tool', code: 'TOOL_TOO_OLD' })
})

it('writes several images into one layout at a time, and loses none', async () => {
  const names = ['a', 'b', 'c', 'd'].map(name => `nimctl-test/parallel-${name}`)
  const pushed = await Promise.all(names.map(name => pushImages(`http://${registry}`, name, '1', { format: 'oci' })))
  const layout = `oci:${join(directory, 'parallel')}`
  const sources = names.map(name => `${registry}/${name}:1`)
  const { images } = await (await mirror(sources, layout, { parallel: 4 })).run()
  expect(images.map(({ status, digest }) => ({ status, digest }))).toEqual(
    pushed.map(({ digest }) => ({ status: 'copied', digest })),
  )
  const again = await (await mirror(sources, layout)).run()
  expect(again.images.map(({ status }) => status)).toEqual(names.map(() => 'present'))
})

it('stops all of them at the first failure, and says which it was', async () => {
  const { run } = await mirror([`${registry}/absent:1`, daemonImage], `${registry}/stopped`, { parallel: 2 })
  await expect(run()).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND', message: expect.stringContaining('absent:1') })
})

it('plans without writing', async () => {
  const { prepared } = await mirror([daemonImage], `${registry}/planned`)
  expect(await prepared()).toMatchObject([{ action: 'copy', bytes: expect.any(Number) }])
  expect(await prepared()).toMatchObject([{ action: 'copy' }])
})

it('brings the password to skopeo by a private file that is gone afterwards', async () => {
  const spied = join(directory, 'spied')
  const script = `#!/bin/sh
    echo "$@" >> ${spied}
    for word in "$@"; do case $word in */auth.json) stat -c '%a %n' "$word" "\${word%/*}" >> ${spied} ;; esac; done
    PATH=\${PATH#*:} exec skopeo "$@"`
  await writeFile(join(directory, 'skopeo'), script, { mode: 0o755 })
  const credentials = { username: 'me', password: secret(password) }
  const access = { destinationAccess: () => ({ tlsVerify: false, credentials }) }
  const path = { PATH: `${directory}:${process.env['PATH']}` }
  const result = await (await mirror([daemonImage], guarded.host, access, path)).run()
  expect(result.images).toMatchObject([{ status: 'copied' }])
  const seen = await readFile(spied, 'utf8')
  expect(seen).toMatch(/--dest-authfile \S+\/auth\.json/)
  expect(seen).toMatch(/^600 \S+\/auth\.json$/m)
  expect(seen).toMatch(/^700 \S+\/nimctl-auth-[\w-]+$/m)
  expect(seen).not.toContain(password)
  const file = /\S+\/auth\.json/.exec(seen)?.[0] ?? ''
  await expect(stat(file)).rejects.toThrow('ENOENT')
})

it.each([
  {
    case: 'a missing image',
    source: () => `${registry}/absent:1`,
    to: () => registry,
    code: 'IMAGE_NOT_FOUND',
    category: 'not-found',
  },
  {
    case: 'a missing local image',
    source: () => 'docker-daemon:absent:1',
    to: () => registry,
    code: 'IMAGE_NOT_FOUND',
    category: 'not-found',
  },
  {
    case: 'a registry that wants a password',
    source: () => daemonImage,
    to: () => guarded.host,
    code: 'REGISTRY_AUTH',
    category: 'auth',
  },
  {
    case: 'a registry that is down',
    source: () => daemonImage,
    to: () => '127.0.0.1:1',
    code: 'REGISTRY_UNREACHABLE',
    category: 'unavailable',
  },
])('says what is wrong with $case', async ({ source, to, code, category }) => {
  const running = (await mirror([source()], to())).run()
  await expect(running).rejects.toMatchObject({ code, category })
})

it('names the flag where HTTPS is spoken to HTTP', async () => {
  const running = (await mirror([daemonImage], registry, { destinationAccess: () => ({}) })).run()
  await expect(running).rejects.toMatchObject({
    code: 'REGISTRY_TLS',
    next: expect.stringContaining('--no-dest-tls-verify'),
  })
})

it('goes on with the others, and says what failed', async () => {
  const { run } = await mirror([`${registry}/absent:1`, daemonImage], `${registry}/on`, { keepGoing: true })
  expect(await run()).toMatchObject({
    ok: false,
    images: [{ status: 'failed', error: { code: 'IMAGE_NOT_FOUND' } }, { status: 'copied' }],
  })
})

it('tries again what may succeed later, and says so', async () => {
  const { run, events } = await mirror([daemonImage], '127.0.0.1:1', { retries: 1 })
  await expect(run()).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  expect(events.filter(({ event }) => event === 'retrying')).toHaveLength(1)
})
