import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { blake3 } from 'hash-wasm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { makeHubCache } from '../hub-cache.ts'
import { azcopy } from '../servers/azcopy.ts'
import { type Azurite, azuriteAccount, azuriteClient, containerSas, startAzurite } from '../servers/azurite.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'
import { nimctl, startNimctl, succeeded } from './nimctl.ts'
import { readContents, readTree } from './trees.ts'

const partSize = 2 ** 20
const parts = 12
const hour = 3600_000

let azurite: Azurite
let proxy: FaultProxy
let directory: string
const path = (name: string) => join(directory, name)

beforeAll(async () => {
  azurite = await startAzurite({ containers: ['models'] })
  directory = await mkdtemp(join(tmpdir(), 'nimctl-azure-'))
  const files = { 'config.json': '{}', 'empty.txt': '', 'model.safetensors': someText(parts * partSize - 1) }
  await makeHubCache(path('cache'), { models: [{ repository: 'nim/meta/test-model', version: '1', files }] })
})
afterAll(async () => {
  await azurite.stop()
  await rm(directory, { recursive: true })
})
beforeEach(async () => {
  proxy = await startFaultProxy(new URL(azurite.endpoint).origin)
})
afterEach(() => proxy.stop())

/** Compresses badly, and no part is like another. */
function someText(length: number): string {
  return Array.from({ length: Math.ceil(length / 8) }, (_, index) => String(index).padStart(8, '0'))
    .join('')
    .slice(0, length)
}

const throughProxy = () => ['--endpoint-url', `${proxy.endpoint}/${azuriteAccount.name}`]

function environment(state = 'state'): Record<string, string> {
  return { ...azurite.env, HOME: directory, NIMCTL_STATE_DIR: path(state), NIMCTL_RETRIES: '0' }
}

const run = (args: readonly string[], env = environment()) =>
  nimctl([...args, ...throughProxy()], { env, cwd: directory })

const upload = (url: string, ...flags: string[]) => ['upload', 'cache', url, ...engine, ...flags]
const engine = ['--part-size', String(partSize), '--concurrency', '3']

const isBlock = (request: IncomingMessage) => request.method === 'PUT' && /[?&]comp=block&/.test(request.url ?? '')

/** Numbers of the parts that came, whatever became of them. */
function partsSeen(): number[] {
  return proxy.seen.flatMap(line => {
    const id = new URL(line.split(' ')[1] ?? '', 'http://proxy').searchParams.get('blockid')
    const number = Number(
      Buffer.from(id ?? '', 'base64')
        .toString()
        .split('-')[1] ?? 0,
    )
    return line.startsWith('PUT') && number > 0 ? [number] : []
  })
}

const writing = () => proxy.seen.filter(line => !/^(GET|HEAD) /.test(line))

