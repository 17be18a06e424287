import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { errorCode } from '../../system/errors.ts'
import type { OpenUpload } from '../store.ts'
import { translated } from './errors.ts'
import { readPartLog } from './part-log.ts'
import type { Paths } from './paths.ts'

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
}

export async function* listOpenUploads(
  paths: Paths,
  { prefix, signal }: { prefix: string; signal: AbortSignal },
): AsyncGenerator<OpenUpload> {
  const names = await translated('read', paths.incomplete, () => namesIn(paths.incomplete))
  for (const name of names.filter(each => each.endsWith(logEnding)).toSorted()) {
    signal.throwIfAborted()
    const upload = await translated('read', paths.incomplete, () => describe(paths, name.slice(0, -logEnding.length)))
    if (upload?.key.startsWith(prefix) === true) yield upload
  }
}

/** `undefined` where it ended meanwhile, or its log has lost its beginning. */
async function describe(paths: Paths, id: string): Promise<OpenUpload | undefined> {
  if (!isUploadId(id)) return undefined
  try {
    const path = logOf(paths, { id })
    const log = await readPartLog(path)
    if (log === undefined) return undefined
    const { birthtimeMs, mtimeMs } = await stat(path)
    const { key, partSize } = log.header
    const startedMs = Math.floor(birthtimeMs > 0 ? birthtimeMs : mtimeMs)
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
