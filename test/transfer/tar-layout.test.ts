import { posix } from 'node:path'

import { Header } from 'tar/header'
import { Pax } from 'tar/pax'
import { describe, expect, it } from 'vitest'

import type { CacheEntry } from '../../src/cache/cache-tree.ts'
import { crc32c } from '../../src/system/hash.ts'
import { composeSum, encodeHeader, layOutTar, listPieces } from '../../src/transfer/tar-layout.ts'

const aFile = (path: string, size = 0): CacheEntry & { type: 'file' } => ({
  type: 'file',
  path,
  size,
  mode: 0o640,
  modifiedMs: 1,
  inode: 1,
})

/** As a reader takes it: what the extended header in front of the block says, counts. */
function decode(header: Buffer) {
  const block = new Header(header.subarray(-512))
  const { cksumValid, type, path, linkpath, size, mode, uid, gid, mtime } = block
  const fields = { cksumValid, type, path: posix.normalize(path ?? ''), linkpath, size, mode, uid, gid, mtime }
  if (header.length === 512) return { ...fields, extended: false }
  const { size: length = 0, cksumValid: valid } = new Header(header.subarray(0, 512))
  const pax = Pax.parse(header.subarray(512, 512 + length).toString('utf8'))
  const said = Object.fromEntries(Object.entries(pax).filter(([, value]) => value !== undefined))
  return { ...fields, ...said, cksumValid: cksumValid && valid, extended: true }
}

describe('a header', () => {
  const long = (bytes: number) => 'x'.repeat(bytes)
  it.each<[string, CacheEntry, boolean]>([
    ['a short name', aFile('a/b.txt', 5), false],
    // As `./xxx`, which is the same file.
    ['a name of 100 bytes', aFile(long(100)), false],
    ['a name of 101 bytes', aFile(long(101)), true],
    ['folders of 150 bytes', aFile(`${long(75)}/${long(74)}/file`), false],
    ['a name of 255 bytes', aFile(long(255)), true],
    ['a path of 1000 bytes', aFile(Array.from({ length: 10 }, () => long(99)).join('/')), true],
    ['letters beyond ASCII', aFile('ünï/😀'), true],
    ['a file of 8 GiB less a byte', aFile('large', 2 ** 33 - 1), false],
    ['a file of 8 GiB', aFile('large', 2 ** 33), true],
    ['a file of 2 TiB', aFile('large', 2 ** 41), true],
    ['a link', { type: 'link', path: 'a/link', target: '../b' }, false],
    ['a link that leads far', { type: 'link', path: 'a/link', target: `../${long(200)}` }, true],
  ])('holds %s', (_case, entry, extended) => {
    expect(decode(encodeHeader(entry))).toMatchObject({
      extended,
      cksumValid: true,
      path: entry.path,
      type: entry.type === 'link' ? 'SymbolicLink' : 'File',
      mode: entry.type === 'link' ? 0o777 : 0o640,
      uid: 0,
      gid: 0,
      mtime: new Date(0),
      size: entry.type === 'file' ? entry.size : 0,
      ...(entry.type === 'link' && { linkpath: entry.target }),
    })
  })

  it('holds an empty folder', () => {
    const header = encodeHeader({ type: 'directory', path: 'tmp', mode: 0o700 })
    expect(decode(header)).toMatchObject({ path: 'tmp/', type: 'Directory', mode: 0o700, size: 0 })
  })
})

describe('the layout', () => {
  const entries: CacheEntry[] = [
    aFile('a', 1),
    aFile('b', 512),
    aFile('c', 0),
    aFile('d'.repeat(200), 513),
    { type: 'link', path: 'e', target: 'a' },
    { type: 'directory', path: 'f', mode: 0o755 },
  ]

  it('puts content behind headers, in whole blocks, and ends with two of zeros', () => {
    const { members, size } = layOutTar(entries)
    expect(members.map(({ start, dataStart }) => [start, dataStart])).toEqual([
      [0, 512],
      [1024, 1536],
      [2048, 2560],
      [2560, 4096],
      [5120, 5632],
      [5632, 6144],
    ])
    expect(size).toBe(6144 + 1024)
  })

  it('is two blocks of zeros for nothing', () => {
    const layout = layOutTar([])
    expect([...listPieces(layout, 0, layout.size)]).toEqual([{ type: 'zeros', position: 0, size: 1024 }])
  })

  it('does not depend on times and inodes, and does on names, modes, sizes and targets', () => {
    const { headersDigest } = layOutTar(entries)
    const digestWith = (...changed: CacheEntry[]) => layOutTar([...changed, ...entries.slice(1)]).headersDigest
    expect(digestWith({ ...aFile('a', 1), modifiedMs: 2, inode: 2 })).toBe(headersDigest)
    expect(digestWith(aFile('A', 1))).not.toBe(headersDigest)
    expect(digestWith(aFile('a', 2))).not.toBe(headersDigest)
    expect(digestWith({ ...aFile('a', 1), mode: 0o600 })).not.toBe(headersDigest)
    expect(digestWith({ type: 'link', path: 'a', target: 'b' })).not.toBe(headersDigest)
  })

  it('knows where everything lies beyond a file of many GiB', () => {
    const size = 20 * 2 ** 30 + 1
    const layout = layOutTar([aFile('large', size), aFile('small', 3)])
    const { dataStart = 0 } = layout.members[1] ?? {}
    expect(dataStart % 512).toBe(0)
    expect([...listPieces(layout, dataStart - 514, dataStart + 4)]).toMatchObject([
      { type: 'zeros', size: 2 },
      { type: 'header', entry: { path: 'small' }, from: 0, size: 512 },
      { type: 'data', entry: { path: 'small' }, from: 0, size: 3 },
      { type: 'zeros', size: 1 },
    ])
    expect([...listPieces(layout, size, size + 10)]).toMatchObject([{ type: 'data', from: size - 1536, size: 10 }])
  })

  it('gives the checksum of the whole from those of the files, if all are known', () => {
    const contents = new Map(
      entries.map(entry => [entry.path, entry.type === 'file' ? Buffer.alloc(entry.size, 7) : Buffer.alloc(0)]),
    )
    const content = (path: string) => contents.get(path) ?? Buffer.alloc(0)
    const layout = layOutTar(entries)
    const whole = Buffer.concat(
      [...listPieces(layout, 0, layout.size)].map(piece => {
        if (piece.type === 'zeros') return Buffer.alloc(piece.size)
        const bytes = piece.type === 'header' ? encodeHeader(piece.entry) : content(piece.entry.path)
        return bytes.subarray(piece.from, piece.from + piece.size)
      }),
    )
    expect(composeSum(layout, ({ path }) => crc32c(content(path)))).toBe(crc32c(whole))
    expect(composeSum(layout, ({ path }) => (path === 'b' ? undefined : 0))).toBeUndefined()
  })
})
