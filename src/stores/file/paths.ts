import { realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'

import { errorCode, NimctlError } from '../../system/errors.ts'
import { checkKey, keyOutside } from '../key.ts'

/** On the same file system as the objects, so that a rename moves no bytes. No object lies in it. */
export const incompleteFolder = '.nimctl-incomplete'

export interface Paths {
  readonly root: string
  readonly url: URL
  /** Where things lie until they are whole. */
  readonly incomplete: string
  /** The file of an object, after a look that neither the key nor links on the way lead out of the root. */
  pathOf(key: string): Promise<string>
}

export function openPaths(root: string, url: URL): Paths {
  const inside = new Set<string>()
  return {
    root,
    url,
    incomplete: join(root, incompleteFolder),
    async pathOf(key) {
      checkFileKey(key, url)
      const path = join(root, key)
      const folder = dirname(path)
      if (!inside.has(folder)) {
        if (!(await staysInside(root, folder))) throw keyOutside(key, url)
        inside.add(folder)
      }
      return path
    },
  }
}

/** Whether a path, or the nearest part of it that exists, lies below the root once links are followed. */
export async function staysInside(root: string, path: string): Promise<boolean> {
  const realRoot = await nearestRealPath(root)
  const real = await nearestRealPath(path)
  return real === realRoot || real.startsWith(realRoot === sep ? sep : realRoot + sep)
}

function checkFileKey(key: string, url: URL): void {
  checkKey(key, url)
  if (key.split('/').includes('')) {
    throw new NimctlError('usage', 'STORE_KEY_CONFLICT', {
      what: `The key ${JSON.stringify(key)} can't be a file's name: it has an empty part.`,
    })
  }
  if (key.split('/')[0] === incompleteFolder) throw keyOutside(key, url)
}

async function nearestRealPath(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const code = errorCode(error)
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(path) === path) throw error
    return await nearestRealPath(dirname(path))
  }
}
