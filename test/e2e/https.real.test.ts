import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { makeHubCache, temporaryDirectory } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'
import { type Certificates, makeCertificates } from '../servers/certificates.ts'
import { installParts } from '../servers/install.ts'
import { requireProgram } from '../servers/locate.ts'
import { type Nginx, nginxUsers, startNginx } from '../servers/nginx.ts'
import { type RcloneWebdav, startRcloneWebdav } from '../servers/rclone-webdav.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'
import { startStandInRepository } from '../stores/stand-in-repository.ts'
import { failEveryFifth } from '../stores/unreliable.ts'
import { nimctl, type Outcome, startNimctl } from './nimctl.ts'
import { readContents, readTree } from './trees.ts'

const mebibyte = 1024 ** 2

let directory: string
let certificates: Certificates
let server: Nginx
let proxy: FaultProxy
let env: Record<string, string>

const path = (name: string) => join(directory, name)
const run = (...args: string[]): Promise<Outcome> => nimctl(args, { env, cwd: directory })

beforeAll(async () => {
  await installParts(['registry', 'rclone'])
  const made = await temporaryDirectory()
  certificates = await makeCertificates(made, 'Test Authority')
  server = await startNginx({ tls: { ...certificates, clientCa: certificates.caFile } })
})
afterAll(() => server.stop())

beforeEach(async () => {
  directory = await temporaryDirectory()
  proxy = await startFaultProxy(server.endpoint)
  env = { HOME: directory, NIMCTL_STATE_DIR: path('state'), NIMCTL_RETRIES: '0' }
})
afterEach(async () => {
  proxy.stop()
  await rm(directory, { recursive: true })
})

let folders = 0
/** One that no other test has. */
const folder = (kind: 'dav' | 'index' | 'plain' | 'private') => `${kind}/${++folders}`
const address = (place: string) => `${proxy.endpoint}/${place}`

interface Result {
  uploadedFiles: number
  copiedFiles: number
  skippedFiles: number
  proof: object
}
const resultOf = (outcome: Outcome) => (outcome.json() as { destinations: [Result] }).destinations[0]

describe('WebDAV over TLS', () => {
  it('takes a cache and gives it back; curl and rclone read it too', async () => {
    await makeHubCache(path('cache'))
    const url = `${server.secureEndpoint}/${folder('dav')}`
    const { caFile } = certificates
    await writeFile(path('client.pem'), certificates.cert)
    await writeFile(path('client.key'), certificates.key)
    const tls = ['--ca-file', caFile, '--client-certificate', 'client.pem', '--client-key', 'client.key']
    const uploaded = await run('upload', 'cache', url, '--json', ...tls)
    expect(uploaded).toMatchObject({ exitCode: 0 })
    const { uploadedFiles, copiedFiles, proof } = resultOf(uploaded)
    expect(copiedFiles).toBeGreaterThan(0)
    expect(proof).toEqual({ 'full-checksum': 0, parts: 0, etag: 0, size: uploadedFiles + copiedFiles })
    expect(await run('validate', 'store', url, '--deep', ...tls)).toMatchObject({ exitCode: 0 })
    expect(await run('download', url, 'back', ...tls)).toMatchObject({ exitCode: 0 })
    expect(await readTree(path('back'))).toEqual(await readTree(path('cache')))

    const shown = { cert: path('client.pem'), key: path('client.key') }
    const contents = await readContents(path('cache'))
    const [name = ''] = Object.keys(contents).filter(file => file.includes('/snapshots/'))
    const byCurl = ['--silent', '--fail', '--cacert', caFile, '--cert', shown.cert, '--key', shown.key]
    await execa('curl', [...byCurl, '--output', path('by-curl'), `${url}/${encodeURI(name)}`])
    expect(await readContents(directory).then(all => all['by-curl'])).toEqual(contents[name])
    await rclone(['copy', ':webdav:', path('by-rclone'), '--webdav-url', url, '--exclude', '.nimctl/**'], {
      RCLONE_CA_CERT: caFile,
      RCLONE_CLIENT_CERT: shown.cert,
      RCLONE_CLIENT_KEY: shown.key,
    })
    expect(await readContents(path('by-rclone'))).toEqual(
      Object.fromEntries(Object.entries(contents).filter(([file]) => !file.startsWith('.nimctl/'))),
    )
    const untrusted = await run('list', url, '--json')
    expect({ exitCode: untrusted.exitCode, ...untrusted.json() }).toMatchObject({
      exitCode: 6,
      code: 'TLS_CERTIFICATE_REFUSED',
      why: expect.stringContaining('Test Authority'),
    })
  })
})

async function rclone(args: string[], variables: Record<string, string>): Promise<void> {
  const config = join(await mkdtemp(join(directory, 'rclone-')), 'none.conf')
  await execa(requireProgram('rclone', 'rclone'), [...args, '--config', config], { env: variables })
}

