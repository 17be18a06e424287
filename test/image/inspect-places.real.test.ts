import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { buildStandInImages } from '../../fixtures/stand-in/image.ts'
import { findNimImage, type FindOptions } from '../../src/image/find-image.ts'
import { openInspectionCache } from '../../src/image/inspection-cache.ts'
import { openDockerEngine } from '../../src/system/docker.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'
import { requireProgram } from '../servers/locate.ts'
import { startRegistry, type Registry } from '../servers/registry.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { dockerCli } from '../system/busybox-image.ts'
import { buildImage, file, manifestFile, manifestText, pushImage, writeFiles } from './built-image.ts'
import { pushLargeImage, servedBytes } from './large-image.ts'

const signal = new AbortController().signal
const directory = makeTemporaryDirectory()
const { reference } = standIns.llm1
const nim = (compression: 'gzip' | 'zstd' | 'none') =>
  buildImage({ layers: [{ entries: [file('bin/sh', 'x'), manifestFile()], compression }] })

let count = 0
let registry: string
beforeAll(async () => {
  registry = inject('registryHost')
  await buildStandInImages({ docker: connectEngine(inject('dockerHost')), only: [reference] })
})
afterAll(() => directory.remove())

/** Each with a cache of its own, and without an engine unless told. */
async function find(name: string, options: Partial<FindOptions> = {}) {
  const events: ProgressEvent[] = []
  count += 1
  const image = await findNimImage(name, {
    openEngine: () => openDockerEngine({ env: { DOCKER_HOST: `unix://${directory.path}/no-engine.sock` } }),
    findCredentials: async () => undefined,
    registry: { plainHttp: true, connections: {}, retry: { maxRetries: 0, firstWaitMs: 1, longestWaitMs: 1 } },
    platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    cache: openInspectionCache(join(directory.path, `cache-${count}`)),
    signal,
    report: event => events.push(event),
    ...options,
  })
  return { image, events }
}

