import { createHash } from 'node:crypto'

import type { CacheTree } from '../cache/cache-tree.ts'
import { archiveKey } from '../inventory/inventory.ts'
import { NimctlError } from '../system/errors.ts'
import { forAll } from '../system/for-all.ts'
import { crc32c } from '../system/hash.ts'
import { joinRangeSums } from './range-sums.ts'
import type { FileEntry, OpenFile, Source } from './source.ts'
import { composeSum, encodeHeader, layOutTar, listPieces, type TarLayout, type TarPiece } from './tar-layout.ts'
import { sourceOf } from './wanted.ts'

/** Files read at once for their checksums. */
const readers = 8

/** Small enough to stay in the processor's cache between reading and summing. */
const chunkSize = 1024 * 1024

/**
 * All files of a source as one tar archive, which is never written anywhere: a range of it is made of headers and of
 * ranges of the files. So parts, resuming and checksums are those of one large file. The files' own checksums come by
 * the way.
 *
 * @throws NimctlError `local` / `LINK_BROKEN`.
 */
export function openTarSource(source: Source): Source {
  const { tree } = source
  checkLinks(tree)
  const layout = layOutTar(tree.entries)
  const sums = openContentSums(source, layout)
  const offsets = new Map(layout.members.map(({ entry, dataStart }) => [entry.path, dataStart]))
  const file = { type: 'file' as const, path: archiveKey, size: layout.size, mode: 0o644, modifiedMs: 0, inode: 0 }
  const opened = openArchive(source, layout, sums)
  const identity = identityOf(source, layout)
  let sent: number | undefined
  return {
    tree,
    archive: {
      file,
      offsetOf: path => offsets.get(path) ?? 0,
      async readSums(signal) {
        const known = await sums.readAll(signal)
        if (sent !== undefined && sent !== sums.compose()) throw changedMeanwhile(tree.root)
        return known
      },
    },
    sumOf: () => sums.compose(),
    noteSum(_archive, sum) {
      sent = sum
    },
    async hash(_archive, signal) {
      await sums.readAll(signal)
      return sums.compose() ?? 0
    },
    open: async () => opened,
    readWhole: (_archive, bytes, options) => opened.read(bytes, 0, options),
    identityOf: () => identity,
    close: () => source.close(),
  }
}

/** Readers would unpack them, and what they lead to would be missing. */
function checkLinks({ root, entries }: CacheTree): void {
  const files = new Map(entries.filter(entry => entry.type === 'file').map(file => [file.path, file]))
  for (const entry of entries) if (entry.type === 'link') sourceOf(entry, { files, root })
}

function identityOf(source: Source, { members, size, headersDigest }: TarLayout): string {
  const hash = createHash('sha256').update(headersDigest)
  for (const { entry } of members) if (entry.type === 'file') hash.update(`${source.identityOf(entry)}\0`)
  return `${size} ${hash.digest('hex')} ${archiveKey}`
}

/** Every file that is read is compared with what was scanned, each time: no content is a mixture. */
function openArchive(source: Source, layout: TarLayout, sums: ContentSums): OpenFile {
  return {
    async read(bytes, position, { signal }) {
      for (const piece of listPieces(layout, position, position + bytes.length)) {
        const place = bytes.subarray(piece.position - position, piece.position - position + piece.size)
        if (piece.type === 'zeros') place.fill(0)
        else if (piece.type === 'header')
          place.set(encodeHeader(piece.entry).subarray(piece.from, piece.from + piece.size))
        else {
          await readUnchanged(source, piece.entry, { bytes: place, position: piece.from, signal })
          sums.note(piece, crc32c(place))
        }
      }
    },
    noteSent(position, size, sum) {
      const [piece] = listPieces(layout, position, position + size)
      if (piece?.type === 'data' && piece.size === size) sums.note(piece, sum)
    },
    checkUnchanged: async () => {},
    close: async () => {},
  }
}

async function readUnchanged(
  source: Source,
  file: FileEntry,
  { bytes, position, signal }: { bytes: Uint8Array; position: number; signal: AbortSignal },
): Promise<void> {
  if (bytes.length === file.size) return await source.readWhole(file, bytes, { signal })
  const opened = await source.open(file)
  try {
    await opened.read(bytes, position, { signal })
    await opened.checkUnchanged()
  } finally {
    await opened.close()
  }
}

/** The checksums of the files in an archive, as their ranges pass by. */
interface ContentSums {
  note(range: TarPiece & { type: 'data' }, sum: number): void
  /** Reads what did not pass by: what a former run sent has gaps at the borders of its parts. */
  readAll(signal: AbortSignal): Promise<ReadonlyMap<string, number>>
  /** Of the whole archive, where all are known. */
  compose(): number | undefined
}

function openContentSums(source: Source, layout: TarLayout): ContentSums {
  const files = layout.members.flatMap(({ entry }) => (entry.type === 'file' ? [entry] : []))
  const ranges = new Map<string, Map<number, { size: number; crc32c: number }>>()

  const readSum = async (file: FileEntry, signal: AbortSignal): Promise<number> => {
    const passed = ranges.get(file.path)
    const known = passed === undefined ? source.sumOf(file) : undefined
    if (known !== undefined) return known
    const readGap = (start: number, end: number) => sumRange(source, file, { start, end, signal })
    const sum = await (passed === undefined ? source.hash(file, signal) : joinRangeSums(passed, file.size, readGap))
    source.noteSum(file, sum)
    ranges.delete(file.path)
    return sum
  }
  return {
    note({ entry, from, size }, sum) {
      if (size === entry.size) return source.noteSum(entry, sum)
      const known = ranges.get(entry.path) ?? new Map<number, { size: number; crc32c: number }>()
      ranges.set(entry.path, known.set(from, { size, crc32c: sum }))
    },
    async readAll(signal) {
      const sums = await forAll(files, (file, stop) => readSum(file, stop), { concurrency: readers, signal })
      return new Map(files.map(({ path }, index) => [path, sums[index] ?? 0]))
    },
    compose: () => composeSum(layout, file => source.sumOf(file)),
  }
}

async function sumRange(
  source: Source,
  file: FileEntry,
  { start, end, signal }: { start: number; end: number; signal: AbortSignal },
): Promise<number> {
  const buffer = Buffer.allocUnsafe(Math.min(chunkSize, end - start))
  let sum = 0
  for (let position = start; position < end; position += buffer.length) {
    const bytes = buffer.subarray(0, Math.min(buffer.length, end - position))
    await readUnchanged(source, file, { bytes, position, signal })
    sum = crc32c(bytes, sum)
  }
  return sum
}

/** The archive that was sent does not follow from the files' checksums. */
function changedMeanwhile(root: string): NimctlError {
  return new NimctlError('local', 'SOURCE_CHANGED', {
    what: `A file in ${root} changed while it was uploaded.`,
    why: "The archive's checksum does not follow from those of the files in it.",
    next: 'Wait until nothing writes to it any more, then run the same command again.',
  })
}
