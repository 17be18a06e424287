import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { makeHubCache, temporaryDirectory } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'
import { siteXml } from '../servers/hdfs.ts'
import { kserveDownloadHdfs } from '../servers/kserve-hdfs.ts'
import { startStandbyNamenode } from '../servers/stand-in-standby.ts'
import { hdfsServer } from '../stores/webhdfs-server.ts'
import { nimctl, type Outcome, startNimctl, succeeded } from './nimctl.ts'
import { readContents, readTree } from './trees.ts'

const mebibyte = 1024 ** 2
const server = hdfsServer()

let directory: string
let folders = 0
/** A directory of HDFS for each test, and how it is written. */
let folder: string
let url: string
let env: Record<string, string>

const path = (name: string) => join(directory, name)
const run = (...args: string[]): Promise<Outcome> => nimctl(args, { env, cwd: directory })

beforeEach(async () => {
  directory = await temporaryDirectory()
  folder = `/models/${folders++}`
  url = `webhdfs://${server.host}${folder}`
  env = { HADOOP_USER_NAME: server.hdfs.superuser, NIMCTL_STATE_DIR: path('state'), NIMCTL_RETRIES: '0' }
})
afterEach(async () => {
  server.namenode.calm()
  server.datanode.calm()
  await rm(directory, { recursive: true })
})

/** Everything that changes something, and where it goes. */
const isChange = ({ method }: IncomingMessage) => method !== 'GET'

interface Uploaded {
  destinations: { uploadedFiles: number; uploadedBytes: number; proof: Record<string, number> }[]
}

function destination(outcome: Outcome): Uploaded['destinations'][number] {
  const [first] = (succeeded(outcome).json() as unknown as Uploaded).destinations
  if (first === undefined) throw new Error('There is no destination.')
  return first
}

async function readByCurl(name: string, op = 'OPEN'): Promise<string> {
  const { httpAddress, superuser } = server.hdfs
  const address = `http://${httpAddress}/webhdfs/v1${folder}/${name}?op=${op}&user.name=${superuser}`
  return (await execa('curl', ['--silent', '--location', '--globoff', address])).stdout
}

it('takes a cache, proves all of it, and gives it back; the Hadoop client and curl read it too', async () => {
  await makeHubCache(path('cache'))
  const { uploadedFiles, proof } = destination(await run('upload', 'cache', url, '--json'))
  expect(proof).toEqual({ 'full-checksum': uploadedFiles, parts: 0, etag: 0, size: 0 })
  expect(await run('validate', 'store', url)).toMatchObject({ exitCode: 0 })
  expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
  expect(await readTree(path('back'))).toEqual(await readTree(path('cache')))

  const { shell } = server.hdfs
  expect(await shell(['-get', folder, path('by-hadoop')])).toMatchObject({ exitCode: 0 })
  const contents = await readContents(path('cache'))
  const byHadoop = await readContents(path('by-hadoop'))
  for (const [name, hash] of Object.entries(contents)) expect(byHadoop[name]).toBe(hash)
  // What was on its way is gone with its folder.
  expect(await readByCurl('', 'LISTSTATUS')).not.toContain('incomplete')

  const [name = ''] = Object.keys(contents).filter(key => key.endsWith('rank0.engine'))
  expect(await readByCurl(name)).toBe('engine bytes'.repeat(1000))
  const inventory = await readByCurl('.nimctl/inventory.jsonl')
  const entry = inventory.split('\n').find(line => line.includes(`"path":"${name}"`)) ?? '{}'
  const composite = await shell(['-checksum', `${folder}/${name}`], { 'dfs.checksum.combine.mode': 'COMPOSITE_CRC' })
  expect(composite.stdout).toContain(`COMPOSITE-CRC32C\t${JSON.parse(entry).crc32c}`)
})

it('is read by the KServe storage initializer', async () => {
  await makeHubCache(path('cache'))
  expect(await run('upload', 'cache', url)).toMatchObject({ exitCode: 0 })
  const namenode = `http://${server.hdfs.httpAddress}`
  const out = path('by-kserve')
  const read = await kserveDownloadHdfs({ path: folder, namenode, out, secret: path('secret') })
  expect(read).toMatchObject({ exitCode: 0 })
  const byKserve = await readContents(out)
  for (const [name, hash] of Object.entries(await readContents(path('cache')))) expect(byKserve[name]).toBe(hash)
})

