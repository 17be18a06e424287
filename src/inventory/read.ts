import { createHash } from 'node:crypto'

import { compareUtf8 } from '../system/utf8-order.ts'
import { invalidInventory, parseEntry, parseHeader } from './format.ts'
import type { Inventory, InventoryEntry, InventoryHeader } from './inventory.ts'

/** An inventory while it arrives: no more than a piece of it is in memory. */
export interface InventoryReader {
  header: InventoryHeader
  /**
   * In the order of their paths; to be read once, to the end: only then it is known that the inventory is whole.
   *
   * @throws NimctlError `check-failed` / `INVENTORY_INVALID`.
   */
  entries: AsyncIterable<InventoryEntry>
  /** `sha256:…` of all its bytes, when the entries have been read. */
  digest(): string
}

/**
 * @param bytes of the inventory, in pieces of any length. Whoever opened them closes them.
 * @param where the URL or file that they come from, for the error.
 * @throws NimctlError `check-failed` / `INVENTORY_INVALID` for anything that is no whole inventory, naming the line;
 *   `usage` / `INVENTORY_TOO_NEW` for a format of a later nimctl.
 */
export async function readInventory(bytes: AsyncIterable<Uint8Array>, where: string): Promise<InventoryReader> {
  const hash = createHash('sha256')
  const lines = splitLines(bytes, { where, onBytes: piece => hash.update(piece) })
  const first = await lines.next()
  const [headerLine = '', ...entryLines] = first.done === true ? [] : first.value
  const header = parseHeader(headerLine, { where, line: 1 })
  return {
    header,
    entries: readEntries(entryLines, lines, { header, where }),
    digest: () => `sha256:${hash.digest('hex')}`,
  }
}

/** All of an inventory: some 450 bytes of memory an entry. Who can, takes the entries as they come. */
export async function collectInventory({ header, entries }: InventoryReader): Promise<Inventory> {
  return { header, entries: await Array.fromAsync(entries) }
}

/** Reads an inventory to its end and keeps the header alone. */
export async function checkWhole(reader: InventoryReader): Promise<{ header: InventoryHeader; digest: string }> {
  for await (const _entry of reader.entries);
  return { header: reader.header, digest: reader.digest() }
}

async function* readEntries(
  first: readonly string[],
  rest: AsyncIterable<readonly string[]>,
  { header, where }: { header: InventoryHeader; where: string },
): AsyncGenerator<InventoryEntry> {
  let line = 1
  let files = 0
  let bytes = 0
  let last: string | undefined
  const parse = (text: string): InventoryEntry => {
    line += 1
    const entry = parseEntry(text, { where, line })
    if (last !== undefined && compareUtf8(last, entry.path) >= 0) {
      throw invalidInventory({ where, line }, `"${entry.path}" stands twice or out of order`)
    }
    last = entry.path
    if (entry.type !== 'directory') files += 1
    if (entry.type === 'file') bytes += entry.size
    return entry
  }
  for (const text of first) yield parse(text)
  for await (const texts of rest) for (const text of texts) yield parse(text)
  if (files === header.files && bytes === header.bytes) return
  const why = `the header counts ${header.files} files with ${header.bytes} bytes, and ${files} with ${bytes} follow`
  throw invalidInventory({ where, line: 1 }, why)
}

/** A header with thousands of profiles is far below it. Else what has no line ends would be gathered without end. */
const longestLine = 16 * 2 ** 20

const newline = 0x0a

/** As many whole lines at once as a piece completes, never none; text without a line end behind it is no line. */
async function* splitLines(
  bytes: AsyncIterable<Uint8Array>,
  { where, onBytes }: { where: string; onBytes: (piece: Uint8Array) => void },
): AsyncGenerator<string[]> {
  let begun: Uint8Array[] = []
  let begunLength = 0
  let line = 1
  for await (const piece of bytes) {
    onBytes(piece)
    const end = piece.lastIndexOf(newline)
    if (end >= 0) {
      const whole = Buffer.concat([...begun, piece.subarray(0, end)])
      const lines = whole.toString('utf8').split('\n')
      line += lines.length
      begun = []
      begunLength = 0
      yield lines
    }
    begun.push(piece.subarray(end + 1))
    begunLength += piece.length - end - 1
    if (begunLength > longestLine) throw invalidInventory({ where, line }, 'the line has no end')
  }
  if (begunLength > 0 || line === 1) throw invalidInventory({ where, line }, 'the last line is cut off')
}
