import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { findDockerConnection } from '../../src/system/docker-connection.ts'
import { parseGpuRequest } from '../../src/system/docker-run.ts'
import { openDockerEngine } from '../../src/system/docker.ts'

const home = () => mkdtemp(join(tmpdir(), 'nimctl-docker-home-'))

describe('the engine', () => {
  it.each([
    ['unix:///run/podman.sock', { socketPath: '/run/podman.sock' }],
    ['tcp://10.0.0.1:2375', { protocol: 'http', host: '10.0.0.1', port: 2375 }],
    ['10.0.0.1', { protocol: 'http', host: '10.0.0.1', port: 2375 }],
    ['http://localhost:80', { protocol: 'http', host: 'localhost' }],
    ['tcp://10.0.0.1:2376', { protocol: 'https', host: '10.0.0.1', port: 2376 }],
    ['ssh://me@host', { protocol: 'http', host: 'host', agent: expect.anything() }],
  ])('is where DOCKER_HOST=%s says', async (host, options) => {
    expect((await findDockerConnection({ DOCKER_HOST: host })).options).toMatchObject(options)
  })

  it('is at the usual socket without any setting', async () => {
    expect((await findDockerConnection({ HOME: await home() })).address).toBe('unix:///var/run/docker.sock')
  })

  it('is where the current context says', async () => {
    const config = await home()
    const meta = join(config, 'contexts/meta', createHash('sha256').update('far').digest('hex'))
    await mkdir(meta, { recursive: true })
    await writeFile(join(config, 'config.json'), '{"currentContext":"far"}')
    await writeFile(join(meta, 'meta.json'), '{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2375"}}}')
    expect((await findDockerConnection({ DOCKER_CONFIG: config })).address).toBe('tcp://far:2375')
    expect((await findDockerConnection({ DOCKER_CONFIG: config, DOCKER_HOST: 'tcp://near:1' })).address).toBe(
      'tcp://near:1',
    )
    await expect(findDockerConnection({ DOCKER_CONFIG: config, DOCKER_CONTEXT: 'gone' })).rejects.toMatchObject({
      category: 'usage',
      code: 'DOCKER_CONTEXT_UNKNOWN',
    })
  })

  it.each([
    [{ DOCKER_HOST: 'ftp://x' }, 'DOCKER_HOST_INVALID'],
    [{ DOCKER_HOST: 'tcp://x:1', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nowhere' }, 'DOCKER_CERTIFICATES_MISSING'],
  ])('is not at %j', async (env, code) => {
    await expect(findDockerConnection(env)).rejects.toMatchObject({ category: 'usage', code })
  })

  it.each([['unix:///nowhere/docker.sock'], ['tcp://127.0.0.1:1']])('is missing at %s', async host => {
    const absent = await openDockerEngine({ env: { DOCKER_HOST: host } })
    await expect(absent.version()).rejects.toMatchObject({ category: 'missing-tool', code: 'ENGINE_UNREACHABLE' })
  })
})

it.each([
  ['all', { Count: -1 }],
  ['2', { Count: 2 }],
  ['device=0,1', { Count: 0, DeviceIDs: ['0', '1'] }],
  ['"device=GPU-3a23c669"', { DeviceIDs: ['GPU-3a23c669'] }],
])('reads --gpus %s as docker run does', (gpus, expected) => {
  expect(parseGpuRequest(gpus)).toMatchObject({ ...expected, Capabilities: [['gpu']] })
})

it.each(['', '0', 'none', 'device='])('refuses --gpus "%s"', gpus => {
  expect(() => parseGpuRequest(gpus)).toThrow(expect.objectContaining({ category: 'usage', code: 'GPUS_INVALID' }))
})
