import { randomUUID } from 'node:crypto'

import { expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { copyInParts } from '../../src/stores/s3/copy.ts'
import { openSession } from '../../src/stores/s3/session.ts'
import { listKeys, never, putMultipart, sameBytes } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'
import { s3Server } from './s3-server.ts'

const { bucket, env } = s3Server()
useEnvironment(env)

/** What happens to objects above 5 GiB, with a small one. */
it('copies an object in parts', async () => {
  const url = new URL(`s3://${bucket}/${randomUUID()}`)
  const store = await openStore(url, {})
  const session = await openSession(url, {})
  const { whole } = await putMultipart(store, 'from ü+')
  const source = await store.stat('from ü+', never)
  if (source === undefined) throw new Error('nothing to copy')
  const copied = await copyInParts(session, { source, to: 'to', partSize: store.capabilities.minPart, ...never })
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
  const copying = copyInParts(session, { source: replaced, to: 'to', partSize: store.capabilities.minPart, ...never })
  await expect(copying).rejects.toBeDefined()
  expect(await listKeys(store)).toEqual(['from'])
})
