import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { FinishedPart, SavedUpload } from '../stores/store.ts'
import { openAppendLog, readLog } from '../system/append-log.ts'
import { writeFileAtomically } from '../system/files.ts'

/** An upload that a former run left unfinished, and the parts that were acknowledged. */
interface UnfinishedUpload {
  saved: SavedUpload
  /** Identity of the file that the parts came from: a changed file starts over. */
  source: string
  parts: Map<number, FinishedPart>
}

/** An object that a run put there whole, as the store answered. */
export interface RecordedObject {
  crc32c: number
  /** Bytes. */
  size: number
  etag?: string
}

/**
 * What a run knows of a destination, for the next one: after a kill the parts that need not be sent again, after the
 * end the objects that need not be asked for again. It saves work; whether it is true, the store is asked.
 * No credentials are in it; but an upload's id may permit whoever has it to write that object.
 */
export interface Journal {
  unfinished(key: string): UnfinishedUpload | undefined
  allUnfinished(): SavedUpload[]
  readonly objects: ReadonlyMap<string, RecordedObject>
  /** Resolves when it is on the disk: then a part counts as finished. */
  noteUpload(saved: SavedUpload, source: string): Promise<void>
  notePart(key: string, part: FinishedPart): Promise<void>
  /** On the disk with the next part, the next flush, or at the end. */
  noteObject(key: string, object: RecordedObject): void
  forgetObject(key: string): void
  /** Resolves when all that was noted is on the disk. Those who wait together share the time it takes. */
  flush(): Promise<void>
  /** The upload is gone, or holds what it should not. */
  forgetUpload(key: string): void
  /** Everything is done and proved: only what is worth knowing next time is kept. */
  finish(): Promise<void>
  close(): Promise<void>
}

type Line =
  | { event: 'upload'; saved: SavedUpload; source: string }
  | { event: 'part'; key: string; part: FinishedPart }
  | { event: 'object'; key: string; object: RecordedObject }
  | { event: 'gone'; key: string }

interface State {
  uploads: Map<string, UnfinishedUpload>
  objects: Map<string, RecordedObject>
}

/** @param url without credentials: file names are seen by others. */
export function journalPath(stateDirectory: string, source: string, url: URL): string {
  const name = createHash('sha256').update(`${source}\0${url.protocol}//${url.host}${url.pathname}`).digest('hex')
  return join(stateDirectory, 'uploads', `${name.slice(0, 32)}.jsonl`)
}

export async function openJournal(path: string): Promise<Journal> {
  const state: State = { uploads: new Map(), objects: new Map() }
  const { values: lines, wholeBytes } = await readLog(path, value => (isLine(value) ? value : undefined))
  for (const line of lines) apply(line, state)
  const readLines = lines.length
  const log = openAppendLog(path, { wholeBytes, sync: true })
  const note = (line: Line): void => {
    apply(line, state)
    log.add(JSON.stringify(line))
  }
  return {
    unfinished: key => state.uploads.get(key),
    allUnfinished: () => [...state.uploads.values()].map(({ saved }) => saved),
    objects: state.objects,
    async noteUpload(saved, source) {
      note({ event: 'upload', saved, source })
      await log.flush()
    },
    async notePart(key, part) {
      note({ event: 'part', key, part })
      await log.flush()
    },
    noteObject: (key, object) => note({ event: 'object', key, object }),
    forgetObject(key) {
      if (state.objects.has(key)) note({ event: 'gone', key })
    },
    flush: () => log.flush(),
    forgetUpload: key => note({ event: 'gone', key }),
    async finish() {
      await log.close()
      const kept = [...state.objects].map(([key, object]) => JSON.stringify({ event: 'object', key, object }))
      if (!log.isChanged() && kept.length === readLines) return
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await writeFileAtomically(path, kept.map(line => `${line}\n`).join(''), { mode: 0o600 })
    },
    close: () => log.close(),
  }
}

function apply(line: Line, { uploads, objects }: State): void {
  if (line.event === 'upload') {
    uploads.set(line.saved.key, { saved: line.saved, source: line.source, parts: new Map() })
    // It is going to be replaced.
    objects.delete(line.saved.key)
  } else if (line.event === 'part') {
    uploads.get(line.key)?.parts.set(line.part.number, line.part)
  } else if (line.event === 'object') {
    uploads.delete(line.key)
    objects.set(line.key, line.object)
  } else {
    uploads.delete(line.key)
    objects.delete(line.key)
  }
}

/** The file lies in this user's own state directory and was written by us: its shape is trusted, its wholeness is not. */
function isLine(value: unknown): value is Line {
  return (
    typeof value === 'object' &&
    value !== null &&
    'event' in value &&
    ['upload', 'part', 'object', 'gone'].some(event => event === value.event)
  )
}
