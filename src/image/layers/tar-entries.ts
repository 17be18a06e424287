import { Header } from 'tar/header'
import { Pax } from 'tar/pax'

import type { ByteReader } from './byte-reader.ts'

export interface TarEntry {
  /** As in a relative path: no slash in front, none behind, no `.` and `..`. */
  path: string
  type: 'file' | 'link' | 'hard-link' | 'directory' | 'other'
  /** What a link leads to, as it is written. */
  target: string
  /** Where its content begins in the archive, in bytes. */
  start: number
  /** Bytes. */
  size: number
  /** The content, of files alone, and before the next entry is asked for. */
  read(): Promise<Buffer>
}

const blockSize = 512
/** Extended headers hold names; longer ones no file system takes. */
const longestMeta = 1024 * 1024

interface Extended {
  path?: string
  linkpath?: string
  size?: number
}

/**
 * The entries of a tar archive in their order: ustar, pax and GNU. Names that lead out of the archive's top are left out.
 * What is not read of a content is passed over.
 *
 * @throws TarDamaged
 */
export async function* tarEntries(reader: ByteReader): AsyncGenerator<TarEntry> {
  let forNext: Extended | undefined
  let forAll: Extended | undefined
  for (let position = 0; ;) {
    const block = await reader.read(blockSize)
    if (block.length === 0) return
    if (block.length < blockSize) throw new TarDamaged('It ends within a header.')
    const header = new Header(block, 0, forNext, forAll)
    if (header.nullBlock) return
    if (!header.cksumValid) throw new TarDamaged('The checksum of a header is wrong.')
    const { type } = header
    const size = hasNoContent.has(type) ? 0 : (header.size ?? 0)
    const start = position + blockSize
    position = start + size + padding(size)
    const meta = readMeta[type]
    if (meta !== undefined) {
      if (size > longestMeta) throw new TarDamaged('A name in it is too long.')
      const text = await reader.read(size)
      await pass(reader, size - text.length + padding(size))
      if (type === 'GlobalExtendedHeader') forAll = meta(text.toString('utf8'), forAll)
      else forNext = meta(text.toString('utf8'), forNext)
      continue
    }
    forNext = undefined
    let left = size
    const path = normalise(header.path ?? '')
    if (path !== undefined) {
      yield {
        path,
        type: kinds[type] ?? 'other',
        target: header.linkpath ?? '',
        start,
        size,
        async read() {
          const content = await reader.read(left)
          if (content.length < left) throw new TarDamaged('It ends within a file.')
          left = 0
          return content
        },
      }
    }
    await pass(reader, left + padding(size))
  }
}

/** The archive is not what it should be; whoever reads it says which one it is. */
export class TarDamaged extends Error {
  override readonly name = 'TarDamaged'
}

const kinds: Partial<Record<Header['type'], TarEntry['type']>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Link: 'hard-link',
  SymbolicLink: 'link',
  Directory: 'directory',
  GNUDumpDir: 'directory',
}

/** Whatever their header says of a size. */
const hasNoContent = new Set<Header['type']>([
  'Link',
  'SymbolicLink',
  'CharacterDevice',
  'BlockDevice',
  'Directory',
  'FIFO',
])

type ReadMeta = (text: string, before: Extended | undefined) => Extended

const untilZero = (text: string) => text.replace(/\0.*$/s, '')
const readPath: ReadMeta = (text, before) => ({ ...before, path: untilZero(text) })
const readLinkPath: ReadMeta = (text, before) => ({ ...before, linkpath: untilZero(text) })
const readPax: ReadMeta = (text, before) => {
  const { path, linkpath, size } = Pax.parse(text)
  return {
    ...before,
    ...(path !== undefined && { path }),
    ...(linkpath !== undefined && { linkpath }),
    ...(size !== undefined && { size }),
  }
}

const readMeta: Partial<Record<Header['type'], ReadMeta>> = {
  ExtendedHeader: readPax,
  OldExtendedHeader: readPax,
  GlobalExtendedHeader: readPax,
  NextFileHasLongPath: readPath,
  OldGnuLongPath: readPath,
  NextFileHasLongLinkpath: readLinkPath,
}

function padding(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize
}

async function pass(reader: ByteReader, length: number): Promise<void> {
  if ((await reader.skip(length)) < length) throw new TarDamaged('It ends within a file.')
}

function normalise(path: string): string | undefined {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  return parts.length === 0 || parts.includes('..') ? undefined : parts.join('/')
}
