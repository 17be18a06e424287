import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest'

import { pushImages, type PushedList } from '../image/push-images.ts'
import { type Registry, startRegistry } from '../servers/registry.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'
import { nimctl, startNimctl } from './nimctl.ts'

const user = 'me'
const password = 'nobody-may-see-this'
const login = { NIMCTL_REGISTRY_USERNAME: user, NIMCTL_REGISTRY_PASSWORD: password }
const plainSource = '--no-src-tls-verify'
const plain = [plainSource, '--no-dest-tls-verify']

let source: string
let list: PushedList
let guarded: Registry
let secured: Registry
let directory: string
beforeAll(async () => {
  const registry = inject('registryHost')
  source = `${registry}/e2e/app:1`
  list = await pushImages(`http://${registry}`, 'e2e/app', '1', { format: 'oci', layers: 2, layerSize: 100_000 })
  const htpasswd = { user, password }
  ;[guarded, secured] = await Promise.all([startRegistry({ htpasswd }), startRegistry({ htpasswd, tls: true })])
})
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-mirror-'))
})
afterAll(() => Promise.all([guarded.stop(), secured.stop()]))

/** With a home and a place for temporary files of its own. */
async function mirror(args: string[], env: Record<string, string> = {}) {
  return nimctl(['mirror', ...args, '--json'], { env: { HOME: directory, TMPDIR: directory, ...env } })
}

const copied = () => ({ ok: true, images: [{ status: 'copied', sourceDigest: list.digest, digest: list.digest }] })
const privateFiles = async () => (await readdir(directory)).filter(name => name.startsWith('nimctl-auth-'))

it('proves every platform of what it copies into a registry with TLS under an own CA, and says whom it does not trust', async () => {
  const args = [source, '--to', secured.host, plainSource]
  const untrusted = await mirror(args, login)
  expect(untrusted.json()).toMatchObject({
    code: 'REGISTRY_TLS',
    exitCode: 6,
    next: expect.stringContaining('--ca-file'),
  })
  const trusted = await mirror([...args, '--ca-file', secured.caFile ?? ''], login)
  expect(trusted.json()).toMatchObject(copied())
  const digests = list.platforms.map((platform, index) => {
    const digest = list.images[index]
    return { platform, sourceDigest: digest, digest }
  })
  expect(trusted.json()).toMatchObject({ images: [{ platformDigests: digests }] })
  for (const name of ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE']) {
    const again = await mirror(args, { ...login, [name]: secured.caFile ?? '' })
    expect(again.json()).toMatchObject({ ok: true, images: [{ status: 'present' }] })
  }
})

it('finds credentials where users of docker and skopeo leave them', async () => {
  const to = `${guarded.host}/found`
  const auths = { [guarded.host]: { auth: Buffer.from(`${user}:${password}`).toString('base64') } }
  const helper = `#!/bin/sh\necho '{"Username":"${user}","Secret":"${password}"}'\n`
  await writeFile(join(directory, 'docker-credential-own'), helper, { mode: 0o755 })
  const write = async (name: string, config: unknown) => {
    await mkdir(join(directory, name))
    await writeFile(join(directory, name, 'config.json'), JSON.stringify(config))
    return join(directory, name)
  }
  const PATH = `${directory}:${process.env['PATH']}`
  const places = {
    nowhere: {},
    file: { REGISTRY_AUTH_FILE: join(await write('file', { auths }), 'config.json') },
    docker: { DOCKER_CONFIG: await write('docker', { auths }) },
    helper: { PATH, DOCKER_CONFIG: await write('helper', { credHelpers: { [guarded.host]: 'own' } }) },
    store: { PATH, DOCKER_CONFIG: await write('store', { credsStore: 'own' }) },
  }
  const outcomes = await Promise.all(
    Object.entries(places).map(async ([name, env]) => {
      const { exitCode } = await mirror([source, '--to', `${to}-${name}`, ...plain, '--platform', 'linux/amd64'], env)
      return [name, exitCode]
    }),
  )
  expect(Object.fromEntries(outcomes)).toEqual({ nowhere: 4, file: 0, docker: 0, helper: 0, store: 0 })
})

