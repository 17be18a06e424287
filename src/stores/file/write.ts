import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { errorCode, NimctlError } from '../../system/errors.ts'
import type { Paths } from './paths.ts'

/**
 * Writes an object beside the others and moves it into place when it is whole and on the disk, so that an object is
 * either absent or complete, also after a kill.
 *
 * @param write fills the (new, empty) file at the path that it gets.
 * @throws NimctlError `check-failed` / `STORE_KEY_EXISTS` with `ifAbsent` when the key is taken.
 */
export async function writeWhole(
  paths: Paths,
  key: string,
  { ifAbsent = false, write }: { ifAbsent?: boolean | undefined; write: (path: string) => Promise<void> },
): Promise<void> {
  const destination = await paths.pathOf(key)
  const incomplete = join(paths.incomplete, randomUUID())
  try {
    await makeAgainIfGone(paths.incomplete, () => write(incomplete))
    await syncToDisk(incomplete)
    await moveIntoPlace(incomplete, destination, { ifAbsent, key })
  } finally {
    await rm(incomplete, { force: true })
  }
}

export async function moveIntoPlace(
  from: string,
  destination: string,
  { ifAbsent, key }: { ifAbsent: boolean; key: string },
): Promise<void> {
  const folder = dirname(destination)
  await makeAgainIfGone(folder, () => (ifAbsent ? linkIfAbsent(from, destination, key) : rename(from, destination)))
  await syncFolder(folder)
}

/** link(2) fails atomically where rename(2) would replace. */
async function linkIfAbsent(from: string, destination: string, key: string): Promise<void> {
  try {
    await link(from, destination)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    throw new NimctlError('check-failed', 'STORE_KEY_EXISTS', {
      what: `${destination} exists already.`,
      why: `${key} was to be created only if it is absent.`,
      cause: error,
    })
  }
}

/** Makes the folder, and once more if somebody tidied it away before it was used. */
export async function makeAgainIfGone<T>(folder: string, use: () => Promise<T>): Promise<T> {
  await makeFolder(folder)
  try {
    return await use()
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await makeFolder(folder)
    return await use()
  }
}

/** Also its parents, each on the disk in the one above it: a file that is there is nothing without its path. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** What was made, renamed or removed in it is so after a power cut too. Some shares know no such request. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    await syncToDisk(folder)
  } catch (error) {
    if (!passedOver.has(errorCode(error) ?? '')) throw error
  }
}

/** The last one: the folder was tidied away meanwhile. */
const passedOver = new Set(['EINVAL', 'ENOTSUP', 'EISDIR', 'ENOENT'])

async function syncToDisk(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