describe('what each server proves', () => {
  const partSize = 64 * 1024
  const sizes = [0, 1, partSize - 1, partSize, partSize + 1, 2 * partSize, 3 * partSize + 5]
  const upload = ['upload', 'files', '--layout', 'plain', '--part-size', String(partSize), '--json']
  const count = sizes.length + 2

  beforeEach(async () => {
    await mkdir(path('files'))
    const chance = seeded(1)
    for (const size of sizes) await writeFile(path(`files/${size}`), chance.bytes(size))
    // nginx shows neither in a listing.
    await mkdir(path('files/.hidden'))
    for (const name of ['.hidden/file', '.gitattributes']) await writeFile(path(`files/${name}`), name)
  })

  it.each([
    ['dav', 'size'],
    ['index', 'size'],
    ['plain', 'size'],
  ] as const)('nginx, %s: %s', async (kind, level) => {
    const url = address(folder(kind))
    expect(resultOf(await run(...upload, url, '--require', level)).proof).toMatchObject({ [level]: count })
    expect(resultOf(await run(...upload, url)).skippedFiles).toBe(count)
    expect(await run(...upload, url, '--require', 'etag')).toMatchObject({ exitCode: 3 })
    expect(await run('list', url)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('yes') })
    expect(await run('validate', 'store', url, '--deep')).toMatchObject({ exitCode: 0 })
    expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
    expect(await readContents(path('back'))).toEqual(await readContents(path('files')))
  })

  it.each([
    ['artifactory', 'parts'],
    ['nexus', 'size'],
  ] as const)('the stand-in for %s: %s', async (product, level) => {
    const repository = await startStandInRepository(product)
    try {
      const url = `${repository.endpoint}/repository/models/files`
      expect(resultOf(await run(...upload, url, '--require', level)).proof).toMatchObject({ [level]: count })
      expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
      expect(await readContents(path('back'))).toEqual(await readContents(path('files')))
    } finally {
      repository.stop()
    }
  })

  it('names a file that is gone, or has another size, where nothing can be listed', async () => {
    const place = folder('plain')
    await run(...upload, address(place))
    await rm(join(server.directory, place, '1'))
    await writeFile(join(server.directory, place, String(partSize)), 'short')
    const checked = await run('validate', 'store', address(place), '--json')
    expect(checked.exitCode).toBe(3)
    expect((checked.json() as { checks: { name: string; path: string }[] }).checks).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'store.file-missing', path: '1' }),
        expect.objectContaining({ name: 'store.file-size', path: String(partSize) }),
      ]),
    )
    const listed = await run('list', address(place), '--json')
    expect(listed.json()).toMatchObject({ caches: [{ complete: false }] })
    const removing = await run(...upload, address(place), '--delete')
    expect({ exitCode: removing.exitCode, ...removing.json() }).toMatchObject({ exitCode: 2, code: 'LISTING_NEEDED' })
    expect(resultOf(await run(...upload, address(place))).uploadedFiles).toBe(2)
  })
})

describe('users', () => {
  const as = (user: keyof typeof nginxUsers) => ({
    NIMCTL_HTTP_USERNAME: user,
    NIMCTL_HTTP_PASSWORD: nginxUsers[user],
  })

  it('who may only read can list, validate and download, and nothing else is asked', async () => {
    await makeHubCache(path('cache'))
    const place = folder('private')
    const url = address(place)
    env = { ...env, ...as('writer') }
    expect(await run('upload', 'cache', url)).toMatchObject({ exitCode: 0 })
    env = { ...env, ...as('reader') }
    const begun = proxy.seen.length
    expect(await run('list', url)).toMatchObject({ exitCode: 0 })
    expect(await run('validate', 'store', url, '--deep')).toMatchObject({ exitCode: 0 })
    expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
    expect(await run('upload', 'cache', url, '--dry-run')).toMatchObject({ exitCode: 0 })
    expect(proxy.seen.slice(begun).filter(line => !/^(?:GET|HEAD|OPTIONS|PROPFIND) /.test(line))).toEqual([])
    const refused = await run('upload', 'cache', address(folder('private')), '--json')
    expect({ exitCode: refused.exitCode, ...refused.json() }).toMatchObject({ exitCode: 4, code: 'ACCESS_DENIED' })
  })

  it('a password is shown nowhere', async () => {
    const withUser = (password: string) => address(folder('private')).replace('//', `//writer:${password}@`)
    await makeHubCache(path('cache'))
    const outcomes = [
      await run('upload', 'cache', withUser('may-write'), '--verbose'),
      await run('list', withUser('may-write')),
      await run('list', withUser('hunter2-wrong'), '--verbose', '--json'),
      await run('doctor', withUser('hunter2-wrong')),
    ]
    expect(outcomes.map(({ exitCode }) => exitCode).slice(0, 3)).toEqual([0, 0, 4])
    for (const { stdout, stderr } of outcomes) expect(stdout + stderr).not.toMatch(/may-write|hunter2/)
  })

  it('credentials that end in the middle end the run with 4, and what is finished is kept', async () => {
    await makeHubCache(path('cache'))
    env = { ...env, ...as('writer') }
    const url = address(folder('private'))
    const upload = ['upload', 'cache', url, '--links', 'follow', '--concurrency', '1', '--json']
    let puts = 0
    const isLate = ({ method }: IncomingMessage) => method === 'PUT' && ++puts > 3
    proxy.always(isLate, { type: 'answer', status: 401, body: '' })
    const stopped = await run(...upload)
    expect({ exitCode: stopped.exitCode, ...stopped.json() }).toMatchObject({
      exitCode: 4,
      code: 'CREDENTIALS_REFUSED',
    })
    proxy.calm()
    const total = Object.keys(await readContents(path('cache'))).length
    const { uploadedFiles } = resultOf(await run(...upload))
    // Two requests are in flight at least: the other one's answer may have come too late.
    expect([total - 3, total - 2]).toContain(uploadedFiles)
  })
})

