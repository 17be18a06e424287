import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { temporaryDirectory } from '../hub-cache.ts'
import { nimctl } from './nimctl.ts'

const id = 'a'.repeat(64)
const inCluster = ['--on', 'kubernetes']

describe('--on kubernetes says what is wrong before a cluster is asked', () => {
  it.each([
    { args: ['profiles', 'i:1', '--on', 'docker', '-n', 'nim'], code: 'CLUSTER_FLAGS_IDLE' },
    { args: ['profiles', 'i:1', '--ngc-secret', 'a/B'], code: 'CLUSTER_FLAGS_IDLE' },
    { args: ['profiles', 'i:1', ...inCluster, '--network', 'host'], code: 'ENGINE_FLAGS_IDLE' },
    { args: ['cache', 'i:1', 'pvc://c', ...inCluster, '--user', '1:1', '--all'], code: 'ENGINE_FLAGS_IDLE' },
    { args: ['cache', 'i:1', './cache', ...inCluster, '--all'], code: 'CLAIM_INVALID' },
    { args: ['cache', 'i:1', 'pvc://c/../etc', ...inCluster, '--all'], code: 'CLAIM_INVALID' },
    { args: ['cache', 'i:1', 'pvc://c', ...inCluster], code: 'PROFILE_CHOICE_REQUIRED' },
    { args: ['cache', 'i:1', 'pvc://c', ...inCluster, '--tp', '2', '--dry-run'], code: 'PROFILES_NOT_NAMED' },
    { args: ['profiles', 'i:1', ...inCluster, '--gpus', 'all', '--dry-run'], code: 'GPU_COUNT_INVALID' },
    { args: ['profiles', 'i:1', ...inCluster, '--env', 'HF_TOKEN', '--dry-run'], code: 'SECRET_IN_OBJECT' },
    { args: ['profiles', 'i:1', ...inCluster, '--run-as', 'nim', '--dry-run'], code: 'USAGE' },
    { args: ['profiles', 'i:1', ...inCluster, '--toleration', 'a=b:Sometimes', '--dry-run'], code: 'USAGE' },
    { args: ['profiles', 'i:1', ...inCluster, '--node-selector', 'gpu', '--dry-run'], code: 'USAGE' },
    { args: ['profiles', 'i:1', ...inCluster, '--ngc-secret', 'A B', '--dry-run'], code: 'USAGE' },
    { args: ['profiles', 'i:1', '--dry-run'], code: 'NOTHING_TO_PRINT' },
    { args: ['profiles', 'i:1', ...inCluster, '--kubeconfig', '/nowhere'], code: 'KUBECONFIG_NOT_FOUND' },
  ])('$code: $args', async ({ args, code }) => {
    const outcome = await nimctl([...args, '--json'], { env: { HOME: '/nowhere', HF_TOKEN: 'hf_secret-of-the-test' } })
    expect(outcome.json()).toMatchObject({ kind: 'Error', category: 'usage', code, exitCode: 2 })
    expect(outcome.exitCode).toBe(2)
    expect(outcome.stdout + outcome.stderr).not.toContain('hf_secret')
  })
})

it('prints objects as JSON too, with what they need', async () => {
  const args = [
    'cache',
    'i:1',
    'pvc://model-cache',
    ...inCluster,
    '--profile',
    id,
    '--ngc-secret',
    'ngc/KEY',
    '--dry-run',
  ]
  const { stdout } = await nimctl([...args, '-o', 'json'])
  expect(JSON.parse(stdout)).toMatchObject({ kind: 'Job', apiVersion: 'batch/v1' })
  expect((await nimctl([...args, '--json'])).json()).toMatchObject({
    kind: 'EmitResult',
    ok: true,
    objects: [{ kind: 'Job' }],
    prerequisites: [
      'PersistentVolumeClaim model-cache, with room for the profiles',
      'Secret ngc with the NGC key under KEY',
    ],
  })
})

describe('an API server that is not there', () => {
  const kubeconfig = async (server: string) => {
    const file = join(await temporaryDirectory(), 'config')
    const config = {
      'current-context': 'a',
      clusters: [{ name: 'a', cluster: { server } }],
      users: [{ name: 'u', user: { exec: { command: 'no-such-login', apiVersion: 'v1' } } }],
      contexts: [
        { name: 'a', context: { cluster: 'a' } },
        { name: 'b', context: { cluster: 'a', user: 'u' } },
      ],
    }
    await writeFile(file, JSON.stringify(config))
    return file
  }
  const list = async (server: string, ...more: string[]) =>
    (
      await nimctl(['profiles', 'i:1', ...inCluster, '--kubeconfig', await kubeconfig(server), ...more, '--json'])
    ).json()

  it('is unavailable', async () => {
    expect(await list('http://127.0.0.1:1')).toMatchObject({ code: 'CLUSTER_UNREACHABLE', exitCode: 6 })
  })

  it('is told from one that somebody else answers for', async () => {
    const server = createServer((_request, response) => response.writeHead(502).end('<html>Bad Gateway</html>'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const error = await list(`http://127.0.0.1:${port}`)
    server.close()
    expect(error).toMatchObject({ code: 'CLUSTER_BUSY', exitCode: 6, why: '<html>Bad Gateway</html>' })
  })

  it('is not asked where the log-in program is missing', async () => {
    expect(await list('http://127.0.0.1:1', '--context', 'b')).toMatchObject({
      code: 'LOGIN_PROGRAM_MISSING',
      exitCode: 7,
      what: expect.stringContaining('no-such-login'),
    })
  })
})
