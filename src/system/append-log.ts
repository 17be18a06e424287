import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

import { errorCode } from './errors.ts'
import { translateFileError } from './files.ts'
import { parseJson } from './json.ts'

/** A file of lines that only grows, written in batches. */
export interface AppendLog {
  add(line: string): void
  /** Resolves when everything added so far is written. Those who wait together share one write (and one fsync). */
  flush(): Promise<void>
  /** Whether anything was written since it was opened. */
  isChanged(): boolean
  close(): Promise<void>
}

/**
 * @param wholeBytes of the file are whole lines; what a kill left after them is cut off before the first line is added.
 * @param sync a flush resolves when the lines are on the disk, not only on their way to it.
 * @throws from flush and close: NimctlError as `translateFileError` says.
 */
export function openAppendLog(path: string, { wholeBytes, sync }: { wholeBytes: number; sync: boolean }): AppendLog {
  let pending: string[] = []
  let file: FileHandle | undefined
  let flushing: Promise<void> | undefined
  let changed = false

  const write = async (): Promise<void> => {
    const lines = pending
    pending = []
    if (lines.length === 0) return
    try {
      if (file === undefined) {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        file = await open(path, 'a', 0o600)
        await file.truncate(wholeBytes)
      }
      changed = true
      await file.appendFile(lines.map(line => `${line}\n`).join(''))
      if (sync) await file.datasync()
    } catch (error) {
      throw translateFileError(error, path)
    }
  }
  const flush = async (): Promise<void> => {
    // What is being written now may not hold our line: wait for it, then write what has gathered meanwhile.
    await flushing?.catch(() => {})
    flushing ??= write().finally(() => (flushing = undefined))
    await flushing
  }
  return {
    add: line => pending.push(line),
    flush,
    isChanged: () => changed,
    async close() {
      await flush()
      await file?.close()
      file = undefined
    },
  }
}

/**
 * The values of a log's lines. A line that is no JSON was cut by a kill: it and all after it count as not written.
 *
 * @param parse `undefined` for what is no line of this log.
 */
export async function readLog<T>(
  path: string,
  parse: (value: unknown) => T | undefined,
): Promise<{ values: T[]; wholeBytes: number }> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return ''
    throw translateFileError(error, path)
  })
  const values: T[] = []
  let wholeBytes = 0
  for (const line of text.split('\n').slice(0, -1)) {
    const value = parse(parseJson(line))
    if (value === undefined) break
    values.push(value)
    wholeBytes += Buffer.byteLength(line) + 1
  }
  return { values, wholeBytes }
}
