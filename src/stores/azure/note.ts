import { crc32cToHex } from '../../system/hash.ts'
import type { Sums } from '../store.ts'

/** Lower-case letters and digits alone: everything else is told apart by case or sorted in ways of its own. */
export const noteElement = 'nimctlcrc32c'

const noteHeader = `x-ms-meta-${noteElement}`

/** Stand beside the object and come back with every listing. */
export function noteHeaders({ crc32c, blake3 }: Sums): Record<string, string> {
  return {
    [noteHeader]: crc32cToHex(crc32c),
    ...(blake3 !== undefined && { 'x-ms-meta-nimctlblake3': Buffer.from(blake3).toString('hex') }),
  }
}

export function noteOf(headers: Readonly<Record<string, string | string[] | undefined>>): { notedCrc32c?: number } {
  const text = headers[noteHeader]
  return fromNote(typeof text === 'string' ? text : undefined)
}

export function fromNote(text: string | undefined): { notedCrc32c?: number } {
  return text !== undefined && /^[0-9a-f]{8}$/.test(text) ? { notedCrc32c: Number.parseInt(text, 16) } : {}
}
