import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import type Docker from 'dockerode'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { finish, startContainer } from '../fixtures/containers.ts'
import { seeded } from '../seeded.ts'
import { type DockerEngine, startDocker } from '../servers/docker.ts'
import type {} from '../servers/global-setup.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'
import { buildOwnImage, ownImage } from './build.ts'

const s3 = inject('s3Env')
const url = `s3://models/own-image-${process.pid}/llama`
const directory = makeTemporaryDirectory()
const cache = join(directory.path, 'cache')
const version = 'ngc/hub/models--nim--meta--llama/snapshots/1'

/** Of 24 MiB: three ranges for a download. */
const weights = seeded(1).bytes(3 * 8 * 2 ** 20)

let engine: DockerEngine
let docker: Docker
let proxy: FaultProxy
beforeAll(async () => {
  engine = await startDocker({ inMemory: true })
  docker = connectEngine(engine.host)
  await buildOwnImage(engine.host)
  proxy = await startFaultProxy(s3.AWS_ENDPOINT_URL ?? '')
  await mkdir(join(cache, version), { recursive: true })
  await writeFile(join(cache, version, 'config.json'), '{}')
  await mkdir(join(cache, version, '../../blobs'))
  await writeFile(join(cache, version, '../../blobs/0a1b'), weights)
  await symlink('../../blobs/0a1b', join(cache, version, 'model.safetensors'))
})
afterAll(async () => {
  proxy.stop()
  await engine.stop()
  directory.remove()
})

interface Run {
  user: string
  command: [string, ...string[]]
  binds: string[]
  tmpfs?: Record<string, string>
  environment?: Record<string, string>
}

/** As restricted as a pod can be: a read-only root, no capabilities, whoever the user is. */
function start({ user, command, binds, tmpfs, environment }: Run): Promise<Docker.Container> {
  const [entrypoint, ...args] = command
  return startContainer(docker, {
    image: ownImage,
    entrypoint,
    command: args,
    user,
    environment: { ...s3, AWS_ENDPOINT_URL: proxy.endpoint, AWS_EC2_METADATA_DISABLED: 'true', ...environment },
    hostConfig: {
      Binds: binds,
      CapDrop: ['ALL'],
      ReadonlyRootfs: true,
      SecurityOpt: ['no-new-privileges'],
      ...(tmpfs !== undefined && { Tmpfs: tmpfs }),
    },
  })
}

const run = async (request: Run) => await finish(await start(request))

/** A volume as fsGroup leaves it: of the group, which every pod that mounts it has. */
async function makeVolume(name: string): Promise<string> {
  const path = join(directory.path, name)
  await mkdir(path)
  await chmod(path, 0o777)
  return path
}

/** As the NIM Operator starts it. */
const load = (volume: string, user: string): Run => ({
  user,
  command: ['download-to-cache', '--profiles', 'a'.repeat(64)],
  binds: [`${volume}:/model-store`],
  environment: { NIM_CACHE_PATH: '/model-store', NIMCTL_CACHE_URL: url },
})

it('says what it is, runs as nobody in particular, and carries nothing that only building needs', async () => {
  const { Config } = await docker.getImage(ownImage).inspect()
  const { version: packageVersion } = JSON.parse(await readFile('package.json', 'utf8'))
  expect(Config.Labels).toMatchObject({
    'org.opencontainers.image.title': 'nimctl',
    'org.opencontainers.image.version': packageVersion,
  })
  expect(Config).toMatchObject({ User: '1000:2000', Entrypoint: ['nimctl'] })
  const list: Run['command'] = [
    'sh',
    '-c',
    'cd /opt/nimctl && ls -A && ls node_modules | grep -E "typescript|vitest|node-linux|^.bin"',
  ]
  const { stdout } = await run({ user: '1000:2000', command: list, binds: [] })
  expect(stdout.trim().split('\n')).toEqual(['LICENSE', 'bin', 'dist', 'node_modules', 'package.json'])
})

it('uploads as a user whom nobody knows, from a root that is read-only', async () => {
  const outcome = await run({
    user: '1234567:0',
    command: ['nimctl', 'upload', '/cache', url],
    binds: [`${cache}:/cache:ro`],
    // Journals go where the image says that they may: an emptyDir in a pod.
    tmpfs: { '/tmp': 'mode=1777' },
  })
  expect(outcome.stderr).not.toMatch(/rror/)
  expect(outcome.exitCode).toBe(0)
})

it.each([{ user: '1000:2000' }, { user: '1234567:0' }, { user: '1234567:2000' }])(
  'fills a volume as $user, with nothing else to write to',
  async ({ user }) => {
    const volume = await makeVolume(user.replace(':', '-'))
    const outcome = await run(load(volume, user))
    expect(outcome.stderr).not.toMatch(/rror/)
    expect(outcome.exitCode).toBe(0)
    expect((await readFile(join(volume, version, 'model.safetensors'))).equals(weights)).toBe(true)
    // The pod that serves may be another user of another group.
    const read: Run['command'] = [
      'sh',
      '-c',
      'cd /model-store && cat ngc/hub/*/snapshots/1/* >/dev/null && find ngc -type d ! -perm -5',
    ]
    const reader = await run({ user: '4242:4242', command: read, binds: [`${volume}:/model-store:ro`] })
    expect(reader).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    expect((await readdir(volume)).toSorted()).toEqual(['.nimctl', 'ngc'])
  },
)

it('goes on after a kill, and fetches what it has not', async () => {
  const volume = await makeVolume('killed')
  const isLastRange = ({ headers }: IncomingMessage) => headers.range?.startsWith('bytes=16777216-') === true
  proxy.always(isLastRange, { type: 'stall' })
  const container = await start(load(volume, '1000:2000'))
  const parts = join(volume, '.nimctl/incomplete/parts.jsonl')
  await expect
    .poll(async () => (await readFile(parts, 'utf8').catch(() => '')).split('\n').length, { timeout: 60_000 })
    .toBe(3)
  await container.kill({ signal: 'SIGKILL' })
  expect(await finish(container)).toMatchObject({ exitCode: 137 })
  expect(await stat(join(volume, version, 'model.safetensors')).catch(() => 'none')).toBe('none')

  proxy.calm()
  const seen = proxy.seen.length
  expect(await run(load(volume, '1000:2000'))).toMatchObject({ exitCode: 0 })
  expect(proxy.seen.slice(seen).filter(request => request.includes('blobs/0a1b'))).toHaveLength(1)
  expect((await readFile(join(volume, version, 'model.safetensors'))).equals(weights)).toBe(true)
  expect(await readdir(join(volume, '.nimctl'))).not.toContain('incomplete')
})

it('finds the programs and certificates that commands beside the loader need', async () => {
  const help = await run({ user: '1234567:0', command: ['skopeo', '--version'], binds: [] })
  expect(help).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^skopeo version/) })
  const authorities: Run['command'] = ['sh', '-c', 'test -s /etc/ssl/certs/ca-certificates.crt']
  expect(await run({ user: '1234567:0', command: authorities, binds: [] })).toMatchObject({ exitCode: 0 })
})
