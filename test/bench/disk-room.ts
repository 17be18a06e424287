import { statfs } from 'node:fs/promises'

import { formatBytes } from '../../src/cli/render/format.ts'

const gibibyte = 1024 ** 3

/** SeaweedFS takes no more writes when 1 % of the disk is left. */
const keptFree = 0.02

/** @throws Error when the disk can't take `bytes`; `next` says which option makes it less. */
export async function requireRoom(directory: string, bytes: number, next: string): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(directory)
  const free = bavail * bsize
  const needed = bytes + gibibyte + blocks * bsize * keptFree
  if (free >= needed) return
  throw new Error(`${formatBytes(needed)} must be free in ${directory}; ${formatBytes(free)} are. ${next}`)
}
