import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** By path: `link TARGET`, `directory`, or mode and hash of a file. nimctl's own folder is no content. */
export async function readTree(root: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {}
  for (const path of await pathsBelow(root)) {
    const found = await lstat(join(root, path))
    if (found.isSymbolicLink()) tree[path] = `link ${await readlink(join(root, path))}`
    else if (found.isDirectory()) tree[path] = 'directory'
    else tree[path] = `${(found.mode & 0o777).toString(8)} ${await hashOf(join(root, path))}`
  }
  return tree
}

/** By path: the hash of what a reader finds there, whether it is a file or a link to one. Directories don't count. */
export async function readContents(root: string): Promise<Record<string, string>> {
  const contents: Record<string, string> = {}
  for (const path of await pathsBelow(root)) {
    if (!(await lstat(join(root, path))).isDirectory()) contents[path] = await hashOf(join(root, path))
  }
  return contents
}

/** What `readContents` says of an empty file. */
export const emptyHash = createHash('sha256').digest('hex')

async function pathsBelow(root: string): Promise<string[]> {
  const paths = await readdir(root, { recursive: true })
  return paths.filter(path => path !== '.nimctl' && !path.startsWith('.nimctl/')).toSorted()
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}
