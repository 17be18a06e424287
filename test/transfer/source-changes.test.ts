import { appendFile, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { scanCacheTree } from '../../src/cache/scan.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { openDirectorySource } from '../../src/transfer/source.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'
import { openMemoryStore, type MemoryStore } from './memory-store.ts'
import { uploadDirectory } from './upload-directory.ts'

const mebibyte = 2 ** 20
const content = seeded(1).bytes(4 * mebibyte)
const other = seeded(2).bytes(4 * mebibyte)

it.each<[string, (path: string) => Promise<void>]>([
  ['grows', path => appendFile(path, 'more')],
  ['is truncated', path => truncate(path, 2.5 * mebibyte)],
  ['is written over', path => writeFile(path, other)],
  ['is replaced', path => writeFile(`${path}.new`, other).then(() => rename(`${path}.new`, path))],
  ['is gone', path => rm(path)],
])(
  'a file that %s while its parts are sent is no mixture, and the next run sends what is there',
  async (_how, change) => {
    const work = await temporaryDirectory()
    const root = join(work, 'files')
    await mkdir(root)
    await writeFile(join(root, 'large.bin'), content)
    await writeFile(join(root, 'small.txt'), 'small')
    const store = openMemoryStore()
    const during = changingAtFirstPart(store, () => change(join(root, 'large.bin')))
    const outcome = await uploadDirectory(root, during, join(work, 'state')).catch((error: unknown) => error)
    // What was replaced or removed after it was opened is still read whole: the old content, or the error.
    const whole = store.objects.get('large.bin')?.bytes.equals(content)
    expect(outcome instanceof NimctlError ? outcome.code : whole).toBe(
      outcome instanceof Error ? 'SOURCE_CHANGED' : true,
    )

    await writeFile(join(root, 'large.bin'), other)
    await uploadDirectory(root, store, join(work, 'state'))
    expect(store.objects.get('large.bin')?.bytes.equals(other)).toBe(true)
    expect(await Array.fromAsync(store.listUploads?.('', { signal: new AbortController().signal }) ?? [])).toEqual([])
    await rm(work, { recursive: true })
  },
)

it('a file that can not be opened any more names itself', async () => {
  const work = await temporaryDirectory()
  const root = join(work, 'files')
  await mkdir(root)
  await writeFile(join(root, 'large.bin'), content)
  await writeFile(join(root, 'small.txt'), 'small')
  const store = openMemoryStore()
  const listing: MemoryStore = {
    ...store,
    list: async (...args) => (await rm(join(root, 'small.txt'), { force: true }), await store.list(...args)),
  }
  await expect(uploadDirectory(root, listing, join(work, 'state'))).rejects.toMatchObject({
    code: 'SOURCE_CHANGED',
    message: expect.stringContaining('small.txt'),
  })
  await rm(work, { recursive: true })
})

it('a file that can not be hashed any more names itself', async () => {
  const work = await temporaryDirectory()
  await writeFile(join(work, 'large.bin'), content)
  const source = await openDirectorySource(await scanCacheTree(work), join(work, 'state'))
  const [file] = source.tree.entries.filter(entry => entry.type === 'file')
  if (file === undefined) throw new Error('The file was not found.')
  await rm(join(work, 'large.bin'))
  await expect(source.hash(file, new AbortController().signal)).rejects.toMatchObject({
    code: 'SOURCE_CHANGED',
    message: expect.stringContaining('large.bin'),
  })
  await source.close()
  await rm(work, { recursive: true })
})

function changingAtFirstPart(store: MemoryStore, change: () => Promise<void>): MemoryStore {
  let changed = false
  return {
    ...store,
    async openUpload(...args) {
      const upload = await store.openUpload(...args)
      return {
        ...upload,
        async putPart(...part) {
          if (!changed) {
            changed = true
            await change()
          }
          return await upload.putPart(...part)
        },
      }
    },
  }
}
