import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { openCopying } from '../../src/stores/file/copy.ts'
import { translateFileError } from '../../src/stores/file/errors.ts'
import { openStore } from '../../src/stores/open.ts'
import type { Store, Upload } from '../../src/stores/store.ts'
import { listKeys, never, putParts, putText, readText, sameBytes, sumsOf, threeParts } from './contract-tools.ts'

let directory: string
let root: string
let store: Store

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-file-system-'))
  root = join(directory, 'root')
  store = await openStore(pathToFileURL(root), {})
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

describe('links', () => {
  beforeEach(async () => {
    await mkdir(join(directory, 'outside'))
    await writeFile(join(directory, 'outside/secret'), 'secret')
    await putText(store, 'inside', 'text')
    await symlink('../outside', join(root, 'out'))
    await symlink('../outside/secret', join(root, 'secret'))
    await symlink('inside', join(root, 'link'))
    await symlink('nowhere', join(root, 'broken'))
  })

  it('that lead outside are no way out', async () => {
    const refused = { code: 'STORE_KEY_OUTSIDE' }
    await expect(putText(store, 'out/new', 'text')).rejects.toMatchObject(refused)
    await expect(store.read('out/secret', undefined, never)).rejects.toMatchObject(refused)
    await expect(store.remove('out/secret', never)).rejects.toMatchObject(refused)
    await expect(store.copy('out/secret', 'copy', never)).rejects.toMatchObject(refused)
    await expect(store.read('secret', undefined, never)).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' })
    expect(await store.stat('secret', never)).toBeUndefined()
    expect(await readFile(join(directory, 'outside/secret'), 'utf8')).toBe('secret')
  })

  it('to files inside are objects, others are not listed', async () => {
    expect(await listKeys(store)).toEqual(['inside', 'link'])
    expect(await readText(store, 'link')).toBe('text')
  })

  it('are replaced, not followed', async () => {
    await putText(store, 'secret', 'mine')
    expect(await readText(store, 'secret')).toBe('mine')
    expect(await readFile(join(directory, 'outside/secret'), 'utf8')).toBe('secret')
  })
})

describe('hard links', () => {
  const inodes = async (...names: string[]) =>
    await Promise.all(names.map(async name => (await stat(join(root, name))).ino))

  it('are made only where they were asked for', async () => {
    await putText(store, 'blob', 'text')
    await store.copy('blob', 'copied', never)
    const linking = await openStore(pathToFileURL(root), { file: { hardLinks: true } })
    await linking.copy('blob', 'linked', never)
    await linking.copy('blob', 'linked', never)
    const [blob, copied, linked] = await inodes('blob', 'copied', 'linked')
    expect(linked).toBe(blob)
    expect(copied).not.toBe(blob)
    linking.close()
    expect(await readdir(root)).toEqual(['blob', 'copied', 'linked'])
  })

  it('are not written through: an object that is replaced leaves the others as they were', async () => {
    const linking = await openStore(pathToFileURL(root), { file: { hardLinks: true } })
    await putText(linking, 'blob', 'text')
    await linking.copy('blob', 'linked', never)
    await putText(linking, 'blob', 'other')
    expect(await readText(linking, 'linked')).toBe('text')
    await linking.copy('blob', 'linked', never)
    expect(await readText(linking, 'linked')).toBe('other')
  })

  it('lead to the file where a symbolic link lies', async () => {
    const linking = await openStore(pathToFileURL(root), { file: { hardLinks: true } })
    await putText(linking, 'blob', 'text')
    await symlink('blob', join(root, 'link'))
    await linking.copy('link', 'folder/linked', never)
    const [blob, linked] = await inodes('blob', 'folder/linked')
    expect(linked).toBe(blob)
  })

  it('give way to copies where the file system has none, which is said once', async () => {
    const reasons: string[] = []
    const copy = openCopying({ hardLinks: true, onNoHardLinks: why => void reasons.push(why) })
    await mkdir(root)
    // The kernel's own files lie on another file system than all others, and have no size.
    for (const name of ['a', 'b']) await copy('/proc/version', join(root, name))
    expect(await readdir(root)).toEqual(['a', 'b'])
    expect(reasons).toEqual([expect.stringContaining('EXDEV')])
  })
})

describe('an upload that goes on', () => {
  let begun: Upload
  let whole: Buffer
  let parts: Buffer[]

  beforeEach(async () => {
    const three = threeParts(store)
    whole = three.whole
    parts = three.parts
    begun = await store.openUpload('blob', { size: whole.length, partSize: three.partSize, ...never })
    await putParts(begun, parts, [1, 2])
  })

  const resume = () =>
    store.openUpload('blob', { size: whole.length, partSize: begun.partSize, resume: begun.saved, ...never })
  const leftover = (ending: string) => join(root, '.nimctl-incomplete', `${begun.saved.id}.${ending}`)
  const numbers = (upload: Upload) => upload.finished.map(part => part.number)

  it('trusts no part whose bytes are not on the disk', async () => {
    await truncate(leftover('bytes'), begun.partSize + 10)
    expect(numbers(await resume())).toEqual([1])
  })

  it('trusts no part whose bytes changed', async () => {
    await writeFile(leftover('bytes'), 'X', { flag: 'r+' })
    expect(numbers(await resume())).toEqual([2])
  })

  it('goes on with a log that was cut at any byte', async () => {
    const log = await readFile(leftover('parts'))
    for (let length = log.length; length >= 0; length--) {
      await truncate(leftover('parts'), length)
      const upload = await resume()
      expect(numbers(upload).every(number => number <= 2)).toBe(true)
      if (upload.saved.id !== begun.saved.id) await upload.abort()
    }
  })

  it('goes on with a log that has nonsense at its end', async () => {
    await appendFile(leftover('parts'), '{"number":3,"size"\0\0\0')
    const upload = await resume()
    const rest = await putParts(upload, parts, [3])
    const first = upload.finished.map(({ number, size, crc32c = 0 }) => ({ number, size, crc32c }))
    await upload.complete(sumsOf(whole), [...first, ...rest], never)
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })

  it.each(['../../outside', '', 'x'.repeat(36)])('begins anew for the saved id %j', async id => {
    const saved = { ...begun.saved, id }
    const upload = await store.openUpload('blob', { size: whole.length, partSize: 1, resume: saved, ...never })
    expect(upload.saved.id).not.toBe(id)
    expect(upload.finished).toEqual([])
  })
})

