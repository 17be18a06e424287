import { rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'

import { openBucket } from '../campaign/bucket.ts'
import { makeSeededCache } from '../campaign/seeded-cache.ts'
import { nimctl, succeeded } from '../e2e/nimctl.ts'
import { readContents } from '../e2e/trees.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { newSeed, seeded } from '../seeded.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'

const s3Env = inject('s3Env')
const seed = newSeed()
const from = `from-${process.pid}/`
const otherName = `bucket-to-bucket-${process.pid}`
const [bucket, other] = [openBucket(s3Env, 'models'), openBucket(s3Env, otherName)]
const source = `s3://models/${from}`

let work: string
let contents: Record<string, string>
let proxy: FaultProxy
let prefix: string
let count = 0

beforeAll(async () => {
  work = await temporaryDirectory()
  await makeSeededCache(join(work, 'cache'), seeded(seed), { smallFiles: 12 })
  contents = await readContents(join(work, 'cache'))
  await other.make()
})
afterAll(async () => {
  await other.remove()
  await bucket.clear(from)
  for (const each of [bucket, other]) each.close()
  await rm(work, { recursive: true, force: true })
})
beforeEach(async () => {
  proxy = await startFaultProxy(s3Env.AWS_ENDPOINT_URL ?? '')
  prefix = `to-${count++}/`
  succeeded(await run(['upload', join(work, 'cache'), source, '--part-size', '5Mi'], s3Env.AWS_ENDPOINT_URL))
})
afterEach(() => proxy.stop())

const run = (args: readonly string[], endpoint = proxy.endpoint) =>
  nimctl(args, { env: { ...s3Env, AWS_ENDPOINT_URL: endpoint, HOME: work, NIMCTL_STATE_DIR: join(work, 'state') } })
const url = () => `s3://${otherName}/${prefix}`
const copy = (...more: string[]) => run(['upload', source, url(), '--json', ...more])

async function expectWhole(): Promise<void> {
  const { '.nimctl/inventory.jsonl': inventory, ...found } = await other.hashes(prefix)
  expect(inventory).toBeDefined()
  expect(found).toEqual(contents)
}

/** Bytes that the program sends, and keys whose bytes it gets. */
function watch(): { sentBytes: number; read: string[] } {
  const seen = { sentBytes: 0, read: new Array<string>() }
  const note = ({ method, headers, url: path = '' }: IncomingMessage) => {
    seen.sentBytes += Number(headers['content-length'] ?? 0)
    const key = decodeURIComponent(path).split('?')[0] ?? ''
    if (method === 'GET' && /\/(blobs|snapshots)\//.test(key)) seen.read.push(key)
    return false
  }
  proxy.always(note, { type: 'stall' })
  return seen
}

const isCopyFromSource = ({ headers }: IncomingMessage) => String(headers['x-amz-copy-source']).startsWith('models/')
const denied = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>not you</Message></Error>'

describe(`between buckets of one service (seed ${seed})`, () => {
  it('the server copies, and no byte of a file passes', async () => {
    const seen = watch()
    const outcome = await copy('--require', 'full-checksum')
    expect(outcome).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('Warning') })
    const files = Object.keys(contents).length
    expect(outcome.json().destinations).toMatchObject([{ uploadedBytes: 0, copiedFiles: files }])
    await expectWhole()
    expect(seen.read).toEqual([])
    // The inventory is what is left.
    expect(seen.sentBytes).toBe((await other.sizes(prefix)).get('.nimctl/inventory.jsonl'))
    expect(await run(['validate', 'store', url(), '--deep'])).toMatchObject({ exitCode: 0 })
  })

  it('the plan says where from, and a second run has nothing to do', async () => {
    const plan = await copy('--dry-run')
    const [{ steps, totals }] = plan.json().destinations as [
      { steps: { action: string; key: string; from: string }[]; totals: Record<string, number> },
    ]
    expect(totals).toMatchObject({ uploadBytes: 0, files: Object.keys(contents).length })
    expect(steps.filter(({ action }) => action !== 'copy')).toEqual([])
    const blobs = steps.filter(({ key }) => key.includes('/blobs/'))
    expect(blobs.map(step => step.from)).toEqual(blobs.map(({ key }) => `${source}${key}`))
    succeeded(await copy())
    expect((await copy()).json().destinations).toMatchObject([{ copiedFiles: 0, uploadedBytes: 0 }])
  })

  it.each([
    { status: 403, body: denied },
    { status: 501, body: '' },
  ])('bytes pass where the server refuses with $status, and a warning says so', async answer => {
    proxy.always(isCopyFromSource, { type: 'answer', ...answer })
    const outcome = await copy()
    expect(outcome).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('through this machine') })
    expect(proxy.seen.filter(line => line.startsWith('GET') && line.includes('/blobs/'))).not.toEqual([])
    await expectWhole()
  })

  it('a damaged source fails, and nothing is published', async () => {
    const isBlob = ([key, size]: [string, number]) => key.includes('/blobs/') && size > 0
    const [key, size] = [...(await bucket.sizes(from))].find(isBlob) ?? ['', 0]
    await bucket.put(from + key, Buffer.alloc(size, 1))
    const outcome = await copy()
    expect(outcome).toMatchObject({ exitCode: 3 })
    expect(outcome.json()).toMatchObject({ code: 'SOURCE_DAMAGED' })
    expect([...(await other.sizes(prefix)).keys()]).not.toContain('.nimctl/inventory.jsonl')
  })
})
