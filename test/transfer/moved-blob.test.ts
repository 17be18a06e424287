import { createHash } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeEach, expect, it } from 'vitest'

import { temporaryDirectory } from '../hub-cache.ts'
import { openMemoryStore, type MemoryStore } from './memory-store.ts'
import { uploadDirectory } from './upload-directory.ts'

const content = Buffer.from('what a blob holds')
const name = createHash('md5').update(content).digest('hex')
let work: string
let store: MemoryStore

beforeEach(async () => {
  work = await temporaryDirectory()
  store = openMemoryStore()
  await mkdir(join(work, 'cache/a/blobs'), { recursive: true })
  await writeFile(join(work, 'cache/a/blobs', name), content)
  await uploadDirectory(join(work, 'cache'), store, join(work, 'state'))
  await rename(join(work, 'cache/a'), join(work, 'cache/b'))
})

const again = () => uploadDirectory(join(work, 'cache'), store, join(work, 'state'))

it('is copied in the store, not sent', async () => {
  expect(await again()).toMatchObject({ uploadedFiles: 0, copiedFiles: 1 })
  expect(store.objects.get(`b/blobs/${name}`)?.bytes).toEqual(content)
})

it('is sent when it is not what its name claims', async () => {
  const other = Buffer.from('what a blob HOLDS')
  await writeFile(join(work, 'cache/b/blobs', name), other)
  expect(await again()).toMatchObject({ uploadedFiles: 1, copiedFiles: 0 })
  expect(store.objects.get(`b/blobs/${name}`)?.bytes).toEqual(other)
})