it('leaves nothing behind but the objects', async () => {
  await putText(store, 'a/b', 'text')
  const upload = await store.openUpload('c', { size: 4, partSize: 4, ...never })
  await upload.abort()
  await store.remove('a/b', never)
  store.close()
  expect(await readdir(root)).toEqual([])
})

it('keeps what others left in the folder of incomplete files', async () => {
  await store.openUpload('c', { size: 4, partSize: 4, ...never })
  store.close()
  expect(await readdir(root)).toEqual(['.nimctl-incomplete'])
  expect(await listKeys(store)).toEqual([])
  await expect(putText(store, '.nimctl-incomplete/x', 'text')).rejects.toMatchObject({ code: 'STORE_KEY_OUTSIDE' })
})

describe('what was killed while it was written whole', () => {
  const id = '01234567-89ab-4cde-8f01-23456789abcd'
  const leftover = (ending: string) => join(root, '.nimctl-incomplete', `${id}${ending}`)
  const listUploads = async (prefix = '') => await Array.fromAsync(store.listUploads?.(prefix, never) ?? [])

  it.each([
    ['of a put or a copy', ''],
    ['of an upload whose log has no first line', '.parts'],
  ])('is found by its own name, and aborted: %s', async (_what, ending) => {
    await putText(store, 'a', 'text')
    await writeFile(leftover(ending), '{"format')
    const listed = await listUploads()
    expect(listed).toEqual([
      { key: `.nimctl-incomplete/${id}${ending}`, id, partSize: 0, startedMs: expect.any(Number) },
    ])
    expect(await listUploads('a')).toEqual([])
    for (const upload of [...listed, ...listed]) await store.abortUpload?.(upload, never)
    store.close()
    expect(await readdir(root)).toEqual(['a'])
  })

  it('is told from what others left there', async () => {
    await putText(store, 'a', 'text')
    await writeFile(join(root, '.nimctl-incomplete/notes.txt'), 'mine')
    await writeFile(leftover('.bytes'), 'of an upload that ends just now')
    expect(await listUploads()).toEqual([])
  })
})

it('says that a file and a directory can not share a name', async () => {
  await putText(store, 'a', 'text')
  await expect(putText(store, 'a/b', 'text')).rejects.toMatchObject({ category: 'local', code: 'STORE_KEY_CONFLICT' })
  await putText(store, 'd/e', 'text')
  await expect(putText(store, 'd', 'text')).rejects.toMatchObject({ category: 'local', code: 'STORE_KEY_CONFLICT' })
  await expect(putText(store, 'x//y', 'text')).rejects.toMatchObject({ code: 'STORE_KEY_CONFLICT' })
})

it('says that a name is too long', async () => {
  await expect(putText(store, 'x'.repeat(300), '')).rejects.toMatchObject({ category: 'local', code: 'NAME_TOO_LONG' })
})

it('names a file whose name is not UTF-8', async () => {
  await putText(store, 'a', '')
  await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x41])]), '')
  await expect(listKeys(store)).rejects.toMatchObject({ category: 'local', code: 'NAME_NOT_UTF8' })
})

it('says that it may not write, also to root', async () => {
  const sealed = await openStore(new URL('file:///sys/nimctl'), {})
  await expect(putText(sealed, 'a', 'text')).rejects.toMatchObject({ category: 'local', code: 'NOT_WRITABLE' })
})

it.each([
  ['ENOSPC', 'local', 'DISK_FULL', 'not'],
  ['EDQUOT', 'local', 'DISK_FULL', 'not'],
  ['EACCES', 'local', 'NOT_WRITABLE', 'not'],
  ['EROFS', 'local', 'NOT_WRITABLE', 'not'],
  ['EXDEV', 'local', 'STORE_MOUNTED_IN_PARTS', 'not'],
  ['EMFILE', 'local', 'TOO_MANY_OPEN_FILES', 'same'],
  ['EIO', 'unavailable', 'STORE_IO_FAILED', 'same'],
  ['ESTALE', 'unavailable', 'STORE_IO_FAILED', 'same'],
])('%s while writing is %s / %s, mended by: %s', (systemCode, category, code, mend) => {
  const error = Object.assign(new Error(systemCode), { code: systemCode })
  expect(translateFileError(error, 'write', '/data/blob')).toMatchObject({ category, code, mend })
})
