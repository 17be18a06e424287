import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { answer } from './answer.ts'
import { aws } from './aws-cli.ts'
import { kserveDownload } from './kserve.ts'
import { isRunning } from './processes.ts'
import { s5cmd } from './s5cmd.ts'
import { type Seaweedfs, startSeaweedfs } from './seaweedfs.ts'

const buckets = ['models', ...Array.from({ length: 20 }, (_, index) => `bucket-${index}`)]
let server: Seaweedfs
let open: Seaweedfs
let directory: string

beforeAll(async () => {
  const credentials = { accessKeyId: 'someone', secretAccessKey: 'something' }
  ;[server, open] = await Promise.all([
    startSeaweedfs({ credentials, buckets }),
    startSeaweedfs({ buckets: ['models'] }),
  ])
  directory = await mkdtemp(join(tmpdir(), 'servers-test-'))
  await writeFile(join(directory, 'file'), 'some bytes')
})

afterAll(async () => {
  await Promise.all([server.stop(), open.stop()])
  await rm(directory, { recursive: true })
})

it('keeps what aws uploads; s5cmd and KServe read it', async () => {
  expect(await aws(['s3', 'cp', join(directory, 'file'), 's3://models/llama/1/weights'], server.env)).toMatchObject({
    exitCode: 0,
  })
  expect((await s5cmd(['cat', 's3://models/llama/1/weights'], server.env)).stdout).toBe('some bytes')
  const out = join(directory, 'out')
  const read = await kserveDownload({ url: 's3://models/llama', out, env: server.env })
  expect(read).toMatchObject({ exitCode: 0 })
  expect(await readFile(join(out, '1/weights'), 'utf8')).toBe('some bytes')
})

it('refuses a wrong key and no key, and has no bucket that nobody made', async () => {
  const wrong = { ...server.env, AWS_SECRET_ACCESS_KEY: 'else' }
  expect((await aws(['s3', 'ls', 's3://models'], wrong)).stderr).toContain('SignatureDoesNotMatch')
  expect((await answer(`${server.endpoint}/models`))?.status).toBe(403)
  const missing = await aws(['s3', 'cp', join(directory, 'file'), 's3://absent/file'], server.env)
  expect(missing.stderr).toContain('NoSuchBucket')
})

it('lets anyone in without credentials', async () => {
  const upload = ['s3', 'cp', '--no-sign-request', join(directory, 'file'), 's3://models/file']
  expect(await aws(upload, open.env)).toMatchObject({ exitCode: 0 })
  expect(await answer(`${open.endpoint}/models/file`)).toEqual({ status: 200, body: 'some bytes' })
})

it('has room for a bucket per test', async () => {
  for (const bucket of buckets.slice(1)) {
    const copied = await s5cmd(['cp', join(directory, 'file'), `s3://${bucket}/file`], server.env)
    expect(copied).toMatchObject({ exitCode: 0 })
  }
})

it('ends with stop, with the sockets that it leaves in /tmp', async () => {
  const port = new URL(open.endpoint).port
  const sockets = async () => (await readdir('/tmp')).filter(name => name === `seaweedfs-s3-${port}.sock`)
  expect(await sockets()).toHaveLength(1)
  await open.stop()
  expect(isRunning(open.pid)).toBe(false)
  expect(await sockets()).toEqual([])
})
