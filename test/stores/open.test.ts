import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { describe, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { never, putText, sumsOf } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'

useEnvironment({ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' })

describe('openStore', () => {
  it('names the schemes that it knows', async () => {
    await expect(openStore(new URL('ftp://host/path'), {})).rejects.toMatchObject({
      category: 'usage',
      code: 'STORE_SCHEME_UNKNOWN',
      next: 'Use one of: az://, file://, gs://, hdfs://, http://, https://, s3://, swebhdfs://, webhdfs://, https://ACCOUNT.blob.core.windows.net.',
    })
  })

  it.each([
    's3://user:hunter2@bucket/prefix',
    's3:///prefix',
    's3://bucket:9000/prefix',
    's3://bucket/prefix?versionId=1',
    's3://bucket/100%',
    'gs://user:hunter2@bucket/prefix',
    'gs:///prefix',
    'gs://bucket:443/prefix',
    'gs://bucket/prefix?generation=1',
    'gs://bucket/100%',
    'file://other-host/directory',
  ])('refuses %s', async text => {
    const refused = openStore(new URL(text), {})
    await expect(refused).rejects.toMatchObject({ category: 'usage', code: 'STORE_URL_INVALID' })
    await expect(refused).rejects.not.toThrow(/hunter2/)
  })

  it('refuses an endpoint that is no address, and a CA file that is not there', async () => {
    const url = new URL('s3://bucket')
    await expect(openStore(url, { endpointUrl: 'localhost:9000' })).rejects.toMatchObject({
      code: 'ENDPOINT_URL_INVALID',
    })
    await expect(openStore(url, { caFile: '/nowhere/ca.pem' })).rejects.toMatchObject({ code: 'CA_FILE_UNREADABLE' })
  })

  it('takes an emulator of Google Cloud Storage with a scheme or without, and refuses what is no address', async () => {
    const open = (emulatorHost: string) => openStore(new URL('gs://bucket'), { gs: { emulatorHost } })
    for (const host of ['127.0.0.1:1', 'http://127.0.0.1:1/']) {
      await expect((await open(host)).list('', undefined, never)).rejects.toMatchObject({
        code: 'STORE_UNREACHABLE',
        message: 'http://127.0.0.1:1 could not be reached, or the connection broke.',
      })
    }
    await expect(open('ftp://me:hunter2@host')).rejects.toMatchObject({
      code: 'ENDPOINT_URL_INVALID',
      message: 'What STORAGE_EMULATOR_HOST says is not the address of a server.',
      next: 'Write it as: STORAGE_EMULATOR_HOST=https://HOST:PORT',
    })
  })

  it('takes the order of a listing for granted at Amazon alone, and not in its directory buckets', async () => {
    const sorted = async (url: string, endpointUrl?: string) =>
      (await openStore(new URL(url), endpointUrl === undefined ? {} : { endpointUrl })).capabilities.sortedListing
    expect(await sorted('s3://bucket')).toBe(true)
    expect(await sorted('s3://bucket--use1-az4--x-s3')).toBe(false)
    expect(await sorted('s3://bucket', 'http://127.0.0.1:1')).toBe(false)
  })

  it('says that nothing answers at an endpoint', async () => {
    const store = await openStore(new URL('s3://bucket'), { endpointUrl: 'http://127.0.0.1:1' })
    await expect(store.list('', undefined, never)).rejects.toMatchObject({
      category: 'unavailable',
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('http://127.0.0.1:1'),
    })
  })
})

it('changes nothing in a store that was opened for reading', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nimctl-read-only-'))
  try {
    const url = pathToFileURL(directory)
    await putText(await openStore(url, {}), 'key', 'text')
    const store = await openStore(url, { readOnly: true })
    const refused = { category: 'usage', code: 'STORE_READ_ONLY' }
    const bytes = Buffer.from('other')
    await expect(store.put('key', bytes, sumsOf(bytes), never)).rejects.toMatchObject(refused)
    await expect(store.openUpload('key', { size: 1, partSize: 1, ...never })).rejects.toMatchObject(refused)
    await expect(store.copy('key', 'copy', never)).rejects.toMatchObject(refused)
    await expect(store.remove('key', never)).rejects.toMatchObject(refused)
    await expect(store.abortUpload?.({ key: 'key', id: 'id', partSize: 1 }, never)).rejects.toMatchObject(refused)
    expect(await store.stat('key', never)).toMatchObject({ size: 4 })
  } finally {
    await rm(directory, { recursive: true })
  }
})
