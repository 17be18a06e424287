import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { beforeEach, expect, it } from 'vitest'

import { ensureWritableDirectory, freeBytes, translateFileError, writeFileAtomically } from '../../src/system/files.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-files-'))
})

it('replaces a file whole, with its mode, and leaves nothing beside it', async () => {
  const path = join(directory, 'file')
  await writeFileAtomically(path, 'old')
  await writeFileAtomically(path, Buffer.from('new'), { mode: 0o600 })
  expect(await readFile(path, 'utf8')).toBe('new')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(directory)).toEqual(['file'])
})

it('keeps the old file when the new one cannot be written', async () => {
  await writeFileAtomically(join(directory, 'file'), 'old')
  await expect(writeFileAtomically(join(directory, 'absent/file'), 'x')).rejects.toMatchObject({
    category: 'not-found',
  })
  expect(await readFile(join(directory, 'file'), 'utf8')).toBe('old')
})

it('makes a directory, and says whether it did', async () => {
  expect(await ensureWritableDirectory(join(directory, 'a/b'))).toBe(true)
  expect(await ensureWritableDirectory(join(directory, 'a/b'))).toBe(false)
  expect(await freeBytes(directory)).toBeGreaterThan(0)
})

it('says why a directory cannot be written to', async () => {
  await writeFile(join(directory, 'file'), '')
  await expect(ensureWritableDirectory(join(directory, 'file'))).rejects.toMatchObject({
    category: 'local',
    code: 'DIRECTORY_NOT_WRITABLE',
    why: expect.stringContaining('file of that name'),
  })
  await expect(ensureWritableDirectory(join(directory, 'file/deeper'))).rejects.toMatchObject({
    code: 'DIRECTORY_NOT_WRITABLE',
  })
  // Even root may not write there.
  await expect(ensureWritableDirectory('/sys/nimctl')).rejects.toMatchObject({ code: 'DIRECTORY_NOT_WRITABLE' })
})

it.each([
  ['ENOSPC', 'local', 'DISK_FULL'],
  ['EDQUOT', 'local', 'DISK_FULL'],
  ['EACCES', 'local', 'NOT_WRITABLE'],
  ['EROFS', 'local', 'NOT_WRITABLE'],
  ['ENOENT', 'not-found', 'PATH_NOT_FOUND'],
])('understands %s', (code, category, translated) => {
  expect(translateFileError(Object.assign(new Error(code), { code }), '/x/y')).toMatchObject({
    category,
    code: translated,
  })
})

it('leaves other errors alone', () => {
  const bug = new TypeError('bug')
  expect(translateFileError(bug, '/x')).toBe(bug)
})
