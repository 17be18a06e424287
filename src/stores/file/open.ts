import { rmdirSync } from 'node:fs'
import { open, rm, rmdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

import { errorCode, errorMessage, NimctlError } from '../../system/errors.ts'
import { awaitedStream } from '../awaited-stream.ts'
import { checkBytes } from '../checksum.ts'
import type { Capabilities, Store, StoredObject } from '../store.ts'
import { type CopyFile, openCopying } from './copy.ts'
import { translated, type Access } from './errors.ts'
import { describeFile, openListing } from './list.ts'
import { openPaths, type Paths } from './paths.ts'
import type { FileSettings } from './settings.ts'
import { openFileUpload } from './upload.ts'
import { listOpenUploads, removeUpload } from './uploads.ts'
import { syncFolder, writeWhole } from './write.ts'

/** A file system keeps no checksums: we check what arrives, and afterwards only sizes can be told. */
const capabilities: Capabilities = {
  serverCopy: true,
  parallelParts: true,
  minPart: 1,
  maxPart: 1024 ** 3,
  maxParts: 1_000_000,
  maxPut: 1024 ** 3,
  listingProof: 'size',
  statProof: 'size',
  conditionalPut: true,
  sortedListing: true,
}

/** A directory as a store: the embedded default, and what mounted shares use. It is made by the first write. */
export function openFileStore(url: URL, settings: FileSettings = {}): Store {
  const paths = openPaths(rootOf(url), url)
  const run = <T>(access: Access, key: string, { signal }: { signal: AbortSignal }, action: () => Promise<T>) => {
    signal.throwIfAborted()
    return translated(access, join(paths.root, key), action)
  }
  const stored = async (key: string): Promise<StoredObject | undefined> =>
    await describeFile(paths, key, await paths.pathOf(key))
  const list = openListing(paths)
  const copyFile = openCopying(settings)

  return {
    url,
    capabilities: { ...capabilities },
    list: async (prefix, cursor, options) => await run('read', prefix, options, () => list(prefix, cursor, options)),
    stat: async (key, options) => await run('read', key, options, () => stored(key)),
    put: async (key, bytes, sums, options) =>
      await run('write', key, options, async () => {
        checkBytes(bytes, sums, join(paths.root, key))
        const write = (path: string) => writeFile(path, bytes, { flag: 'wx' })
        await writeWhole(paths, key, { ifAbsent: options.ifAbsent, write })
        return { key, size: bytes.length }
      }),
    openUpload: async (key, options) => await run('write', key, options, () => openFileUpload(paths, key, options)),
    listUploads: (prefix, { signal }) => listOpenUploads(paths, { prefix, signal }),
    abortUpload: async (saved, options) => await run('write', saved.key, options, () => removeUpload(paths, saved)),
    copy: async (from, to, options) => await run('write', to, options, () => copy(paths, { from, to, copyFile })),
    read: async (key, range, options) => await run('read', key, options, () => read(paths, key, { range, ...options })),
    remove: async (key, options) => await run('write', key, options, () => remove(paths, key)),
    identity: async () => `user ${userInfo().username}`,
    close: () => removeIfEmpty(paths.incomplete),
  }
}

function rootOf(url: URL): string {
  try {
    return resolve(fileURLToPath(url))
  } catch (error) {
    throw new NimctlError('usage', 'STORE_URL_INVALID', {
      what: `"${url.href}" names no directory on this machine.`,
      why: errorMessage(error),
      next: 'Write it with three slashes: file:///path/to/directory',
      cause: error,
    })
  }
}

async function copy(
  paths: Paths,
  { from, to, copyFile }: { from: string; to: string; copyFile: CopyFile },
): Promise<StoredObject> {
  const source = await existing(paths, from)
  await writeWhole(paths, to, { write: path => copyFile(source.path, path) })
  return { key: to, size: source.size }
}

async function read(
  paths: Paths,
  key: string,
  { range, signal }: { range: { start: number; end: number } | undefined; signal: AbortSignal },
): Promise<Readable> {
  const file = await open((await existing(paths, key)).path, 'r')
  return awaitedStream(file.createReadStream({ ...range, signal, highWaterMark: 1024 * 1024 }))
}

async function existing(paths: Paths, key: string): Promise<{ path: string; size: number }> {
  const path = await paths.pathOf(key)
  const found = await describeFile(paths, key, path)
  if (found !== undefined) return { path, size: found.size }
  throw new NimctlError('not-found', 'OBJECT_NOT_FOUND', { what: `There is no file ${path}.` })
}

/** Also the directories that held nothing else: in a store they don't exist. */
async function remove(paths: Paths, key: string): Promise<void> {
  const path = await paths.pathOf(key)
  let folder = dirname(path)
  try {
    await rm(path)
    for (; folder !== paths.root; folder = dirname(folder)) await rmdir(folder)
  } catch (error) {
    if (!leftAlone.has(errorCode(error) ?? '')) throw error
    if (notThere.has(errorCode(error) ?? '')) return
  }
  // An inventory that was withdrawn must not be there again after a power cut, beside files that have changed since.
  await syncFolder(folder)
}

const notThere = new Set(['ENOENT', 'ENOTDIR'])

/** Gone already, a directory, or a directory with more in it. */
const leftAlone = new Set(['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST', 'ERR_FS_EISDIR', 'EBUSY'])

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    if (!leftAlone.has(errorCode(error) ?? '')) throw error
  }
}
