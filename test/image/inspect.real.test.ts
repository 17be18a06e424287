import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import Docker from 'dockerode'
import { beforeAll, expect, inject, it } from 'vitest'

import { catalogue } from '../../fixtures/stand-in/catalogue.ts'
import { buildStandInImages } from '../../fixtures/stand-in/image.ts'
import { inspectImage } from '../../src/image/inspect.ts'
import type { ContainerEngine } from '../../src/system/container-engine.ts'
import { openDockerEngine } from '../../src/system/docker.ts'
import { secret } from '../../src/system/secret.ts'
import { startRegistry } from '../servers/registry.ts'
import { buildBusyboxImage, dockerCli } from '../system/busybox-image.ts'

const options = { signal: new AbortController().signal, report: () => {} }
const plain = 'nimctl-test/plain:1'
const native = 'nimctl-test/native:1'

let engine: ContainerEngine
beforeAll(async () => {
  const host = inject('dockerHost')
  await buildStandInImages({ docker: new Docker({ socketPath: host.replace('unix://', '') }) })
  await buildBusyboxImage(plain)
  await buildBusyboxImage(native, ['LABEL com.nvidia.nim.model_download_protocol=native-v1'])
  engine = await openDockerEngine({ env: { DOCKER_HOST: host } })
})

const families = { 'llm-1': 'llm', 'llm-2': 'llm', nimlib: 'nimlib', native: 'native', 'model-free': 'universal' }

it.each(catalogue)('tells what $reference is', async ({ reference, family, user, manifest }) => {
  const image = await inspectImage(engine, reference, options)
  const digest = expect.stringMatching(/^sha256:/)
  expect(image).toMatchObject({ reference, family: families[family], user, digest })
  expect(image.manifest?.path).toBe(manifest?.path)
})

it('knows a native image by its label', async () => {
  expect(await inspectImage(engine, native, options)).toMatchObject({ family: 'native' })
})

it('refuses what is no NIM image, and says what it looked for', async () => {
  await expect(inspectImage(engine, plain, options)).rejects.toMatchObject({
    category: 'usage',
    code: 'NOT_A_NIM_IMAGE',
    why: expect.stringContaining('/opt/nim/etc/default/model_manifest.yaml'),
  })
})

it.each([
  ['an image that is not there', 'nimctl-test/absent:1', 'not-found', 'IMAGE_NOT_FOUND'],
  ['an archive', 'oci-archive:x.tar', 'usage', 'IMAGE_NOT_IN_ENGINE'],
])('refuses %s', async (_, reference, category, code) => {
  await expect(inspectImage(engine, reference, options)).rejects.toMatchObject({ category, code })
})

it('pulls what is missing with the credentials that it is given, and knows its digest then', async () => {
  const registry = await startRegistry({ htpasswd: { user: 'me', password: 'pw-of-me' } })
  try {
    const name = `${registry.host}/nim/native:1`
    await dockerCli('tag', native, name)
    const login = await mkdtemp(join(tmpdir(), 'nimctl-login-'))
    await dockerCli('--config', login, 'login', '-u', 'me', '-p', 'pw-of-me', registry.host)
    await dockerCli('--config', login, 'push', name)
    await dockerCli('rmi', name)
    await expect(inspectImage(engine, name, { ...options, pull: 'missing' })).rejects.toMatchObject({
      category: 'auth',
    })
    const findCredentials = async () => ({ username: 'me', password: secret('pw-of-me') })
    const image = await inspectImage(engine, name, { ...options, pull: 'missing', findCredentials })
    expect(image).toMatchObject({ reference: name, family: 'native' })
    const inspected = await engine.inspectImage(name)
    expect(inspected?.repoDigests).toContain(`${registry.host}/nim/native@${image.digest}`)
    await dockerCli('rmi', name)
  } finally {
    await registry.stop()
  }
})
