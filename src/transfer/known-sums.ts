import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { CacheEntry } from '../cache/cache-tree.ts'
import { ownFolder } from '../inventory/inventory.ts'
import { errorCode } from '../system/errors.ts'

type FileEntry = CacheEntry & { type: 'file' }

/** CRC32C of files, remembered between runs; a file whose size, time or inode changed is unknown again. */
export interface KnownSums {
  get(file: FileEntry): number | undefined
  /** Kept at once, so that a killed run has not read for nothing. */
  add(file: FileEntry, crc32c: number): Promise<void>
}

/** Kept in `ROOT/.nimctl/`; of a cache that is read-only, in the state directory. */
export async function openKnownSums(root: string, stateDirectory: string): Promise<KnownSums> {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 32)
  const ofState = join(stateDirectory, 'sums', `${name}.jsonl`)
  const places = [join(root, ownFolder, 'sums.jsonl'), ofState]
  const sums = new Map<string, number>()
  for (const place of places) await load(place, sums)
  let writable = [...places]

  return {
    get: file => sums.get(identity(file)),
    async add(file, crc32c) {
      if (sums.get(identity(file)) === crc32c) return
      sums.set(identity(file), crc32c)
      const line = `${JSON.stringify({ file: identity(file), crc32c })}\n`
      while (writable[0] !== undefined) {
        const place = writable[0]
        try {
          const own = place === ofState
          await mkdir(dirname(place), { recursive: true, ...(own && { mode: 0o700 }) })
          await appendFile(place, line, own ? { mode: 0o600 } : {})
          return
        } catch (error) {
          // They only save work: a place that refuses is left for the next one.
          if (errorCode(error) === undefined) throw error
          writable = writable.filter(other => other !== place)
        }
      }
    },
  }
}

function identity({ path, size, modifiedMs, inode }: FileEntry): string {
  return `${size} ${modifiedMs} ${inode} ${path}`
}

async function load(place: string, sums: Map<string, number>): Promise<void> {
  const text = await readFile(place, 'utf8').catch((error: unknown) => {
    if (errorCode(error) !== undefined) return ''
    throw error
  })
  for (const line of text.split('\n')) {
    const known = parseLine(line)
    if (known !== undefined) sums.set(known.file, known.crc32c)
  }
}

/** A kill may have cut the last line. */
function parseLine(line: string): { file: string; crc32c: number } | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('file' in value) || !('crc32c' in value)) return undefined
    const { file, crc32c } = value
    return typeof file === 'string' && typeof crc32c === 'number' ? { file, crc32c } : undefined
  } catch {
    return undefined
  }
}
