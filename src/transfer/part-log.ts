import { openAppendLog, readLog } from '../system/append-log.ts'

/** Parts of files that a run has written to the disk, for the next one. Their bytes are checked again before they count. */
export interface PartLog {
  /** CRC32C by the part's number. */
  of(file: string): ReadonlyMap<number, number>
  /** Resolves when it is written: a killed run loses no more than the ranges in flight. */
  add(file: string, number: number, crc32c: number): Promise<void>
  close(): Promise<void>
}

interface Line {
  file: string
  number: number
  crc32c: number
}

export async function openPartLog(path: string): Promise<PartLog> {
  const { values, wholeBytes } = await readLog(path, parseLine)
  const known = new Map<string, Map<number, number>>()
  const none: ReadonlyMap<number, number> = new Map()
  const keep = ({ file, number, crc32c }: Line): void => {
    const parts = known.get(file) ?? new Map<number, number>()
    known.set(file, parts.set(number, crc32c))
  }
  for (const line of values) keep(line)
  const log = openAppendLog(path, { wholeBytes, sync: false })
  return {
    of: file => known.get(file) ?? none,
    async add(file, number, crc32c) {
      log.add(JSON.stringify({ file, number, crc32c }))
      await log.flush()
    },
    close: () => log.close(),
  }
}

function parseLine(value: unknown): Line | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (!('file' in value) || !('number' in value) || !('crc32c' in value)) return undefined
  const { file, number, crc32c } = value
  if (typeof file !== 'string' || typeof number !== 'number' || typeof crc32c !== 'number') return undefined
  return { file, number, crc32c }
}