it('proves every size by its checksum', async () => {
  const sizes = [0, 1, 511, 512, 513, mebibyte - 1, mebibyte, mebibyte + 1, 2 * mebibyte, 3 * mebibyte + 5]
  await mkdir(path('files'))
  for (const size of sizes) await writeFile(path(`files/${size}`), seeded(size).bytes(size))
  const flags = ['--layout', 'plain', '--part-size', '1Mi', '--hdfs-block-size', '1Mi', '--require', 'full-checksum']
  const { proof } = destination(await run('upload', 'files', url, ...flags, '--json'))
  expect(proof).toEqual({ 'full-checksum': sizes.length, parts: 0, etag: 0, size: 0 })
  expect(destination(await run('upload', 'files', url, ...flags, '--json')).uploadedFiles).toBe(0)
  // On another machine, which knows of nothing but what lies there.
  env.NIMCTL_STATE_DIR = path('other-state')
  const report = succeeded(await run('validate', 'store', url, '--json')).json()
  expect(JSON.stringify(report)).not.toContain('not-provable')
  expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
  expect(await readContents(path('back'))).toEqual(await readContents(path('files')))
})

it('finds what was changed behind its back', async () => {
  await makeHubCache(path('cache'))
  await run('upload', 'cache', url)
  const [name = ''] = Object.keys(await readContents(path('cache'))).filter(key => key.endsWith('rank0.engine'))
  await writeFile(path('other'), 'another one!'.repeat(1000))
  await server.hdfs.shell(['-put', '-f', path('other'), `${folder}/${name}`])
  const report = await run('validate', 'store', url, '--json')
  expect(report.exitCode).toBe(3)
  expect(JSON.stringify(report.json())).toContain('store.link-checksum')
})

it('goes on with a file after kill -9, with one block again at most', async () => {
  const size = 12 * mebibyte + 12_345
  await mkdir(path('files'))
  await writeFile(path('files/weights'), seeded(7).bytes(size))
  const flags = ['--layout', 'plain', '--part-size', '1Mi', '--hdfs-block-size', '1Mi']
  let sent = 0
  let appends = 0
  let stalled = false
  server.datanode.always(
    request => {
      const bytes = Number(request.headers['content-length'] ?? 0)
      const isPart = request.url?.includes('op=APPEND') === true && bytes > 0
      if (isPart) sent += bytes
      if (isPart) appends += 1
      stalled ||= appends === 6
      return isPart && appends === 6
    },
    { type: 'stall' },
  )
  const child = startNimctl(['upload', 'files', url, ...flags], { env, cwd: directory })
  const ended = once(child, 'exit')
  await expect.poll(() => stalled, { timeout: 60_000 }).toBe(true)
  child.kill('SIGKILL')
  await ended
  expect((await run('list', url, '--json')).json()).toMatchObject({ caches: [] })

  const { uploadedBytes, proof } = destination(await run('upload', 'files', url, ...flags, '--json'))
  expect({ uploadedBytes, proof: proof['full-checksum'] }).toEqual({ uploadedBytes: size - 5 * mebibyte, proof: 1 })
  expect(sent).toBe(size + mebibyte)
  expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
  expect(await readContents(path('back'))).toEqual(await readContents(path('files')))
})

it('says that only a superuser gives files to another user', async () => {
  await makeHubCache(path('cache'))
  const address = `http://${server.hdfs.httpAddress}/webhdfs/v1${folder}?user.name=${server.hdfs.superuser}`
  await fetch(`${address}&op=MKDIRS`, { method: 'PUT' })
  await fetch(`${address}&op=SETPERMISSION&permission=777`, { method: 'PUT' })
  env.HADOOP_USER_NAME = 'writer'
  const refused = await run('upload', 'cache', url, '--hdfs-owner', 'nim', '--json')
  expect(refused.json()).toMatchObject({
    exitCode: 4,
    code: 'ACCESS_DENIED',
    what: expect.stringContaining('change the owner of'),
  })
})

it('is read with permission to list and read alone', async () => {
  await makeHubCache(path('cache'))
  await run('upload', 'cache', url)
  env.HADOOP_USER_NAME = 'reader'
  const changes: string[] = []
  for (const proxy of [server.namenode, server.datanode]) {
    proxy.always(request => isChange(request) && changes.push(request.url ?? '') > 0, { type: 'reset' })
  }
  expect(await run('list', url)).toMatchObject({ exitCode: 0 })
  expect(await run('validate', 'store', url, '--deep')).toMatchObject({ exitCode: 0 })
  expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
  expect(await run('upload', 'cache', url, '--dry-run')).toMatchObject({ exitCode: 0 })
  expect(changes).toEqual([])
  server.namenode.calm()
  const refused = await run('upload', 'cache', `webhdfs://${server.host}/models/other`, '--json')
  expect({ exitCode: refused.exitCode, ...refused.json() }).toMatchObject({ exitCode: 4, code: 'ACCESS_DENIED' })
})

it('gives new files the owner, permission and replication that were asked for', async () => {
  await makeHubCache(path('cache'))
  const flags = ['--hdfs-owner', 'nim:models', '--hdfs-permission', '640', '--hdfs-replication', '2']
  expect(await run('upload', 'cache', url, ...flags)).toMatchObject({ exitCode: 0 })
  const listed = JSON.parse(await readByCurl('.nimctl/inventory.jsonl', 'GETFILESTATUS'))
  expect(listed).toMatchObject({ FileStatus: { owner: 'nim', group: 'models', permission: '640', replication: 2 } })
})

