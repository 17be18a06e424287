import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { readCacheRecord, writeCacheRecord } from '../../src/cache/record.ts'
import type { InventoryHeader } from '../../src/inventory/inventory.ts'
import { restoreCacheRecord } from '../../src/transfer/restore-record.ts'
import { smallRecord } from '../hub-cache.ts'

const { image, imageDigest, family, profiles } = smallRecord
const header: InventoryHeader = {
  formatVersion: 1,
  kind: 'Inventory',
  tool: 'nimctl/0',
  image,
  imageDigest,
  family,
  manifestVersion: 1,
  profiles,
  models: [],
  layout: 'cache',
  links: 'copy',
  files: 0,
  bytes: 0,
}
const other = { id: 'f'.repeat(64), tags: {} }
const newDirectory = () => mkdtemp(join(tmpdir(), 'nimctl-record-'))

it('notes what the inventory says', async () => {
  const directory = await newDirectory()
  await restoreCacheRecord(directory, header)
  expect(await readCacheRecord(directory)).toEqual(smallRecord)
})

it.each([
  { former: 'the same image', digest: imageDigest, ids: [profiles[0]?.id, other.id] },
  { former: 'another image', digest: `sha256:${'cd'.repeat(32)}`, ids: [profiles[0]?.id] },
])('keeps profiles of $former only where they belong', async ({ digest, ids }) => {
  const directory = await newDirectory()
  await writeCacheRecord(directory, { ...smallRecord, imageDigest: digest, profiles: [other] })
  await restoreCacheRecord(directory, header)
  expect((await readCacheRecord(directory))?.profiles.map(({ id }) => id)).toEqual(ids)
})

it('notes nothing for files of no image', async () => {
  const directory = await newDirectory()
  const { image: _image, ...rest } = header
  await restoreCacheRecord(directory, rest)
  expect(await readCacheRecord(directory)).toBeUndefined()
})
