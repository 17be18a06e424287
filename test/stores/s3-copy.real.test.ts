import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { copyInParts } from '../../src/stores/s3/copy.ts'
import { openSession } from '../../src/stores/s3/session.ts'
import { openBucket } from '../campaign/bucket.ts'
import { listKeys, never, putMultipart, sameBytes, statStored } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'
import { s3Server } from './s3-server.ts'

const { bucket, env } = s3Server()
useEnvironment(env)

const otherBucket = `copies-${process.pid}`
const other = openBucket(env, otherBucket)
beforeAll(() => other.make())
afterAll(async () => {
  await other.remove()
  other.close()
})

it('copies from another bucket, whole and in parts', async () => {
  const source = await openStore(new URL(`s3://${bucket}/${randomUUID()}`), {})
  const url = new URL(`s3://${otherBucket}/${randomUUID()}`)
  const store = await openStore(url, {})
  expect(store.service).toBe(source.service)
  const { whole } = await putMultipart(source, 'from ü+')
  const object = await statStored(source, 'from ü+')
  await store.copyFrom?.({ store: source, object }, 'whole', never)
  const session = await openSession(url, {})
  const from = await openSession(source.url, {})
  const partSize = store.capabilities.minPart
  await copyInParts(session, { from, source: object, to: 'parts', partSize, ...never })
  for (const key of ['whole', 'parts']) {
    expect(await store.stat(key, never)).toMatchObject({ crc32c: object.crc32c })
    expect(await sameBytes(store, key, whole)).toBe(true)
  }
})

it.each([
  ['endpoint', { endpointUrl: 'https://elsewhere.test' }],
  ['profile', { awsProfile: 'another' }],
  ['lack of credentials', { signRequests: false }],
])('with another %s it is another service', async (_case, options) => {
  const [one, other] = [await openStore(new URL('s3://a/'), {}), await openStore(new URL('s3://b/'), options)]
  expect(one.service).not.toBe(other.service)
})

/** What happens to objects above 5 GiB, with a small one. */
it('copies an object in parts', async () => {
  const url = new URL(`s3://${bucket}/${randomUUID()}`)
  const store = await openStore(url, {})
  const session = await openSession(url, {})
  const { whole } = await putMultipart(store, 'from ü+')
  const source = await store.stat('from ü+', never)
  if (source === undefined) throw new Error('nothing to copy')
  const copied = await copyInParts(session, {
    from: session,
    source,
    to: 'to',
    partSize: store.capabilities.minPart,
    ...never,
  })
  expect(copied).toMatchObject({ key: 'to', size: whole.length })
  // Absent where the server can't (VersityGW), never another.
  expect([source.crc32c, undefined]).toContain(copied.crc32c)
  expect(await sameBytes(store, 'to', whole)).toBe(true)
})

it('copies nothing when the source was replaced meanwhile, and leaves nothing', async () => {
  const url = new URL(`s3://${bucket}/${randomUUID()}`)
  const store = await openStore(url, {})
  const session = await openSession(url, {})
  await putMultipart(store, 'from')
  const source = await store.stat('from', never)
  if (source === undefined) throw new Error('nothing to copy')
  const replaced = { ...source, etag: '0'.repeat(32) }
  const copying = copyInParts(session, {
    from: session,
    source: replaced,
    to: 'to',
    partSize: store.capabilities.minPart,
    ...never,
  })
  await expect(copying).rejects.toBeDefined()
  expect(await listKeys(store)).toEqual(['from'])
})
