import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../../system/errors.ts'
import type { OpenUpload } from '../store.ts'
import { translated } from './errors.ts'
import { readPartLog } from './part-log.ts'
import { incompleteFolder, type Paths } from './paths.ts'

/** The file that holds the parts, and the log beside it that says which. */
export function bytesOf(paths: Paths, { id }: { id: string }): string {
  return join(paths.incomplete, `${id}.bytes`)
}

export function logOf(paths: Paths, { id }: { id: string }): string {
  return join(paths.incomplete, `${id}${logEnding}`)
}

const logEnding = '.parts'

/** The id becomes a file's name and comes from a journal that somebody may have changed. */
export function isUploadId(id: string): boolean {
  return /^[0-9a-f-]{36}$/.test(id)
}

export async function removeUpload(paths: Paths, saved: { id: string }): Promise<void> {
  if (!isUploadId(saved.id)) return
  await rm(bytesOf(paths, saved), { force: true })
  await rm(logOf(paths, saved), { force: true })
  await rm(join(paths.incomplete, saved.id), { force: true })
}

/** Also what a killed `put` or `copy` left, under its own name: nothing says which key it was to have. */
export async function* listOpenUploads(
  paths: Paths,
  { prefix, signal }: { prefix: string; signal: AbortSignal },
): AsyncGenerator<OpenUpload> {
  const names = await translated('read', paths.incomplete, () => namesIn(paths.incomplete))
  for (const name of names.toSorted()) {
    signal.throwIfAborted()
    const upload = await translated('read', paths.incomplete, () => describe(paths, name))
    if (upload?.key.startsWith(prefix) === true) yield upload
  }
}

/** `undefined` where it ended meanwhile, and for what tells nothing by itself. */
async function describe(paths: Paths, name: string): Promise<OpenUpload | undefined> {
  const inParts = name.endsWith(logEnding)
  const id = inParts ? name.slice(0, -logEnding.length) : name
  if (!isUploadId(id)) return undefined
  try {
    const path = join(paths.incomplete, name)
    const { birthtimeMs, mtimeMs } = await stat(path)
    const startedMs = Math.floor(birthtimeMs > 0 ? birthtimeMs : mtimeMs)
    const log = inParts ? await readPartLog(path) : undefined
    if (log === undefined) return { key: `${incompleteFolder}/${name}`, id, partSize: 0, startedMs }
    const { key, partSize } = log.header
    return { key, id, partSize: log.parts.length === 0 ? 0 : partSize, startedMs }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}
