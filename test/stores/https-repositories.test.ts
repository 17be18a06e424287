import { afterEach, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { never, putMultipart, putText, readText, sumsOf, threeParts, sendParts } from './contract-tools.ts'
import { type StandInRepository, startStandInRepository } from './stand-in-repository.ts'

let server: StandInRepository

afterEach(() => server.stop())

async function open(product: 'artifactory' | 'nexus'): Promise<Store> {
  server = await startStandInRepository(product)
  return await openStore(new URL(`${server.endpoint}/repository/models`), {})
}

it('finds out by questions that change nothing what a server is capable of', async () => {
  const artifactory = await open('artifactory')
  expect(server.seen.map(line => line.split(' ')[0])).toEqual(['OPTIONS', 'PROPFIND', 'GET', 'GET', 'GET'])
  expect(artifactory.capabilities).toMatchObject({ serverCopy: true, statProof: 'parts', listing: 'none' })
  server.stop()
  const nexus = await open('nexus')
  expect(nexus.capabilities).toMatchObject({ serverCopy: false, statProof: 'size', listing: 'none' })
})

it.each(['artifactory', 'nexus'] as const)('writes to %s, reads, stats and removes', async product => {
  const store = await open(product)
  await putText(store, 'a b/%2F?#ü', 'text')
  expect([...server.files.keys()]).toEqual(['/repository/models/a%20b/%252F%3F%23%C3%BC'])
  expect(await readText(store, 'a b/%2F?#ü', { start: 1, end: 2 })).toBe('ex')
  const { whole, stored } = await putMultipart(store, 'large')
  expect(await store.stat('large', never)).toEqual(stored)
  expect(server.files.get('/repository/models/large')?.equals(whole)).toBe(true)
  await store.remove('large', never)
  await store.remove('large', never)
  expect(await store.stat('large', never)).toBeUndefined()
})

it('gives a content another name in Artifactory without sending it', async () => {
  const store = await open('artifactory')
  await putText(store, 'blobs/x', 'content')
  expect(await store.copy('blobs/x', 'snapshots/1/x', never)).toEqual({ key: 'snapshots/1/x', size: 7 })
  expect(await readText(store, 'snapshots/1/x')).toBe('content')
  await expect(store.copy('absent', 'copy', never)).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
})

it.each(['artifactory', 'nexus'] as const)('notices what %s has stored otherwise than it was sent', async product => {
  const store = await open(product)
  server.damage()
  await expect(putText(store, 'small', 'text')).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH', mend: 'same' })
  const { whole, partSize, parts } = threeParts(store)
  const upload = await store.openUpload('large', { size: whole.length, partSize, ...never })
  const finished = await sendParts(store, upload, { parts, order: [1, 2, 3] })
  await expect(upload.complete(sumsOf(whole), finished, never)).rejects.toMatchObject({
    code: 'CHECKSUM_MISMATCH',
    mend: 'new-upload',
  })
})

it('says that it lists nothing', async () => {
  const store = await open('nexus')
  await expect(store.list('', undefined, never)).rejects.toMatchObject({ code: 'STORE_UNSUPPORTED' })
})
