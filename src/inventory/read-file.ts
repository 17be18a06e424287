import { createReadStream } from 'node:fs'

import { translateFileError } from '../system/files.ts'
import type { InventoryHeader } from './inventory.ts'
import { checkWhole, readInventory } from './read.ts'

/** The header of an inventory that somebody brought along as a file, read to its end, and the digest of its bytes. */
export async function readInventoryFile(path: string): Promise<{ header: InventoryHeader; digest: string }> {
  const bytes = createReadStream(path, { highWaterMark: 1024 * 1024 })
  try {
    return await checkWhole(await readInventory(bytes, path))
  } catch (error) {
    throw translateFileError(error, path)
  } finally {
    bytes.destroy()
  }
}
