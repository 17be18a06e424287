import { open, readFile, type FileHandle } from 'node:fs/promises'

import { parseJson } from '../../system/json.ts'
import type { FinishedPart } from '../store.ts'

/** What a file can't say of itself: which of its parts have been written. Lies beside the incomplete file. */
export interface PartLog {
  header: PartLogHeader
  parts: FinishedPart[]
}

export interface PartLogHeader {
  formatVersion: 1
  key: string
  size: number
  partSize: number
}

/** JSON Lines, the header first. A line is added when its part is on the disk. */
export async function createPartLog(path: string, header: PartLogHeader): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await appendLine(file, header)
  } finally {
    await file.close()
  }
}

export async function appendLine(file: FileHandle, line: PartLogHeader | FinishedPart): Promise<void> {
  await file.appendFile(`${JSON.stringify(line)}\n`)
  await file.datasync()
}

/** A last line that a kill cut off is left out. A part written twice counts as it was written last. */
export async function readPartLog(path: string): Promise<PartLog | undefined> {
  const [header, ...lines] = (await readFile(path, 'utf8')).split('\n').map(parseJson)
  if (!isHeader(header)) return undefined
  const parts = new Map(lines.filter(isPart).map(part => [part.number, part]))
  return { header, parts: [...parts.values()].toSorted((a, b) => a.number - b.number) }
}

function isHeader(line: unknown): line is PartLogHeader {
  return hasFields(line, ['size', 'partSize']) && 'formatVersion' in line && line.formatVersion === 1 && 'key' in line
}

function isPart(line: unknown): line is FinishedPart {
  return hasFields(line, ['number', 'size', 'crc32c'])
}

function hasFields(line: unknown, numbers: string[]): line is object {
  if (typeof line !== 'object' || line === null) return false
  const fields = new Map<string, unknown>(Object.entries(line))
  return numbers.every(name => typeof fields.get(name) === 'number')
}
