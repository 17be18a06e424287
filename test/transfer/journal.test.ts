import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import type { Upload } from '../../src/stores/store.ts'
import { openJournal } from '../../src/transfer/journal.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'
import { openMemoryStore, type MemoryStore } from './memory-store.ts'
import { uploadDirectory } from './upload-directory.ts'

const mebibyte = 2 ** 20

/** The journal of a run that was cut off after so many parts. */
async function realJournal(parts: number) {
  const work = await temporaryDirectory()
  const root = join(work, 'files')
  const stateDirectory = join(work, 'state')
  const store = openMemoryStore()
  const content = seeded(1).bytes(6 * mebibyte)
  await mkdir(root)
  await writeFile(join(root, 'large.bin'), content)
  let sent = 0
  const cut = (upload: Upload): Upload => ({
    ...upload,
    putPart: async (...args) => {
      if (sent++ >= parts) throw new Error('the line is cut')
      return await upload.putPart(...args)
    },
  })
  const cutting = {
    ...store,
    openUpload: async (...args: Parameters<MemoryStore['openUpload']>) => cut(await store.openUpload(...args)),
  }
  await expect(uploadDirectory(root, cutting, stateDirectory)).rejects.toThrow('the line is cut')
  const [name = ''] = (await readdir(join(stateDirectory, 'uploads'))).filter(each => each.endsWith('.jsonl'))
  const path = join(stateDirectory, 'uploads', name)
  return { work, root, stateDirectory, store, content, path, text: await readFile(path) }
}

it('cut at any byte says what its whole lines say, and is written on as if nothing had happened', async () => {
  const { work, path, text } = await realJournal(3)
  const keys = ['large.bin']
  for (let length = 0; length <= text.length; length++) {
    await writeFile(path, text.subarray(0, length))
    const whole = text.subarray(0, length).toString().split('\n').length - 1
    const journal = await openJournal(path)
    expect(keys.map(key => journal.unfinished(key)?.parts.size)).toEqual([whole === 0 ? undefined : whole - 1])
    await journal.noteUpload({ key: 'other', id: 'id', partSize: 1 }, 'source')
    await journal.close()
    const again = await openJournal(path)
    expect(again.unfinished('other')?.saved.id).toBe('id')
    expect(again.unfinished('large.bin')?.parts.size).toBe(whole === 0 ? undefined : whole - 1)
    await again.close()
  }
  await rm(work, { recursive: true })
})

it('cut at any byte lets the upload go on: no part that the store has travels again', async () => {
  const { work, root, stateDirectory, store, content, path, text } = await realJournal(3)
  const random = seeded(2)
  const lengths = [0, 1, text.length - 1, text.length, ...Array.from({ length: 6 }, () => random.below(text.length))]
  for (const length of lengths) {
    const fresh = await realJournal(3)
    const state = await readFile(fresh.path)
    await writeFile(fresh.path, state.subarray(0, length))
    expect(await uploadDirectory(fresh.root, fresh.store, fresh.stateDirectory)).toMatchObject({
      uploadedBytes: 3 * mebibyte,
    })
    expect(fresh.store.objects.get('large.bin')?.bytes.equals(content)).toBe(true)
    expect(
      await Array.fromAsync(fresh.store.listUploads?.('', { signal: new AbortController().signal }) ?? []),
    ).toEqual([])
    await rm(fresh.work, { recursive: true })
  }
  await writeFile(path, Buffer.concat([text, Buffer.alloc(100)]))
  expect(await uploadDirectory(root, store, stateDirectory)).toMatchObject({ uploadedBytes: 3 * mebibyte })
  await rm(work, { recursive: true })
}, 60_000)
