import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { makeHubCache } from '../hub-cache.ts'
import {
  buildImage,
  file,
  manifestFile,
  ociLayoutFiles,
  ociManifest,
  pushImage,
  writeFiles,
} from '../image/built-image.ts'
import { pushLargeImage, servedBytes } from '../image/large-image.ts'
import { type Registry, startRegistry } from '../servers/registry.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { nimctl, type RunOptions } from './nimctl.ts'

const directory = makeTemporaryDirectory()
/** No engine, no home, no key. */
const env = { HOME: directory.path, DOCKER_HOST: `unix://${directory.path}/no-engine.sock`, NIMCTL_RETRIES: '0' }
const run = (args: string[], options: RunOptions = {}) => nimctl(args, { env, ...options })

let registry: Registry
beforeAll(async () => {
  registry = await startRegistry()
})
afterAll(async () => {
  await registry.stop()
  directory.remove()
})

it('reads under 5% of 3 GB where the manifest lies in a small late layer, and nothing of a layer again', async () => {
  const { size } = await pushLargeImage(registry, { repository: 'nim/large', tag: '1.8.4' })
  expect(size).toBeGreaterThan(3e9)
  const name = `${registry.host}/nim/large:1.8.4`
  const listed = await run(['profiles', name, '--plain-http', '--json'])
  expect(listed.exitCode).toBe(0)
  expect(listed.json()).toMatchObject({
    kind: 'ProfileListing',
    source: 'manifest',
    image: name,
    family: 'llm',
    imageUser: '1000',
    utilities: expect.arrayContaining(['list-model-profiles', 'download-to-cache']),
    profiles: [{ id: 'a'.repeat(64) }],
  })
  const served = await servedBytes(registry)
  expect(served).toBeLessThan(0.05 * size)
  const again = await run(['profiles', name, '--plain-http', '--ids'])
  expect(again).toMatchObject({ exitCode: 0, stdout: `${'a'.repeat(64)}\n` })
  // One manifest more.
  expect((await servedBytes(registry)) - served).toBeLessThan(5000)
})

it('plans a cache without an engine and without a pull', async () => {
  const image = buildImage({ layers: [{ entries: [manifestFile()] }] })
  await pushImage(image, '1', { origin: `http://${registry.host}`, repository: 'nim/planned' })
  const name = `${registry.host}/nim/planned:1`
  const planned = await run([
    'cache',
    name,
    join(directory.path, 'cache'),
    '--all',
    '--dry-run',
    '--plain-http',
    '--json',
  ])
  expect(planned.json()).toMatchObject({ imageDigest: image.digest, profiles: ['a'.repeat(64)] })
  const filled = await run(['cache', name, join(directory.path, 'cache'), '--all'])
  expect(filled).toMatchObject({ exitCode: 7 })
})

it('compares a cache with an image in a registry or a layout, without an engine', async () => {
  const image = buildImage({ layers: [{ entries: [manifestFile()] }] })
  await pushImage(image, '1', { origin: `http://${registry.host}`, repository: 'nim/compared' })
  const files = ociLayoutFiles([image], [{ name: '1', top: image.manifest, mediaType: ociManifest }])
  const layout = await writeFiles(join(directory.path, 'compared-layout'), files)
  const cache = join(directory.path, 'compared')
  await makeHubCache(cache)
  for (const name of [`${registry.host}/nim/compared:1`, `oci:${layout}:1`]) {
    const args = ['validate', 'cache', cache, '--against', name, '--plain-http', '--json']
    const report = await run(args)
    expect(report.exitCode).toBe(3)
    const { checks } = report.json() as { checks: { name: string }[] }
    expect(checks[0]).toMatchObject({ name: 'cache.profile-of-another-tag' })
  }
})

it('ends with 2 for what is no NIM image, and says what it looked for', async () => {
  await pushImage(buildImage({ layers: [{ entries: [file('bin/sh', 'x')] }] }), '1', {
    origin: `http://${registry.host}`,
    repository: 'plain',
  })
  const refused = await run(['profiles', `${registry.host}/plain:1`, '--plain-http', '--json'])
  expect(refused.exitCode).toBe(2)
  expect(refused.json()).toMatchObject({
    code: 'NOT_A_NIM_IMAGE',
    why: expect.stringContaining('/opt/nim/etc/default/model_manifest.yaml'),
  })
})

it('ends with 5 for what is not there, and with 6 where nobody is', async () => {
  expect(await run(['profiles', `${registry.host}/absent:1`, '--plain-http'])).toMatchObject({ exitCode: 5 })
  expect(await run(['profiles', '127.0.0.1:9/absent:1', '--plain-http'])).toMatchObject({ exitCode: 6 })
})

it('speaks plain HTTP only where it is told to', async () => {
  const { exitCode, stderr } = await run(['profiles', `${registry.host}/nim/large:1.8.4`])
  expect(exitCode).toBe(6)
  expect(stderr).toContain('--plain-http')
})

it('reads an OCI layout where a registry can not be reached', async () => {
  const image = buildImage({ layers: [{ entries: [manifestFile()] }] })
  const files = ociLayoutFiles([image], [{ name: '1', top: image.manifest, mediaType: ociManifest }])
  const path = await writeFiles(join(directory.path, 'layout'), files)
  expect(await run(['profiles', `oci:${path}:1`, '--ids'])).toMatchObject({ exitCode: 0 })
})

it('uses the log-in that skopeo left, and shows nothing of it', async () => {
  const guarded = await startRegistry({ htpasswd: { user: 'me', password: 'pw-of-me' } })
  try {
    const authfile = join(directory.path, 'auth.json')
    const login = ['login', '--tls-verify=false', '--authfile', authfile, '-u', 'me', '-p', 'pw-of-me', guarded.host]
    await promisify(execFile)('skopeo', login)
    const headers = { authorization: `Basic ${Buffer.from('me:pw-of-me').toString('base64')}` }
    const image = buildImage({ layers: [{ entries: [manifestFile()] }] })
    await pushImage(image, '1', { origin: `http://${guarded.host}`, repository: 'nim/look', headers })
    const args = ['profiles', `${guarded.host}/nim/look:1`, '--plain-http', '--verbose']
    expect(await run(args)).toMatchObject({ exitCode: 4 })
    const { exitCode, stderr } = await run(args, { env: { ...env, REGISTRY_AUTH_FILE: authfile } })
    expect(exitCode).toBe(0)
    expect(stderr).toContain('/v2/nim/look/manifests/1')
    expect(stderr).not.toMatch(/pw-of-me|Basic/)
  } finally {
    await guarded.stop()
  }
})