describe('a cache in Azure', () => {
  const url = 'az://models/whole'

  it('is uploaded, proved by its parts, validated and downloaded', async () => {
    const uploaded = succeeded(await run(upload(url, '--require', 'parts', '--json'))).json()
    const [destination] = uploaded.destinations as { proof: object; uploadedFiles: number; copiedFiles: number }[]
    // An empty blob, a small one, one of many blocks, each once more as the key of a snapshot; and the name of a version.
    expect(destination).toMatchObject({
      proof: { 'full-checksum': 0, parts: 7, etag: 0, size: 0 },
      uploadedFiles: 4,
      copiedFiles: 3,
    })
    expect(partsSeen()).toHaveLength(parts)
    const checked = succeeded(await run(['validate', 'store', url, '--json'])).json()
    const checks = checked.checks as { name: string; status: string; method: string }[]
    const sums = checks.filter(({ name }) => name.endsWith('-checksum'))
    expect(new Set(sums.map(({ status, method }) => `${status} by ${method}`))).toEqual(
      new Set(['ok by listing-checksum']),
    )
    succeeded(await run(['download', url, 'back']))
    expect(await readTree(path('back'))).toEqual(await readTree(path('cache')))
  })

  it('has MD5 and BLAKE3 of the whole beside each object, and in its inventory', async () => {
    const stored = await digestsBelow('whole/ngc/')
    expect(Object.keys(stored)).toHaveLength(7)
    for (const [key, digests] of Object.entries(stored)) {
      const bytes = await readFile(path(`cache/${key}`))
      expect({ key, ...digests }).toEqual({ key, md5: md5Of(bytes), blake3: await blake3(bytes) })
    }
    const entries = (await readInventory('whole')).filter(({ type }) => type === 'file')
    expect(entries).toHaveLength(4)
    for (const entry of entries)
      expect(stored[String(entry.path)]).toMatchObject({ md5: entry.md5, blake3: entry.blake3 })
  })

  it.each([
    { size: 0, proof: 'parts' },
    { size: 1, proof: 'parts' },
    { size: partSize, proof: 'parts' },
    { size: partSize + 1, proof: 'parts' },
  ])('proves $size bytes by $proof', async ({ size, proof }) => {
    await mkdir(path(`size-${size}`))
    await writeFile(path(`size-${size}/file`), someText(size))
    const args = ['upload', `size-${size}`, `az://models/size-${size}`, '--layout', 'plain', ...engine, '--json']
    const [done] = succeeded(await run(args)).json().destinations as object[]
    expect(done).toMatchObject({ proof: { 'full-checksum': 0, parts: 0, etag: 0, size: 0, [proof]: 1 } })
    expect(partsSeen()).toHaveLength(size > partSize ? 2 : 0)
  })

  it('is not proved by a checksum of the whole, which the service has not', async () => {
    expect(await run(upload(url, '--require', 'full-checksum'))).toMatchObject({ exitCode: 3 })
  })

  it('is left alone by a second upload, also from another machine', async () => {
    for (const state of ['state', 'another-state']) {
      const [again] = succeeded(await run(upload(url, '--json'), environment(state))).json().destinations as object[]
      expect(again).toMatchObject({ uploadedFiles: 0, copiedFiles: 0, skippedFiles: 7 })
    }
    expect(writing()).toEqual([])
  })

  it('is read back by azcopy', async () => {
    const sas = containerSas('models', 'rl', Date.now() + hour)
    const from = `${azurite.endpoint}/models/whole/*?${sas}`
    const args = [
      'copy',
      from,
      path('by-azcopy'),
      '--recursive',
      '--from-to',
      'BlobLocal',
      '--check-md5',
      'FailIfDifferent',
    ]
    expect(await azcopy(args, directory)).toMatchObject({ exitCode: 0 })
    expect(await readContents(path('by-azcopy'))).toEqual(await readContents(path('cache')))
  })

  it('is read with a SAS that permits nothing else, in the URL of the account', async () => {
    const sas = containerSas('models', 'rl', Date.now() + hour)
    const address = `https://${azuriteAccount.name}.blob.core.windows.net/models/whole?${sas}`
    const env = { HOME: directory, NIMCTL_STATE_DIR: path('reader'), NIMCTL_RETRIES: '0' }
    const said: string[] = []
    for (const args of [
      ['list', address],
      ['validate', 'store', address, '--verbose'],
      ['download', address, 'by-sas', '--verbose'],
      ['upload', 'cache', address, '--dry-run'],
      ['doctor', address],
    ]) {
      const outcome = await run(args, env)
      if (args[0] !== 'doctor') succeeded(outcome)
      said.push(outcome.stdout, outcome.stderr)
    }
    expect(await readTree(path('by-sas'))).toEqual(await readTree(path('cache')))
    expect(writing()).toEqual([])
    const state = await Promise.all((await filesBelow(path('reader'))).map(file => readFile(file, 'utf8')))
    const signature = new URLSearchParams(sas).get('sig') ?? 'none'
    for (const shown of [signature, encodeURIComponent(signature), 'sig=']) {
      expect([...said, ...state].join('\n')).not.toContain(shown)
    }
    const written = await run(['upload', 'cache', address.replace('/whole', '/other'), '--json'], env)
    expect(written.json()).toMatchObject({ exitCode: 4, code: 'ACCESS_DENIED' })
  })
})

