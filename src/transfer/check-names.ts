import { randomUUID } from 'node:crypto'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { InventoryEntry } from '../inventory/inventory.ts'
import { NimctlError } from '../system/errors.ts'
import { absent } from './target-directory.ts'

/** Names of devices on Windows, in any folder and with any extension. */
const deviceName = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i

/**
 * Refuses names that this machine's file system would take for one another, or for something else than a file.
 *
 * @throws NimctlError `local` / `NAMES_COLLIDE`, `NAME_RESERVED`.
 */
export async function checkNames(entries: readonly InventoryEntry[], directory: string): Promise<void> {
  const collision = findCollision(entries)
  if (collision !== undefined && (await ignoresCase(directory))) {
    throw new NimctlError('local', 'NAMES_COLLIDE', {
      what: `The file system of ${directory} can't tell ${collision[0]} from ${collision[1]}.`,
      next: 'Download into a file system that tells upper from lower case.',
    })
  }
  const reserved = process.platform === 'win32' ? findDeviceName(entries) : undefined
  if (reserved === undefined) return
  throw new NimctlError('local', 'NAME_RESERVED', {
    what: `Windows takes ${reserved} for a device.`,
    next: 'Download on Linux, or in WSL.',
  })
}

/** Two paths that differ by case alone. */
export function findCollision(entries: readonly { path: string }[]): [string, string] | undefined {
  const seen = new Map<string, string>()
  for (const { path } of entries) {
    const folded = path.normalize('NFC').toLowerCase()
    const other = seen.get(folded)
    if (other !== undefined) return [other, path]
    seen.set(folded, path)
  }
  return undefined
}

export function findDeviceName(entries: readonly { path: string }[]): string | undefined {
  return entries.find(({ path }) => path.split('/').some(part => deviceName.test(part)))?.path
}

async function ignoresCase(directory: string): Promise<boolean> {
  const name = `.nimctl-case-${randomUUID()}`
  await writeFile(join(directory, name), '')
  try {
    return (await stat(join(directory, name.toUpperCase())).catch(absent)) !== undefined
  } finally {
    await rm(join(directory, name), { force: true })
  }
}
