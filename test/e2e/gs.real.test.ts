import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { makeHubCache, temporaryDirectory } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'
import { type GcsServer, startFakeGcs, startGcpStorageEmulator } from '../servers/gcs.ts'
import { installParts } from '../servers/install.ts'
import { kserveDownload } from '../servers/kserve.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'
import { startStandInGcs, type StandInGcs } from '../stores/stand-in-gcs.ts'
import { nimctl, startNimctl, type Outcome } from './nimctl.ts'
import { readContents, readTree } from './trees.ts'

const mebibyte = 1024 ** 2
const url = 'gs://models/llama'

let directory: string
let server: GcsServer
let proxy: FaultProxy
let env: Record<string, string>

const path = (name: string) => join(directory, name)
const run = (...args: string[]): Promise<Outcome> => nimctl(args, { env, cwd: directory })

/** A directory and an empty server for each test, with a proxy between it and nimctl. */
function useServer(start: (options: { buckets: string[] }) => Promise<GcsServer>): void {
  beforeEach(async () => {
    directory = await temporaryDirectory()
    server = await start({ buckets: ['models'] })
    proxy = await startFaultProxy(server.endpoint)
    env = {
      STORAGE_EMULATOR_HOST: proxy.endpoint,
      HOME: directory,
      NIMCTL_STATE_DIR: path('state'),
      NIMCTL_RETRIES: '0',
      METADATA_SERVER_DETECTION: 'none',
    }
  })
  afterEach(async () => {
    proxy.stop()
    await server.stop()
    await rm(directory, { recursive: true })
  })
}

describe('fake-gcs-server', () => {
  useServer(startFakeGcs)

  it('takes a cache, proves it, and gives it back; KServe reads it too', async () => {
    await makeHubCache(path('cache'))
    const uploaded = await run('upload', 'cache', url, '--json')
    expect(uploaded).toMatchObject({ exitCode: 0 })
    const { destinations } = uploaded.json() as {
      destinations: { uploadedFiles: number; copiedFiles: number; proof: object }[]
    }
    const [{ uploadedFiles, copiedFiles, proof } = noResult] = destinations
    expect(proof).toEqual({ 'full-checksum': uploadedFiles + copiedFiles, parts: 0, etag: 0, size: 0 })
    const requests = proxy.seen.length
    expect(await run('validate', 'store', url)).toMatchObject({ exitCode: 0 })
    // The listing has all checksums: nothing is asked object by object.
    expect(
      proxy.seen.slice(requests).filter(line => line.includes('/o/') && !line.includes('inventory.jsonl')),
    ).toEqual([])
    expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
    expect(await readTree(path('back'))).toEqual(await readTree(path('cache')))

    await installParts(['kserve'])
    const out = path('by-kserve')
    const read = await kserveDownload({
      url,
      out,
      env: { STORAGE_EMULATOR_HOST: server.endpoint, NO_GCE_CHECK: 'true' },
    })
    expect(read).toMatchObject({ exitCode: 0 })
    expect(await readContents(out)).toEqual(await readContents(path('cache')))
  })

  it('proves every size by its checksum', async () => {
    const partSize = 256 * 1024
    const sizes = [0, 1, partSize - 1, partSize, partSize + 1, 2 * partSize, 3 * partSize + 5]
    await mkdir(path('files'))
    const chance = seeded(1)
    for (const size of sizes) await writeFile(path(`files/${size}`), chance.bytes(size))
    const upload = [
      'upload',
      'files',
      url,
      '--layout',
      'plain',
      '--part-size',
      String(partSize),
      '--require',
      'full-checksum',
    ]
    const uploaded = await run(...upload, '--json')
    expect(uploaded.exitCode).toBe(0)
    expect(uploaded.json()).toMatchObject({
      destinations: [{ proof: { 'full-checksum': sizes.length, parts: 0, etag: 0, size: 0 } }],
    })
    expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
    expect(await readContents(path('back'))).toEqual(await readContents(path('files')))
  })

  it('is read with permission to list and read alone', async () => {
    await makeHubCache(path('cache'))
    await run('upload', 'cache', url)
    const body = JSON.stringify({ error: { code: 403, message: 'no', errors: [{ reason: 'forbidden' }] } })
    proxy.always(({ method }) => method !== 'GET', { type: 'answer', status: 403, body })
    const begun = proxy.seen.length
    expect(await run('list', url)).toMatchObject({ exitCode: 0 })
    expect(await run('validate', 'store', url, '--deep')).toMatchObject({ exitCode: 0 })
    expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
    expect(await run('upload', 'cache', url, '--dry-run')).toMatchObject({ exitCode: 0 })
    expect(proxy.seen.slice(begun).filter(line => !line.startsWith('GET '))).toEqual([])
    const refused = await run('upload', 'cache', 'gs://models/other', '--json')
    expect({ exitCode: refused.exitCode, ...refused.json() }).toMatchObject({
      exitCode: 4,
      code: 'ACCESS_DENIED',
      what: expect.stringContaining('storage.objects.create on gs://models/other/'),
    })
  })

  it('names the project that pays, by flag or as gcloud has it', async () => {
    await run('list', url, '--billing-project', 'by-flag')
    env.CLOUDSDK_BILLING_QUOTA_PROJECT = 'by-variable'
    await run('list', url)
    expect(proxy.seen.map(line => /userProject=([\w-]+)/.exec(line)?.[1])).toEqual(['by-flag', 'by-variable'])
  })

  it('says that there is no such bucket', async () => {
    const missing = await run('list', 'gs://absent/llama', '--json')
    expect({ exitCode: missing.exitCode, ...missing.json() }).toMatchObject({ exitCode: 5, code: 'BUCKET_NOT_FOUND' })
  })
})

