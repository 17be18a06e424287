import { createHash } from 'node:crypto'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeEach, expect, it } from 'vitest'

import type { Store, StoredObject, Upload } from '../../src/stores/store.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'
import { openMemoryStore, type MemoryStore } from './memory-store.ts'
import { uploadDirectory } from './upload-directory.ts'

const md5 = (content: string | Uint8Array) => createHash('md5').update(content).digest('hex')
const mebibyte = 2 ** 20
const content = Buffer.from('what a blob holds')
const name = md5(content)
let work: string
let memory: MemoryStore
let store: Store

beforeEach(async () => {
  work = await temporaryDirectory()
  memory = openMemoryStore()
  store = withOpaqueEtags(memory)
  await mkdir(join(work, 'cache/a/blobs'), { recursive: true })
  await writeFile(join(work, 'cache/a/blobs', name), content)
})

/**
 * ETags as those of objects with SSE-KMS: 32 hex digits that are no MD5, another one for each object and part, and parts
 * are listed without checksums (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html).
 */
function withOpaqueEtags(plain: MemoryStore): Store {
  const hide = <T extends { etag?: string }>(of: string, one: T): T => ({ ...one, etag: md5(`${of} ${one.etag}`) })
  const object = (one: StoredObject) => hide(one.key, one)
  const upload = (opened: Upload): Upload => ({
    ...opened,
    finished: opened.finished.map(({ number, size, etag = '' }) => hide(`part ${number}`, { number, size, etag })),
    putPart: async (number, ...args) => hide(`part ${number}`, await opened.putPart(number, ...args)),
    complete: async (...args) => object(await opened.complete(...args)),
  })
  return {
    ...plain,
    list: async (...args) => {
      const page = await plain.list(...args)
      return { ...page, objects: page.objects.map(object) }
    },
    stat: async (...args) => {
      const found = await plain.stat(...args)
      return found && object(found)
    },
    put: async (...args) => object(await plain.put(...args)),
    copy: async (...args) => object(await plain.copy(...args)),
    openUpload: async (...args) => upload(await plain.openUpload(...args)),
  }
}

const run = (to = store, state = 'state') => uploadDirectory(join(work, 'cache'), to, join(work, state))

it('prove nothing: each object is proved by its checksum, copies too', async () => {
  await mkdir(join(work, 'cache/a/snapshots/1'), { recursive: true })
  await symlink(`../../blobs/${name}`, join(work, 'cache/a/snapshots/1/file'))
  await writeFile(join(work, 'cache/large'), seeded(3).bytes(9 * mebibyte))
  const done = await run()
  expect(done).toMatchObject({ uploadedFiles: 2, copiedFiles: 1 })
  expect(done.proof).toEqual({ 'full-checksum': 3, parts: 0, etag: 0, size: 0 })
})

it('are no reason to send anything twice', async () => {
  await run()
  expect(await run()).toMatchObject({ uploadedFiles: 0, copiedFiles: 0 })
  expect(await run(store, 'another-state')).toMatchObject({ uploadedFiles: 0, copiedFiles: 0 })
})

it('name no content: a moved blob is sent', async () => {
  await run()
  await rename(join(work, 'cache/a'), join(work, 'cache/b'))
  expect(await run()).toMatchObject({ uploadedFiles: 1, copiedFiles: 0 })
})

it('are those of an upload that goes on by its journal, and of no part without it', async () => {
  await writeFile(join(work, 'cache/large'), seeded(3).bytes(12 * mebibyte))
  const sent: number[] = []
  const counting = (most: number): Store => ({
    ...store,
    openUpload: async (...args) => {
      const opened = await store.openUpload(...args)
      const putPart: Upload['putPart'] = async (number, ...rest) => {
        if (sent.length >= most) throw new Error('the line is cut')
        sent.push(number)
        return await opened.putPart(number, ...rest)
      }
      return { ...opened, putPart }
    },
  })
  const from = async (state: string) => {
    sent.length = 0
    await run(counting(Infinity), state)
    return sent.toSorted((a, b) => a - b)
  }
  await expect(run(counting(5))).rejects.toThrow('the line is cut')
  expect(await from('state')).toEqual([6, 7, 8, 9, 10, 11, 12])

  memory.objects.clear()
  sent.length = 0
  await expect(run(counting(5), 'cut')).rejects.toThrow('the line is cut')
  expect(await from('elsewhere')).toHaveLength(12)
})
