import { execFile } from 'node:child_process'
import { open, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'

import { combineCrc32c, crc32c } from '../../src/system/hash.ts'
import { openFileHasher, type FileHasher } from '../../src/transfer/hash-file.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { seeded } from '../seeded.ts'

const mebibyte = 1024 * 1024
const { signal } = new AbortController()
const pattern = seeded(1).bytes(mebibyte)

let directory: string
let path: string
let hasher: FileHasher
beforeAll(async () => {
  directory = await temporaryDirectory()
  path = join(directory, 'file')
})
afterAll(() => rm(directory, { recursive: true }))
beforeEach(() => {
  hasher = openFileHasher()
})
afterEach(() => hasher.close())

it.each([
  ['empty', 0],
  ['small', 5],
  ['of one buffer', mebibyte],
  ['a byte longer than a buffer', mebibyte + 1],
  ['of two ranges less a byte', 32 * mebibyte - 1],
  ['the last that one thread reads', 64 * mebibyte],
  ['the first that all threads read', 64 * mebibyte + 1],
  ['whose last range is whole', 80 * mebibyte],
])('a file %s has the sum of its bytes', async (_what, size) => {
  const sum = await writePatterns(size)
  expect(await hasher.hash(path, { size, signal })).toBe(sum)
})

it('many files at once have their sums, the small ones and those that are cut', async () => {
  const sum = await writePatterns(70 * mebibyte)
  await writeFile(join(directory, 'small'), 'small')
  const paths = Array.from({ length: 12 }, (_, index) => (index % 4 === 0 ? 'file' : 'small'))
  const sizes = { file: 70 * mebibyte, small: 5 }
  const found = await Promise.all(
    paths.map(name => hasher.hash(join(directory, name), { size: sizes[name as 'file'], signal })),
  )
  expect(found).toEqual(paths.map(name => (name === 'file' ? sum : crc32c(Buffer.from('small')))))
})

it.each([10 * mebibyte, 100 * mebibyte])(
  'a file that was cut from %i bytes has the sum of what is left',
  async size => {
    await writePatterns(size)
    await truncate(path, 3 * mebibyte + 1)
    expect(await hasher.hash(path, { size, signal })).toBe(await writePatterns(3 * mebibyte + 1))
  },
)

it.each([1, 100 * mebibyte])('a file of %i bytes that has vanished fails with the code of the system', async size => {
  await expect(hasher.hash(join(directory, 'absent'), { size, signal })).rejects.toMatchObject({ code: 'ENOENT' })
})

it.each([1, 100 * mebibyte])(
  'something of %i bytes that can not be read fails with the code of the system',
  async size => {
    await expect(hasher.hash(directory, { size, signal })).rejects.toMatchObject({ code: 'EISDIR' })
  },
)

it.each([mebibyte, 100 * mebibyte])('stops with the reason of the signal, at a file of %i bytes', async size => {
  await writePatterns(size)
  const stop = new AbortController()
  const hashing = hasher.hash(path, { size, signal: stop.signal })
  stop.abort(new Error('enough'))
  await expect(hashing).rejects.toThrow('enough')
  await expect(hasher.hash(path, { size, signal: stop.signal })).rejects.toThrow('enough')
})

it('lets the process end without being closed', async () => {
  await writePatterns(65 * mebibyte)
  const script = `
    import { openFileHasher } from ${JSON.stringify(new URL('../../src/transfer/hash-file.ts', import.meta.url))}
    const { signal } = new AbortController()
    console.log(await openFileHasher().hash(${JSON.stringify(path)}, { size: ${65 * mebibyte}, signal }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  expect(Number(stdout)).toBe(await writePatterns(65 * mebibyte))
})

/** One pattern a mebibyte, each beginning with its own number, so that no two ranges are alike. @returns the sum. */
async function writePatterns(size: number): Promise<number> {
  const file = await open(path, 'w')
  let sum = 0
  for (let position = 0; position < size; position += mebibyte) {
    const bytes = Buffer.from(pattern.subarray(0, Math.min(mebibyte, size - position)))
    bytes.writeUInt8(position / mebibyte)
    await file.write(bytes)
    sum = combineCrc32c(sum, crc32c(bytes), bytes.length)
  }
  await file.close()
  return sum
}
