import { lstat, mkdir, readlink, realpath, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'

import { errorCode, NimctlError } from '../system/errors.ts'
import { translateFileError } from '../system/files.ts'

/** A directory that files from outside are written to; nothing is written outside of it. */
export interface TargetDirectory {
  /** Without links in it. */
  readonly root: string
  makeParent(path: string): Promise<void>
  makeFolder(path: string, mode?: number): Promise<void>
  /** Replaces a file or another link. */
  makeLink(path: string, target: string): Promise<void>
}

/** @param root as `realpath` gives it. Paths were checked when the inventory was read. */
export function openTarget(root: string): TargetDirectory {
  const made = new Map<string, Promise<void>>()

  const makeFolder = async (path: string, mode?: number): Promise<void> => {
    const place = join(root, path)
    await requireInside(place, root)
    try {
      await mkdir(place, { recursive: true, ...(mode !== undefined && { mode }) })
    } catch (error) {
      throw translateFileError(error, place)
    }
  }
  const makeParent = async (path: string): Promise<void> => {
    const parent = dirname(path)
    if (parent === '.') return
    const making = made.get(parent) ?? makeFolder(parent)
    made.set(parent, making)
    await making
  }
  return {
    root,
    makeParent,
    makeFolder,
    async makeLink(path, target) {
      await makeParent(path)
      await placeLink(join(root, path), target)
    },
  }
}

/** A link that somebody left in the directory must not lead our files out of it. */
async function requireInside(place: string, root: string): Promise<void> {
  const real = await realpath(place).catch(absent)
  if (real === undefined) return await requireInside(dirname(place), root)
  if (real === root || real.startsWith(root + sep)) return
  throw new NimctlError('local', 'DIRECTORY_LEADS_OUTSIDE', {
    what: `${place} leads to ${real}, outside of ${root}.`,
    next: 'Remove that link, or download into an empty directory.',
  })
}

async function placeLink(place: string, target: string): Promise<void> {
  const found = await lstat(place).catch(absent)
  if (found?.isSymbolicLink() === true && (await readlink(place)) === target) return
  if (found?.isDirectory() === true) {
    throw new NimctlError('local', 'DIRECTORY_IN_THE_WAY', {
      what: `${place} is a directory where a link belongs.`,
      next: 'Download into an empty directory.',
    })
  }
  const beside = `${place}.nimctl-link`
  await rm(beside, { force: true })
  await symlink(target, beside)
  await rename(beside, place)
}

/** For `.catch`: what is not there is `undefined`. */
export function absent(error: unknown): undefined {
  if (errorCode(error) === 'ENOENT') return undefined
  throw error
}