it('says which setting of nginx a large file needs', async () => {
  await mkdir(path('files'))
  await writeFile(path('files/large'), Buffer.alloc(11 * mebibyte))
  const refused = await run('upload', 'files', address(folder('plain')), '--layout', 'plain', '--json')
  expect({ exitCode: refused.exitCode, ...refused.json() }).toMatchObject({
    exitCode: 2,
    code: 'FILE_TOO_LARGE',
    next: expect.stringContaining('client_max_body_size'),
  })
})

describe('interrupted', () => {
  let webdav: RcloneWebdav

  beforeEach(async () => {
    webdav = await startRcloneWebdav()
    proxy.stop()
    proxy = await startFaultProxy(webdav.endpoint)
    env = { ...env, NIMCTL_HTTP_USERNAME: webdav.user, NIMCTL_HTTP_PASSWORD: webdav.password }
  })
  afterEach(() => webdav.stop())

  it('keeps finished files after kill -9, shows none that was cut, and removes what is left of it', async () => {
    await mkdir(path('files'))
    const chance = seeded(7)
    await writeFile(path('files/large'), chance.bytes(6 * mebibyte))
    for (const name of ['a', 'b', 'c']) await writeFile(path(`files/${name}`), chance.bytes(1000))
    // Without the proxy, which would keep the connection to the server.
    const url = `${webdav.endpoint}/models`
    const upload = ['upload', 'files', url, '--layout', 'plain', '--part-size', '1Mi', '--limit-rate', '1Mi']
    const child = startNimctl(upload, { env, cwd: directory })
    const ended = once(child, 'exit')
    const incomplete = join(webdav.directory, 'models/.nimctl/incomplete')
    const left = async () => (await readdir(incomplete)).length
    const arrived = async () => {
      const [name = ''] = await readdir(incomplete).catch(() => [])
      return await stat(join(incomplete, name)).then(
        found => found.size,
        () => 0,
      )
    }
    // With the second part, the journal has the first, and all that was finished before.
    await expect.poll(arrived, { timeout: 30_000 }).toBeGreaterThan(mebibyte)
    child.kill('SIGKILL')
    await ended
    await expect.poll(left, { timeout: 10_000 }).toBe(1)
    expect((await readdir(join(webdav.directory, 'models'))).toSorted()).toEqual(['.nimctl', 'a', 'b', 'c'])

    const again = await run(...upload.slice(0, -2), '--json')
    expect(resultOf(again)).toMatchObject({ uploadedFiles: 1, skippedFiles: 3 })
    expect(await left()).toBe(0)
    expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
    expect(await readContents(path('back'))).toEqual(await readContents(path('files')))
  })

  it('goes through while every fifth request fails', async () => {
    await mkdir(path('files'))
    const chance = seeded(3)
    for (let index = 0; index < 3; index++) await writeFile(path(`files/${index}`), chance.bytes(index * 100_000))
    failEveryFifth(proxy, { status: 503, headers: { 'retry-after': '0' }, body: '' })
    env.NIMCTL_RETRIES = '8'
    const url = address('models')
    const upload = ['upload', 'files', url, '--layout', 'plain', '--part-size', String(128 * 1024), '--verbose']
    const uploaded = await run(...upload)
    expect(uploaded).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('again in') })
    proxy.calm()
    expect(await run('validate', 'store', url, '--deep')).toMatchObject({ exitCode: 0 })
  })
})