describe('a registry', () => {
  it.each(['gzip', 'zstd', 'none'] as const)('is read with layers of %s', async compression => {
    const built = nim(compression)
    await pushImage(built, compression, { origin: `http://${registry}`, repository: 'nim/look' })
    const { image } = await find(`${registry}/nim/look:${compression}`)
    expect(image).toMatchObject({ digest: built.digest, family: 'llm', manifest: { text: manifestText } })
  })

  it('says that it has no such image', async () => {
    await expect(find(`${registry}/nim/absent:1`)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  it('that wants a password is read with one alone', async () => {
    const guarded = await startRegistry({ htpasswd: { user: 'me', password: 'pw-of-me' } })
    try {
      const headers = { authorization: `Basic ${Buffer.from('me:pw-of-me').toString('base64')}` }
      await pushImage(nim('gzip'), '1', { origin: `http://${guarded.host}`, repository: 'nim/look', headers })
      const name = `${guarded.host}/nim/look:1`
      const findCredentials = async () => ({ username: 'me', password: secret('pw-of-me') })
      expect((await find(name, { findCredentials })).image.family).toBe('llm')
      await expect(find(name)).rejects.toMatchObject({ category: 'auth', code: 'REGISTRY_AUTH' })
    } finally {
      await guarded.stop()
    }
  })

  describe('with a certificate of its own', () => {
    let secured: Registry
    const access = (connections: FindOptions['registry']['connections'], plainHttp = false) => ({
      registry: { plainHttp, connections, retry: { maxRetries: 0, firstWaitMs: 1, longestWaitMs: 1 } },
    })
    beforeAll(async () => {
      secured = await startRegistry({ tls: true })
      const from = join(directory.path, 'secured')
      await skopeo('copy', `docker-daemon:${reference}`, `oci:${from}:1`)
      const trusted = await writeFiles(
        join(directory.path, 'trusted'),
        new Map([['ca.crt', await readFile(secured.caFile ?? '')]]),
      )
      await skopeo('copy', '--dest-cert-dir', trusted, `oci:${from}:1`, `docker://${secured.host}/nim/look:1`)
    })
    afterAll(() => secured.stop())

    it('is read with its CA, or unchecked where that is asked for', async () => {
      const name = `${secured.host}/nim/look:1`
      const { caFile = '' } = secured
      expect((await find(name, access({ caFile }))).image.family).toBe('llm')
      expect((await find(name, access({ insecureSkipTlsVerify: true }))).image.family).toBe('llm')
    })

    it('is not trusted otherwise, and who signed it is named', async () => {
      await expect(find(`${secured.host}/nim/look:1`, access({}))).rejects.toMatchObject({
        code: 'REGISTRY_TLS',
        why: expect.stringContaining('nimctl test authority'),
        next: expect.stringContaining('--ca-file'),
      })
    })

    it('is told from one that speaks the other thing', async () => {
      await expect(find(`${registry}/nim/look:gzip`, access({}))).rejects.toMatchObject({
        code: 'REGISTRY_TLS',
        next: expect.stringContaining('--plain-http'),
      })
      await expect(find(`${secured.host}/nim/look:1`, access({}, true))).rejects.toMatchObject({
        code: 'REGISTRY_REFUSED',
        next: expect.stringContaining('--plain-http'),
      })
    })
  })
})

describe('what other tools made', () => {
  const at = (name: string) => join(directory.path, name)
  const expected = { family: 'llm', user: standIns.llm1.user, version: standIns.llm1.version }

  it('skopeo: an OCI layout, an OCI archive, an archive of Docker, a registry', async () => {
    const targets = [
      `oci:${at('layout')}:1`,
      `oci-archive:${at('oci.tar')}:1`,
      `docker-archive:${at('docker.tar')}:${reference}`,
    ]
    for (const target of targets) {
      await skopeo('copy', `docker-daemon:${reference}`, target)
      const { image } = await find(target)
      expect(image).toMatchObject({ ...expected, reference: target })
      expect(image.manifest?.text).toContain('workspace')
    }
    await skopeo('copy', '--dest-tls-verify=false', targets[0] ?? '', `docker://${registry}/nim/skopeo:1`)
    const [layout, pushed] = [await find(targets[0] ?? ''), await find(`docker://${registry}/nim/skopeo:1`)]
    expect(pushed.image.digest).toBe(layout.image.digest)
    expect(pushed.image.manifest).toEqual(layout.image.manifest)
  })

  it('docker save, also compressed', async () => {
    await dockerCli('save', '--output', at('save.tar'), reference)
    await execa('gzip', ['--keep', at('save.tar')])
    const plain = await find(`docker-archive:${at('save.tar')}`)
    expect(plain.image).toMatchObject(expected)
    const compressed = await find(`docker-archive:${at('save.tar.gz')}`)
    expect(compressed.image).toEqual({ ...plain.image, reference: `docker-archive:${at('save.tar.gz')}` })
  })
})

describe('the engine', () => {
  const openEngine = () => openDockerEngine({ env: { DOCKER_HOST: inject('dockerHost') } })

  it('is asked first, and says the same as the registry', async () => {
    const name = `${registry}/nim/both:1`
    await dockerCli('tag', reference, name)
    await dockerCli('push', name)
    const local = await find(name, { openEngine })
    const remote = await find(`docker://${name}`, { openEngine })
    expect(local.events).toEqual([])
    expect(remote.events.length).toBeGreaterThan(0)
    expect(remote.image).toEqual({ ...local.image, platform: remote.image.platform })
    await dockerCli('rmi', name)
    expect((await find(name, { openEngine })).image).toEqual(remote.image)
  })

  it('is the only place of docker-daemon:', async () => {
    const name = `docker-daemon:${reference}`
    expect((await find(name, { openEngine })).image.family).toBe('llm')
    await expect(find(name)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
  })
})

describe('a large image', () => {
  it('is not read for a manifest in a small layer, by what the registry serves', async () => {
    const own = await startRegistry()
    try {
      const { size } = await pushLargeImage(own, { repository: 'nim/large', tag: '1' })
      const { image } = await find(`${own.host}/nim/large:1`)
      expect(image.manifest?.text).toBe(manifestText)
      expect(await servedBytes(own)).toBeLessThan(size / 100)
      expect(await readFile(own.logFile, 'utf8')).toContain('nimctl')
    } finally {
      await own.stop()
    }
  })
})

async function skopeo(command: string, ...args: string[]): Promise<void> {
  const daemon = args.some(arg => arg.startsWith('docker-daemon:')) ? ['--src-daemon-host', inject('dockerHost')] : []
  await execa(requireProgram('skopeo', 'skopeo'), ['--insecure-policy', command, ...daemon, ...args])
}
