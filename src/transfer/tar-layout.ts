import { createHash } from 'node:crypto'

import { Header } from 'tar/header'
import { Pax } from 'tar/pax'

import type { CacheEntry } from '../cache/cache-tree.ts'
import { combineCrc32c, crc32c } from '../system/hash.ts'

type FileEntry = CacheEntry & { type: 'file' }

const blockSize = 512
/** POSIX ends an archive with two blocks of zeros. */
const endSize = 2 * blockSize
const zeros = Buffer.alloc(endSize)

interface TarMember {
  entry: CacheEntry
  /** Where its header begins in the archive, in bytes. */
  start: number
  /** Where its content begins. */
  dataStart: number
}

/** Where everything lies in an archive. Headers are made again where they are read: a million of them stay small. */
export interface TarLayout {
  members: readonly TarMember[]
  /** Bytes. */
  size: number
  /** Of all headers: another one where another version encodes them in another way. */
  headersDigest: string
}

/**
 * Lays out a tree as a tar archive: POSIX pax format, owner 0:0, time 0. The same names, modes, links and sizes give the
 * same archive wherever the files lie, so that a resumed upload goes on with identical parts. Pure.
 */
export function layOutTar(entries: readonly CacheEntry[]): TarLayout {
  const headers = createHash('sha256')
  let size = 0
  const members = entries.map((entry): TarMember => {
    const header = encodeHeader(entry)
    headers.update(header)
    const start = size
    const dataStart = start + header.length
    size = dataStart + dataSize(entry) + paddingOf(entry)
    return { entry, start, dataStart }
  })
  return { members, size: size + endSize, headersDigest: headers.digest('hex') }
}

/** A header block; before it an extended one where name, target or size don't fit. */
export function encodeHeader(entry: CacheEntry): Buffer {
  const name = {
    path: entry.type === 'directory' ? `${entry.path}/` : entry.path,
    size: dataSize(entry),
    ...(entry.type === 'link' && { linkpath: entry.target }),
  }
  const block = Buffer.alloc(blockSize)
  const header = new Header({
    ...name,
    type: memberTypes[entry.type],
    mode: entry.type === 'link' ? 0o777 : entry.mode,
    uid: 0,
    gid: 0,
    mtime: new Date(0),
  })
  return header.encode(block) ? Buffer.concat([new Pax(name).encode(), block]) : block
}

const memberTypes = { file: 'File', link: 'SymbolicLink', directory: 'Directory' } as const

/** A stretch of an archive that comes from one place. */
export type TarPiece = {
  /** Where it begins in the archive. */
  position: number
  size: number
} & (
  | { type: 'header'; entry: CacheEntry; /** Where it begins in the header. */ from: number }
  | { type: 'data'; entry: FileEntry; /** Where it begins in the file. */ from: number }
  | { type: 'zeros' }
)

/** What lies between two positions, without gaps, in order. */
export function* listPieces(layout: TarLayout, start: number, end: number): Generator<TarPiece> {
  const { members, size } = layout
  let index = memberAt(members, start)
  for (let position = start; position < end;) {
    const member = members[index]
    const memberEnd = members[index + 1]?.start ?? size
    const piece =
      member === undefined
        ? { position, size: memberEnd - position, type: 'zeros' as const }
        : pieceAt(member, position, memberEnd)
    const fitting = Math.min(piece.size, end - position)
    yield { ...piece, size: fitting }
    position += fitting
    if (position === memberEnd) index += 1
  }
}

function pieceAt({ entry, start, dataStart }: TarMember, position: number, memberEnd: number): TarPiece {
  if (position < dataStart) {
    return { type: 'header', position, size: dataStart - position, entry, from: position - start }
  }
  const dataEnd = dataStart + dataSize(entry)
  if (entry.type === 'file' && position < dataEnd) {
    return { type: 'data', position, size: dataEnd - position, entry, from: position - dataStart }
  }
  return { type: 'zeros', position, size: memberEnd - position }
}

/** The last member that begins at or before a position. */
function memberAt(members: readonly TarMember[], position: number): number {
  let low = 0
  let high = members.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((members[middle]?.start ?? 0) <= position) low = middle
    else high = middle - 1
  }
  return low
}

/** The CRC32C of the archive, from those of the files; `undefined` where one of them is not known. */
export function composeSum({ members }: TarLayout, sumOf: (file: FileEntry) => number | undefined): number | undefined {
  let sum = 0
  for (const { entry } of members) {
    sum = crc32c(encodeHeader(entry), sum)
    if (entry.type !== 'file') continue
    const content = sumOf(entry)
    if (content === undefined) return undefined
    sum = crc32c(zeros.subarray(0, paddingOf(entry)), combineCrc32c(sum, content, entry.size))
  }
  return crc32c(zeros, sum)
}

function dataSize(entry: CacheEntry): number {
  return entry.type === 'file' ? entry.size : 0
}

function paddingOf(entry: CacheEntry): number {
  return (blockSize - (dataSize(entry) % blockSize)) % blockSize
}