it('hands the NGC key to skopeo for nvcr.io by a private file, and by nothing else', async () => {
  const script = `#!/bin/sh
    [ "$1" = --version ] && exec echo 'skopeo version 1.9.3'
    echo "$@" >> ${directory}/seen
    while [ $# -gt 0 ]; do [ "$1" = --authfile ] && stat -c %a "$2" >> ${directory}/seen && cat "$2" > ${directory}/auth; shift; done
    exit 1`
  await mkdir(join(directory, 'bin'))
  await writeFile(join(directory, 'bin/skopeo'), script, { mode: 0o755 })
  const env = { NGC_API_KEY: 'nvapi-not-a-real-key', PATH: `${directory}/bin:${process.env['PATH']}` }
  const { exitCode } = await mirror(['nvcr.io/nim/x:1', '--to', 'localhost:1', '--retries', '0'], env)
  expect(exitCode).not.toBe(0)
  const { auths } = JSON.parse(await readFile(join(directory, 'auth'), 'utf8'))
  expect(Object.keys(auths)).toEqual(['nvcr.io'])
  expect(Buffer.from(auths['nvcr.io'].auth, 'base64').toString()).toBe('$oauthtoken:nvapi-not-a-real-key')
  const seen = await readFile(join(directory, 'seen'), 'utf8')
  expect(seen).toMatch(/^600$/m)
  expect(seen).not.toContain('nvapi')
  expect(await privateFiles()).toEqual([])
})

/** Starts a mirroring that comes to a stop in the middle, and ends it by a signal. */
async function endInTheMiddle(proxy: FaultProxy, args: string[], signal: 'SIGINT' | 'SIGKILL') {
  let uploads = 0
  let stalled = false
  proxy.always(
    ({ method }) => {
      const stalls = method === 'PATCH' && ++uploads > 4
      stalled ||= stalls
      return stalls
    },
    { type: 'stall' },
  )
  const child = startNimctl(['mirror', ...args], { env: { HOME: directory, TMPDIR: directory, ...login } })
  const ended = once(child, 'exit')
  await expect.poll(() => stalled, { timeout: 60_000 }).toBe(true)
  expect(await privateFiles()).not.toEqual([])
  child.kill(signal)
  return await ended
}

it.each([
  { signal: 'SIGKILL', exit: [null, 'SIGKILL'], left: true },
  { signal: 'SIGINT', exit: [130, null], left: false },
] as const)('goes on after $signal with what is missing, and no credentials stay', async ({ signal, exit, left }) => {
  const proxy = await startFaultProxy(`http://${guarded.host}`)
  try {
    const to = `${proxy.endpoint.replace('http://', '')}/${signal.toLowerCase()}`
    const args = [source, '--to', to, ...plain]
    expect(await endInTheMiddle(proxy, args, signal)).toEqual(exit)
    expect((await privateFiles()).length > 0).toBe(left)
    proxy.calm()
    const before = proxy.seen.length
    expect((await mirror(args, login)).json()).toMatchObject(copied())
    const sent = proxy.seen.slice(before).filter(each => each.startsWith('PATCH'))
    // Nine blobs; at least three of them were finished before.
    expect(sent.length).toBeLessThan(7)
    expect(await privateFiles()).toEqual([])
  } finally {
    proxy.stop()
  }
})

it('reads a list with comments from standard input, takes each image once, and names what failed', async () => {
  const absent = source.replace('app:1', 'absent:1')
  const input = `# what we need\r\n${source}  # the app\r\n\r\n${absent}\r\n${source}\r\n`
  const { exitCode, stdout } = await nimctl(
    ['mirror', '--from-file', '-', '--to', `oci:${directory}/images`, plainSource, '--keep-going', '--json'],
    { env: { HOME: directory, TMPDIR: directory }, input },
  )
  expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({
    exitCode: 3,
    ok: false,
    images: [
      { source, status: 'copied' },
      { source: absent, status: 'failed', error: { code: 'IMAGE_NOT_FOUND', category: 'not-found' } },
    ],
  })
})
