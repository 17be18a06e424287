import { randomUUID } from 'node:crypto'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { translateFileError } from './files.ts'

/** Puts any number of records in order: in memory while they are few, else in sorted runs in a temporary file. */
export interface Sorter<T> {
  /** Gives a promise, to be awaited, when memory is full and has to be written first. */
  add(record: T): Promise<void> | undefined
  /** All of them, equal ones in the order in which they were added. Can be read again; nothing is added any more. */
  read(): AsyncGenerator<T>
  /** Forgets them and ends the temporary file. What is added then begins anew. */
  clear(): Promise<void>
}

/** Characters of JSON that are held before they are written: with the records themselves some 10 MiB. */
const usualMemory = 2 * 2 ** 20

/**
 * @param compare as for `Array.sort`.
 * @param options.memory characters of the records' JSON that are held.
 * @throws from add and read: NimctlError as `translateFileError` says.
 */
export function openSorter<T>(
  compare: (a: T, b: T) => number,
  { memory = usualMemory }: { memory?: number } = {},
): Sorter<T> {
  let held: { record: T; line: string }[] = []
  let heldLength = 0
  let file: TemporaryFile | undefined
  let runs: Extent[] = []

  const sortHeld = () => held.sort((a, b) => compare(a.record, b.record))
  const writeRun = async (): Promise<void> => {
    file ??= await openTemporaryFile()
    const start = file.size()
    for (const text of joinLines(sortHeld())) await file.append(Buffer.from(text))
    runs.push({ position: start, end: file.size() })
    held = []
    heldLength = 0
  }
  return {
    add(record) {
      const line = JSON.stringify(record)
      held.push({ record, line })
      heldLength += line.length
      return heldLength < memory ? undefined : writeRun()
    },
    async *read() {
      if (file === undefined) {
        for (const { record } of sortHeld()) yield record
        return
      }
      if (held.length > 0) await writeRun()
      yield* mergeRuns(file, runs, compare)
    },
    async clear() {
      held = []
      heldLength = 0
      runs = []
      await file?.close()
      file = undefined
    },
  }
}

/** Bytes of a file; the end is not among them. */
interface Extent {
  position: number
  end: number
}

interface TemporaryFile {
  size(): number
  append(bytes: Uint8Array): Promise<void>
  /** At most so many bytes as fit. */
  read(bytes: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** Nobody else can read it, and it has no name any more: it is gone when the process is, whatever ends that. */
async function openTemporaryFile(): Promise<TemporaryFile> {
  const path = join(tmpdir(), `nimctl-${randomUUID()}`)
  const translated = async <R>(action: () => Promise<R>): Promise<R> => {
    try {
      return await action()
    } catch (error) {
      throw translateFileError(error, path)
    }
  }
  const file = await translated(() => openUnnamed(path))
  let size = 0
  return {
    size: () => size,
    append: bytes =>
      translated(async () => {
        await file.writeFile(bytes)
        size += bytes.length
      }),
    read: (bytes, position) => translated(async () => (await file.read(bytes, 0, bytes.length, position)).bytesRead),
    close: () => file.close(),
  }
}

async function openUnnamed(path: string): Promise<FileHandle> {
  const file = await open(path, 'wx+', 0o600)
  try {
    await unlink(path)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

const writeLength = 256 * 1024

function* joinLines(lines: readonly { line: string }[]): Generator<string> {
  let text = ''
  for (const { line } of lines) {
    text += `${line}\n`
    if (text.length < writeLength) continue
    yield text
    text = ''
  }
  if (text !== '') yield text
}

/** The first of a run's records that were not given yet. */
interface Head<T> {
  run: number
  batch: T[]
  /** Of the batch's records. */
  next: number
  rest: Extent
  /** Bytes of the next read. */
  readLength: number
}

/** Heads stand with the least one last, so that it is taken and put back without moving the others. */
async function* mergeRuns<T>(
  file: TemporaryFile,
  runs: readonly Extent[],
  compare: (a: T, b: T) => number,
): AsyncGenerator<T> {
  const heads: Head<T>[] = []
  const readLength = Math.max(shortestRead, Math.min(longestRead, Math.floor(mergeMemory / runs.length)))
  for (const [run, rest] of runs.entries()) {
    const head: Head<T> = { run, batch: [], next: 0, rest, readLength }
    if (await refill(head, file)) insert(heads, head, compare)
  }
  for (let head = heads.pop(); head !== undefined; head = heads.pop()) {
    yield recordOf(head)
    head.next += 1
    if (head.next < head.batch.length || (await refill(head, file))) insert(heads, head, compare)
  }
}

function insert<T>(heads: Head<T>[], head: Head<T>, compare: (a: T, b: T) => number): void {
  let low = 0
  let high = heads.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = heads[middle]
    if (other !== undefined && isBefore(head, other, compare)) low = middle + 1
    else high = middle
  }
  heads.splice(low, 0, head)
}

/** Of equal records, the one of the earlier run was added first. */
function isBefore<T>(head: Head<T>, other: Head<T>, compare: (a: T, b: T) => number): boolean {
  return (compare(recordOf(head), recordOf(other)) || head.run - other.run) < 0
}

function recordOf<T>({ batch, next }: Head<T>): T {
  const record = batch[next]
  if (record === undefined) throw new Error('A sorted run has no further record.')
  return record
}

/** Bytes that are read of all runs together, and of one at most and at least: many runs are read in smaller pieces. */
const mergeMemory = 2 * 2 ** 20
const longestRead = 32 * 1024
const shortestRead = 4 * 1024

async function refill<T>(head: Head<T>, file: TemporaryFile): Promise<boolean> {
  const { position, end } = head.rest
  if (position === end) return false
  let buffer = Buffer.allocUnsafe(0)
  let lineEnd = -1
  // A record that is longer than what is read at once takes more.
  for (let length = head.readLength; lineEnd < 0; length *= 2) {
    buffer = Buffer.allocUnsafe(Math.min(length, end - position))
    const bytesRead = await file.read(buffer, position)
    lineEnd = buffer.subarray(0, bytesRead).lastIndexOf('\n')
    if (lineEnd < 0 && length >= end - position) throw new Error('A sorted run has no line end.')
  }
  const lines = buffer.toString('utf8', 0, lineEnd).split('\n')
  head.batch = lines.map(line => JSON.parse(line))
  head.next = 0
  head.rest = { position: position + lineEnd + 1, end }
  return true
}
