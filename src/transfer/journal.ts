import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { FinishedPart, SavedUpload } from '../stores/store.ts'
import { errorCode } from '../system/errors.ts'

/** An upload that a former run left unfinished, and the parts that were acknowledged. */
interface UnfinishedUpload {
  saved: SavedUpload
  /** Identity of the file that the parts came from: a changed file starts over. */
  source: string
  parts: Map<number, FinishedPart>
}

/** What a killed run leaves. It saves work; whether it is true, the store is asked. No secret is in it. */
export interface Journal {
  unfinished(key: string): UnfinishedUpload | undefined
  /** CRC32C of objects that were put whole, for stores that have no checksum of their own. */
  readonly finished: ReadonlyMap<string, number>
  noteUpload(saved: SavedUpload, source: string): Promise<void>
  notePart(key: string, part: FinishedPart): Promise<void>
  noteObject(key: string, crc32c: number): Promise<void>
  /** Everything is done and proved: nothing is left to remember. */
  remove(): Promise<void>
}

type Line =
  | { event: 'upload'; saved: SavedUpload; source: string }
  | { event: 'part'; key: string; part: FinishedPart }
  | { event: 'object'; key: string; crc32c: number }

/** @param url without credentials: file names are seen by others. */
export function journalPath(stateDirectory: string, source: string, url: URL): string {
  const name = createHash('sha256').update(`${source}\0${url.protocol}//${url.host}${url.pathname}`).digest('hex')
  return join(stateDirectory, 'uploads', `${name.slice(0, 32)}.jsonl`)
}

export async function openJournal(path: string): Promise<Journal> {
  const uploads = new Map<string, UnfinishedUpload>()
  const finished = new Map<string, number>()
  for (const line of await readLines(path)) apply(line, { uploads, finished })
  let made: Promise<unknown> | undefined

  const note = async (line: Line): Promise<void> => {
    apply(line, { uploads, finished })
    await (made ??= mkdir(dirname(path), { recursive: true, mode: 0o700 }))
    await appendFile(path, `${JSON.stringify(line)}\n`, { mode: 0o600 })
  }
  return {
    unfinished: key => uploads.get(key),
    finished,
    noteUpload: (saved, source) => note({ event: 'upload', saved, source }),
    notePart: (key, part) => note({ event: 'part', key, part }),
    noteObject: (key, crc32c) => note({ event: 'object', key, crc32c }),
    remove: () => rm(path, { force: true }),
  }
}

function apply(
  line: Line,
  { uploads, finished }: { uploads: Map<string, UnfinishedUpload>; finished: Map<string, number> },
): void {
  if (line.event === 'upload') {
    uploads.set(line.saved.key, { saved: line.saved, source: line.source, parts: new Map() })
  } else if (line.event === 'part') {
    uploads.get(line.key)?.parts.set(line.part.number, line.part)
  } else {
    uploads.delete(line.key)
    finished.set(line.key, line.crc32c)
  }
}

/** A line that a kill cut in half, and all after it, count as not written. */
async function readLines(path: string): Promise<Line[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return ''
    throw error
  })
  const lines: Line[] = []
  for (const line of text.split('\n').filter(part => part !== '')) {
    const parsed = parseLine(line)
    if (parsed === undefined) break
    lines.push(parsed)
  }
  return lines
}

function parseLine(line: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isLine(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The file lies in this user's own state directory and was written by us: its shape is trusted, its wholeness is not. */
function isLine(value: unknown): value is Line {
  return (
    typeof value === 'object' &&
    value !== null &&
    'event' in value &&
    (value.event === 'upload' || value.event === 'part' || value.event === 'object')
  )
}
