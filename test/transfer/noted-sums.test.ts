import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeEach, expect, it } from 'vitest'

import type { Store } from '../../src/stores/store.ts'
import { crc32c } from '../../src/system/hash.ts'
import { silent } from '../../src/system/progress.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { reportStore } from '../validate/store-report.ts'
import { openMemoryStore, type MemoryStore } from './memory-store.ts'
import { uploadDirectory } from './upload-directory.ts'

const { signal } = new AbortController()
let work: string
let memory: MemoryStore
/** Of what nimctl wrote itself; another tool notes nothing. */
let notes: Map<string, number>

beforeEach(async () => {
  work = await temporaryDirectory()
  memory = openMemoryStore({ statProof: 'parts' })
  notes = new Map()
  await mkdir(join(work, 'files'))
  for (const name of ['a', 'b', 'c']) await writeFile(join(work, 'files', name), `what ${name} holds`)
  await uploadDirectory(join(work, 'files'), noting(), join(work, 'state'))
})

/** A store that computes no CRC32C, and notes beside each object the one that it was told. */
function noting(): Store {
  const note = <T extends { key: string }>(object: T): T => {
    const notedCrc32c = notes.get(object.key)
    return notedCrc32c === undefined ? object : { ...object, notedCrc32c }
  }
  return {
    ...memory,
    async put(key, bytes, sums, options) {
      const object = await memory.put(key, bytes, sums, options)
      notes.set(key, sums.crc32c)
      return note(object)
    },
    async stat(key, options) {
      const object = await memory.stat(key, options)
      return object && note(object)
    },
    async list(prefix, cursor, options) {
      const page = await memory.list(prefix, cursor, options)
      return { ...page, objects: page.objects.map(note) }
    },
  }
}

/** Of the same size; by another tool, or by nimctl from elsewhere. */
function replace(key: string, by: 'another tool' | 'nimctl'): void {
  const bytes = Buffer.from('what x holds')
  memory.place(key, bytes)
  if (by === 'nimctl') notes.set(key, crc32c(bytes))
  else notes.delete(key)
}

const again = (state: string) => uploadDirectory(join(work, 'files'), noting(), join(work, state))

it.each(['state', 'another-state'])('sends nothing where the notes are those of the files, with %s', async state => {
  expect(await again(state)).toMatchObject({
    uploadedFiles: 0,
    skippedFiles: 3,
    proof: { 'full-checksum': 0, parts: 3 },
  })
})

it('sends nothing either where the inventory was lost', async () => {
  for (const key of memory.objects.keys()) if (key.startsWith('.nimctl/')) memory.objects.delete(key)
  await rm(join(work, 'state'), { recursive: true })
  expect(await again('state')).toMatchObject({ uploadedFiles: 0, skippedFiles: 3 })
})

it('sends what was replaced, though its size is the same', async () => {
  replace('b', 'nimctl')
  expect(await again('state')).toMatchObject({ uploadedFiles: 1, skippedFiles: 2 })
  expect(memory.objects.get('b')?.bytes.toString()).toBe('what b holds')
})

it('takes no upload for proved when something else wrote there meanwhile', async () => {
  await writeFile(join(work, 'files/d'), 'new')
  const store = noting()
  const put: Store['put'] = async (key, ...others) => {
    const object = await store.put(key, ...others)
    if (key === 'd') notes.set('d', 7)
    return object
  }
  await expect(uploadDirectory(join(work, 'files'), { ...store, put }, join(work, 'state'))).rejects.toMatchObject({
    code: 'UPLOAD_UNPROVED',
    why: expect.stringContaining('noted'),
  })
})

it.each([
  { by: 'nimctl', method: 'listing-checksum' },
  { by: 'another tool', method: 'content' },
] as const)('sees what $by has replaced, by $method', async ({ by, method }) => {
  replace('b', by)
  const { checks } = await reportStore({
    store: noting(),
    profiles: [],
    deep: false,
    concurrency: 2,
    signal,
    report: silent,
  })
  const found = checks
    .filter(({ name }) => name !== 'store.inventory')
    .map(({ path, status, method: how }) => ({ path, status, method: how }))
  expect(found.toSorted((one, other) => (`${one.path}` < `${other.path}` ? -1 : 1))).toEqual([
    { path: 'a', status: 'ok', method: 'listing-checksum' },
    { path: 'b', status: 'failed', method },
    { path: 'c', status: 'ok', method: 'listing-checksum' },
  ])
})
