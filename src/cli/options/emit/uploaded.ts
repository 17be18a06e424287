import { type Command, Option } from 'commander'

import type { UploadedCache } from '../../../emit/request.ts'
import type { InventoryHeader } from '../../../inventory/inventory.ts'
import { NimctlError } from '../../../system/errors.ts'
import type { ImageDigest } from '../../../transfer/marker.ts'
import type { Context } from '../../context.ts'
import { addStoreOptions, openFlaggedStore, type StoreFlags } from '../store.ts'
import { given, parseImageDigest, parseStoreUrl } from '../values.ts'

export interface UploadedFlags extends StoreFlags {
  cache?: string
  inventory?: string
  image?: ImageDigest
  storeUrl?: string
  storeEndpointUrl?: string
  storeSecret?: string
}

const heading = 'What was uploaded:'

export function addUploadedOptions(command: Command): Command {
  const options = [
    new Option('--cache <url>', 'store and prefix that nimctl uploaded to'),
    new Option('--inventory <file>', 'its inventory, where the store is not reachable (needs --store-url)'),
    new Option('--image <image@digest>', 'which one, in a bucket of layout ngc that several images share').argParser(
      parseImageDigest,
    ),
    new Option('--store-url <url>', 'the same prefix as the cluster calls it, where that differs'),
    new Option('--store-endpoint-url <url>', 'of its S3 service, as the cluster reaches it (default: --endpoint-url)'),
    new Option('--store-secret <name>', "an existing Secret with the store's credentials (default: NAME-store)"),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return addStoreOptions(command)
}

/** @throws NimctlError `usage` / `EMIT_SOURCE`, and what reading an inventory throws. */
export async function readUploaded(flags: UploadedFlags, context: Context): Promise<UploadedCache> {
  const { storeUrl, storeSecret } = flags
  const { env } = context
  const endpoint = flags.storeEndpointUrl ?? flags.endpointUrl ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL
  const region = flags.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION
  const { header, digest, url } = await readInventory(flags, context)
  return {
    header,
    cacheUrl: url,
    inventoryDigest: digest,
    ...given({ storeSecret, region }),
    ...(storeUrl !== undefined && { storeUrl: parseStoreUrl(storeUrl) }),
    ...(endpoint !== undefined && { endpointUrl: new URL(endpoint) }),
  }
}

async function readInventory(
  flags: UploadedFlags,
  context: Context,
): Promise<{ header: InventoryHeader; digest: string; url: URL }> {
  if ((flags.cache === undefined) === (flags.inventory === undefined)) {
    throw new NimctlError('usage', 'EMIT_SOURCE', {
      what: 'Say what to emit for, in one way.',
      next: 'Give --cache URL, or --inventory FILE with --store-url URL.',
    })
  }
  if (flags.cache !== undefined) {
    const { requireHeader } = await import('../../../transfer/marker.ts')
    const url = parseStoreUrl(flags.cache)
    const store = await openFlaggedStore(url, flags, { context, readOnly: true })
    const { header, digest } = await requireHeader(store, flags.image, context.signal)
    store.close()
    return { header, digest, url }
  }
  const { readInventoryFile } = await import('../../../inventory/read-file.ts')
  const { header, digest } = await readInventoryFile(flags.inventory ?? '')
  if (flags.storeUrl !== undefined) return { header, digest, url: parseStoreUrl(flags.storeUrl) }
  throw new NimctlError('usage', 'EMIT_SOURCE', {
    what: 'An inventory file does not say where its store is.',
    next: 'Add --store-url, such as --store-url s3://models/llama/',
  })
}