describe('an upload to Azure that was killed', () => {
  it.each([
    { from: 'the same machine', state: 'killed', withoutDigests: 2 },
    // It reads the whole file, to compare it with the blocks.
    { from: 'another machine', state: 'elsewhere', withoutDigests: 0 },
  ])('goes on from $from behind the blocks that arrived', async ({ state, withoutDigests }) => {
    const url = `az://models/killed-${state}`
    const arrived = parts / 2
    let blocks = 0
    proxy.always(request => isBlock(request) && ++blocks > arrived, { type: 'stall' })
    const child = startNimctl([...upload(url), ...throughProxy()], { env: environment('killed'), cwd: directory })
    await expect.poll(() => partsSeen().length >= arrived + 2, { timeout: 60_000 }).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await run(['validate', 'store', url])).toMatchObject({ exitCode: 3 })

    proxy.calm()
    proxy.seen.length = 0
    succeeded(await run(upload(url), environment(state)))
    // One of the blocks that passed was the mark of the beginning.
    expect(partsSeen().length).toBeLessThanOrEqual(parts - arrived + 1)
    succeeded(await run(['validate', 'store', url, '--deep']))
    const digests = Object.values(await digestsBelow(`killed-${state}/ngc/`))
    expect(digests.filter(({ md5, blake3: sum }) => md5 === undefined && sum === undefined)).toHaveLength(
      withoutDigests,
    )
  })
})

describe('a SAS that ends', () => {
  it('before the first request: exit 4, with when it ended', async () => {
    const env = {
      ...environment(),
      AZURE_STORAGE_KEY: '',
      AZURE_STORAGE_SAS_TOKEN: containerSas('models', 'racwdl', 1000),
    }
    const refused = await run(upload('az://models/expired', '--json'), env)
    expect(refused.json()).toMatchObject({
      exitCode: 4,
      code: 'CREDENTIALS_EXPIRED',
      why: 'It was good until 1970-01-01T00:00:01.000Z.',
    })
  })

  it('in the middle: exit 4, and with another one the upload goes on', async () => {
    const url = 'az://models/expires'
    const withSas = (endsMs: number) => {
      const sas = containerSas('models', 'racwdl', endsMs)
      return { ...environment('expires'), AZURE_STORAGE_KEY: '', AZURE_STORAGE_SAS_TOKEN: sas, NIMCTL_RETRIES: '2' }
    }
    let blocks = 0
    // What the service says then, with its time.
    proxy.always(request => isBlock(request) && ++blocks > parts / 2, {
      type: 'answer',
      status: 403,
      headers: { 'x-ms-error-code': 'AuthenticationFailed', date: new Date(Date.now() + 2 * hour).toUTCString() },
      body: '',
    })
    const refused = await run(upload(url, '--json'), withSas(Date.now() + hour))
    expect(refused.json()).toMatchObject({ exitCode: 4, code: 'CREDENTIALS_EXPIRED' })
    expect(blocks).toBeLessThanOrEqual(parts / 2 + 3)

    proxy.calm()
    proxy.seen.length = 0
    succeeded(await run(upload(url), withSas(Date.now() + hour)))
    expect(partsSeen().length).toBeLessThanOrEqual(parts / 2 + 1)
    succeeded(await run(['validate', 'store', url]))
  })
})

const md5Of = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex')

/** As the service lists them, by path in the cache. */
async function digestsBelow(prefix: string) {
  const container = azuriteClient(azurite.endpoint).getContainerClient('models')
  const found: Record<string, { md5: string | undefined; blake3: string | undefined }> = {}
  for await (const { name, properties, metadata } of container.listBlobsFlat({ prefix, includeMetadata: true })) {
    const { contentMD5: sum } = properties
    const md5 = sum === undefined ? undefined : Buffer.from(sum).toString('hex')
    found[name.slice(name.indexOf('/') + 1)] = { md5, blake3: metadata?.['nimctlblake3'] }
  }
  return found
}

async function readInventory(prefix: string): Promise<Record<string, unknown>[]> {
  const container = azuriteClient(azurite.endpoint).getContainerClient('models')
  const bytes = await container.getBlobClient(`${prefix}/.nimctl/inventory.jsonl`).downloadToBuffer()
  return bytes
    .toString()
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}