describe('credentials that end in the middle', () => {
  useServer(startFakeGcs)
  let tokens: StandInGcs
  let given: number
  let ended: boolean

  beforeEach(async () => {
    given = 0
    ended = false
    tokens = await startStandInGcs(() => {
      const headers = { 'content-type': 'application/json' }
      if (ended) return { status: 400, headers, body: { error: 'invalid_grant', error_description: 'expired' } }
      return {
        headers,
        body: { access_token: `token-${++given}`, issued_token_type: 'x', token_type: 'Bearer', expires_in: 3600 },
      }
    })
    const credentials = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${tokens.endpoint}/token`,
      credential_source: { file: path('subject') },
    }
    await writeFile(path('subject'), 'a-subject-that-nobody-may-see')
    await writeFile(path('credentials.json'), JSON.stringify(credentials))
    env = { ...env, GOOGLE_APPLICATION_CREDENTIALS: path('credentials.json'), STORAGE_EMULATOR_HOST: '' }
    await makeHubCache(path('cache'))
  })
  afterEach(() => tokens.stop())

  const upload = ['upload', 'cache', url, '--links', 'follow', '--concurrency', '1', '--json']
  const isPut = ({ method, headers }: IncomingMessage) =>
    method === 'POST' && headers.authorization === 'Bearer token-1'

  it('are renewed where they can be', async () => {
    let puts = 0
    proxy.always(request => isPut(request) && ++puts > 3, { type: 'answer', status: 401, body: '' })
    const { exitCode } = await run(...upload, '--endpoint-url', proxy.endpoint, '--retries', '1')
    expect({ exitCode, given }).toEqual({ exitCode: 0, given: 2 })
  })

  it('end with 4 where they can not, and what is finished is kept', async () => {
    let puts = 0
    proxy.always(
      request => {
        ended ||= isPut(request) && ++puts > 3
        return ended && isPut(request)
      },
      { type: 'answer', status: 401, body: '' },
    )
    const stopped = await run(...upload, '--endpoint-url', proxy.endpoint, '--retries', '1', '--verbose')
    expect({ exitCode: stopped.exitCode, ...stopped.json() }).toMatchObject({
      exitCode: 4,
      code: 'CREDENTIALS_EXPIRED',
    })
    expect(stopped.stdout + stopped.stderr).not.toMatch(/token-\d|nobody-may-see/)
    const kept = puts - 1
    ended = false
    proxy.calm()
    const again = await run(...upload, '--endpoint-url', proxy.endpoint)
    const total = Object.keys(await readContents(path('cache'))).length
    const [{ uploadedFiles } = noResult] = (again.json() as { destinations: { uploadedFiles: number }[] }).destinations
    expect(kept).toBe(3)
    // Two requests are in flight at least: the other one's answer may have come too late.
    expect([total - kept, total - kept + 1]).toContain(uploadedFiles)
  })
})

describe('gcp-storage-emulator', () => {
  useServer(startGcpStorageEmulator)

  it('goes on with a file after kill -9, from the byte that had arrived', async () => {
    const size = 12 * mebibyte + 12_345
    await mkdir(path('files'))
    await writeFile(path('files/weights'), seeded(7).bytes(size))
    const upload = ['upload', 'files', url, '--layout', 'plain', '--part-size', '1Mi', '--verbose']
    const ranges: string[] = []
    let stalled = false
    const isSixth = ({ headers }: IncomingMessage) =>
      headers['content-range']?.startsWith(`bytes ${5 * mebibyte}-`) === true
    proxy.always(
      ({ method, headers }) => {
        if (method === 'PUT') ranges.push(headers['content-range'] ?? '')
        return false
      },
      { type: 'reset' },
    )
    proxy.next(request => (stalled ||= isSixth(request)) && isSixth(request), { type: 'stall' })

    const child = startNimctl(upload, { env, cwd: directory })
    const ended = once(child, 'exit')
    const said = text(child.stderr ?? new ReadableStream())
    await expect.poll(() => stalled, { timeout: 30_000 }).toBe(true)
    child.kill('SIGKILL')
    await ended
    const state = await privateFiles(path('state'))
    expect(state.some(({ content }) => content.includes('upload_id'))).toBe(true)
    expect(state.map(({ mode }) => mode)).toEqual(state.map(() => 0o600))

    const before = ranges.length
    const again = await run(...upload)
    expect(again).toMatchObject({ exitCode: 0 })
    expect(ranges.slice(before, before + 2)).toEqual([
      `bytes */${size}`,
      `bytes ${5 * mebibyte}-${6 * mebibyte - 1}/${size}`,
    ])
    expect(sentBytes(ranges)).toBe(size + mebibyte)
    expect(await said).not.toContain('upload_id=')
    expect(again.stdout + again.stderr).not.toContain('upload_id=')
    expect(await run('download', url, 'back')).toMatchObject({ exitCode: 0 })
    expect(await readContents(path('back'))).toEqual(await readContents(path('files')))
  })
})

function sentBytes(ranges: readonly string[]): number {
  const pieces = ranges.map(range => /^bytes (\d+)-(\d+)\//.exec(range))
  return pieces.reduce((sum, piece) => sum + (piece === null ? 0 : Number(piece[2]) - Number(piece[1]) + 1), 0)
}

async function privateFiles(root: string): Promise<{ mode: number; content: string }[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const names = entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return await Promise.all(
    names.map(async name => ({ mode: (await stat(name)).mode & 0o777, content: await readFile(name, 'utf8') })),
  )
}

const noResult = { uploadedFiles: 0, copiedFiles: 0, proof: {} }
