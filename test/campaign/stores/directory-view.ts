import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { View } from './campaign-store.ts'

interface DirectoryView {
  /** The folder below a prefix in which lies what is not whole. */
  incomplete: string
  /** Whether somebody should have removed this file of that folder. */
  isLeftover: (file: { name: string; size: number }) => boolean
}

/** A store that keeps its objects as files. */
export function openDirectoryView(root: string, { incomplete, isLeftover }: DirectoryView): View {
  const filesBelow = async (prefix: string) => {
    const entries = await readdir(join(root, prefix), { recursive: true, withFileTypes: true }).catch(() => [])
    const paths = entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
    const found = new Map<string, number>()
    for (const path of paths) found.set(path.slice(join(root, prefix).length), (await stat(path)).size)
    return found
  }
  return {
    sizes: async prefix => new Map([...(await filesBelow(prefix))].filter(([key]) => !key.startsWith(incomplete))),
    read: key => readFile(join(root, key)),
    async leftovers(prefix) {
      const files = await filesBelow(`${prefix}${incomplete}/`)
      return [...files].flatMap(([name, size]) => (isLeftover({ name, size }) ? [name] : []))
    },
    clear: prefix => rm(join(root, prefix), { recursive: true }),
  }
}