describe('a delegation token', () => {
  const expired = JSON.stringify({
    RemoteException: {
      exception: 'InvalidToken',
      javaClassName: 'org.apache.hadoop.security.token.SecretManager$InvalidToken',
      message: 'token (token for root) is expired, delegation=HUNTER2token',
    },
  })

  it('goes with each question, is shown nowhere, and ends with 4 and what is finished kept', async () => {
    await makeHubCache(path('cache'))
    await writeFile(path('token'), 'HUNTER2token\n')
    let creates = 0
    let withToken = 0
    server.namenode.always(
      ({ url: asked = '' }) => {
        if (asked.includes('delegation=HUNTER2token')) withToken += 1
        return asked.includes('op=CREATE') && ++creates > 3
      },
      { type: 'answer', status: 403, body: expired },
    )
    const upload = ['upload', 'cache', url, '--concurrency', '1', '--hdfs-token-file', path('token'), '--verbose']
    // The namenode of the tests takes no tokens: whoever has none, or any, is its web user.
    const address = `http://${server.hdfs.httpAddress}/webhdfs/v1${folder}?user.name=${server.hdfs.superuser}`
    await fetch(`${address}&op=MKDIRS`, { method: 'PUT' })
    await fetch(`${address}&op=SETPERMISSION&permission=777`, { method: 'PUT' })
    const stopped = await run(...upload, '--json')
    expect({ exitCode: stopped.exitCode, ...stopped.json() }).toMatchObject({
      exitCode: 4,
      code: 'CREDENTIALS_EXPIRED',
    })
    expect(stopped.stdout + stopped.stderr).not.toContain('HUNTER2')
    expect(withToken).toBeGreaterThan(3)
    server.namenode.calm()
    const again = await run(...upload, '--json')
    const total = Object.keys(await readContents(path('cache'))).length
    expect([total - 3, total - 2]).toContain(destination(again).uploadedFiles)
  })
})

describe('hdfs://', () => {
  it('finds the namenode in HADOOP_CONF_DIR, and says so', async () => {
    await makeHubCache(path('cache'))
    env.HADOOP_CONF_DIR = server.hdfs.configuration
    const uploaded = await run('upload', 'cache', `hdfs://${server.hdfs.rpcAddress}${folder}`)
    expect(uploaded).toMatchObject({ exitCode: 0 })
    expect(uploaded.stderr).toContain(`over WebHDFS at http://${server.hdfs.httpAddress}/`)
    expect(uploaded.stderr).toContain('dfs.namenode.http-address in hdfs-site.xml')
    expect(await run('validate', 'store', `hdfs://${folder}`)).toMatchObject({ exitCode: 0 })
    expect(await run('download', `hdfs://${server.hdfs.rpcAddress}${folder}`, 'back')).toMatchObject({ exitCode: 0 })
    expect(await readTree(path('back'))).toEqual(await readTree(path('cache')))
  })

  it('follows a nameservice to its active namenode', async () => {
    await makeHubCache(path('cache'))
    const standby = await startStandbyNamenode()
    try {
      env.HADOOP_CONF_DIR = path('conf')
      await mkdir(path('conf'))
      const site = {
        'dfs.nameservices': 'zone',
        'dfs.ha.namenodes.zone': 'nn1,nn2',
        'dfs.namenode.http-address.zone.nn1': standby.httpAddress,
        'dfs.namenode.http-address.zone.nn2': server.hdfs.httpAddress,
      }
      await writeFile(path('conf/hdfs-site.xml'), siteXml(site))
      expect(await run('upload', 'cache', `hdfs://zone${folder}`)).toMatchObject({ exitCode: 0 })
      // Once it is known who is active, the other one is left alone.
      expect(standby.seen.length).toBeLessThan(20)
      expect(await run('validate', 'store', `webhdfs://zone${folder}`)).toMatchObject({ exitCode: 0 })
      const alone = await run('list', `webhdfs://${standby.httpAddress}${folder}`, '--json')
      expect({ exitCode: alone.exitCode, ...alone.json() }).toMatchObject({ exitCode: 6, code: 'NAMENODE_STANDBY' })
    } finally {
      standby.stop()
    }
  })

  it('takes the address that it is given', async () => {
    await makeHubCache(path('cache'))
    const given = ['--webhdfs-url', `http://127.0.0.1:1,http://${server.host}`]
    expect(await run('upload', 'cache', `hdfs://nowhere:8020${folder}`, ...given)).toMatchObject({ exitCode: 0 })
    expect(await run('validate', 'store', url)).toMatchObject({ exitCode: 0 })
  })
})
