import type { HeldFile } from '../../profiles/weigh.ts'
import type { Context } from '../context.ts'
import { openFlaggedStore, type StoreFlags } from './store.ts'
import { parseStoreUrl } from './values.ts'

/**
 * What the place of `--new-to` holds: a directory begins with `/`, `./` or `../`, anything else is a store's URL.
 *
 * @throws NimctlError `usage` / `URL_INVALID`, and what the directory or the store throws.
 */
export async function readHeldFiles(place: string, flags: StoreFlags, context: Context): Promise<HeldFile[]> {
  const { filesHeldIn, filesStoredIn } = await import('../../pipeline/held-files.ts')
  if (/^(?:\/|\.{1,2}(?:\/|$))/.test(place)) return await filesHeldIn(place)
  const store = await openFlaggedStore(parseStoreUrl(place), flags, { context, readOnly: true })
  try {
    return await filesStoredIn(store, context.signal)
  } finally {
    store.close()
  }
}
