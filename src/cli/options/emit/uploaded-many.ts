import { type Command, Option } from 'commander'

import type { CacheToLoad } from '../../../emit/loader/loader.ts'
import { NimctlError } from '../../../system/errors.ts'
import type { Context } from '../../context.ts'
import { collect, given } from '../values.ts'
import {
  addStoreInClusterOptions,
  type InventoryPlace,
  readUploadedFrom,
  type StoreInClusterFlags,
  uploadedHeading,
} from './uploaded.ts'

export interface UploadedManyFlags extends StoreInClusterFlags {
  cache?: string[]
  inventory?: string[]
  storeUrl?: string[]
}

/** As `addUploadedOptions`, each to be repeated. */
export function addUploadedManyOptions(command: Command): Command {
  const options = [
    new Option('--cache <[folder=]url>', 'store and prefix that nimctl uploaded to; may be repeated'),
    new Option('--inventory <[folder=]file>', 'inventories instead, where the store is not reachable'),
    new Option('--store-url <url>', 'the prefix as the cluster calls it; with several, one for each in this order'),
  ]
  for (const option of options) command.addOption(option.helpGroup(uploadedHeading).argParser(collect))
  return addStoreInClusterOptions(command)
}

/**
 * Several caches have a folder each: the one in front of the URL, or the URL's last part.
 *
 * @throws NimctlError `usage` / `EMIT_SOURCE`, and what reading an inventory throws.
 */
export async function readUploadedMany(flags: UploadedManyFlags, context: Context): Promise<CacheToLoad[]> {
  const { cache = [], inventory = [], storeUrl = [] } = flags
  const named = [
    ...cache.map(text => ({ text, what: 'cache' as const })),
    ...inventory.map(text => ({ text, what: 'inventory' as const })),
  ]
  if (
    named.length === 0 ||
    (storeUrl.length > 0 && storeUrl.length !== named.length) ||
    (cache.length > 0 && inventory.length > 0)
  )
    throw new NimctlError('usage', 'EMIT_SOURCE', {
      what: 'Say which caches to load, in one way.',
      next: 'Give --cache URL for each, or --inventory FILE with --store-url URL for each.',
    })
  const caches: CacheToLoad[] = []
  for (const [index, { text, what }] of named.entries()) {
    const { folder, address } = splitFolder(text)
    const place: InventoryPlace = { [what]: address, ...given({ storeUrl: storeUrl[index] }) }
    const uploaded = await readUploadedFrom(place, flags, context)
    const usual = named.length > 1 ? lastPart(uploaded.storeUrl ?? uploaded.cacheUrl) : undefined
    caches.push({ uploaded, ...given({ folder: folder ?? usual }) })
  }
  return caches
}

/** An `=` may stand in a URL, too, but not before its first `:` or `/`. */
function splitFolder(text: string): { folder?: string; address: string } {
  const [, folder, address] = /^([^=:/]+)=(.+)$/.exec(text) ?? []
  return folder === undefined || address === undefined ? { address: text } : { folder, address }
}

function lastPart({ pathname, host }: URL): string {
  const parts = pathname.split('/').filter(part => part !== '')
  return decodeURIComponent(parts.at(-1) ?? host)
}
