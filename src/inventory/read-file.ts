import { readFile } from 'node:fs/promises'

import { translateFileError } from '../system/files.ts'
import { inventoryDigest, parseInventory } from './format.ts'
import type { Inventory } from './inventory.ts'

/** An inventory that somebody brought along as a file, and the digest of its bytes. */
export async function readInventoryFile(path: string): Promise<{ inventory: Inventory; digest: string }> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw translateFileError(error, path)
  })
  return { inventory: parseInventory(bytes.toString('utf8'), path), digest: inventoryDigest(bytes) }
}
