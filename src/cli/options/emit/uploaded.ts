import { type Command, Option } from 'commander'

import type { StoreSettings, UploadedCache } from '../../../emit/request.ts'
import type { InventoryHeader } from '../../../inventory/inventory.ts'
import { NimctlError } from '../../../system/errors.ts'
import { shownUrl } from '../../../system/secret.ts'
import type { ImageDigest } from '../../../transfer/marker.ts'
import type { Context } from '../../context.ts'
import { findPlace } from '../place.ts'
import { addStoreOptions, openFlaggedStore, type StoreFlags } from '../store.ts'
import { given, parseImageDigest, parseStoreUrl } from '../values.ts'

/** How the store is reached, here and by the cluster. */
export interface StoreInClusterFlags extends StoreFlags {
  image?: ImageDigest
  storeEndpointUrl?: string
  storeSecret?: string
  storeCa?: string
}

export interface UploadedFlags extends StoreInClusterFlags {
  cache?: string
  inventory?: string
  storeUrl?: string
}

export const uploadedHeading = 'What was uploaded:'

function storedImageOption(): Option {
  return new Option(
    '--image <image@digest>',
    'which one, in a bucket of layout ngc that several images share',
  ).argParser(parseImageDigest)
}

/** @param image where `--image` says more than which one is meant. */
export function addUploadedOptions(command: Command, image = storedImageOption()): Command {
  const options = [
    new Option('--cache <url>', 'store and prefix that nimctl uploaded to'),
    new Option('--inventory <file>', 'its inventory, where the store is not reachable (needs --store-url)'),
    image,
    new Option('--store-url <url>', 'the same prefix as the cluster calls it, where that differs'),
  ]
  for (const option of options) command.addOption(option.helpGroup(uploadedHeading))
  return addStoreInClusterOptions(command)
}

export function addStoreInClusterOptions(command: Command): Command {
  const options = [
    new Option('--store-endpoint-url <url>', 'of its server, as the cluster reaches it (default: --endpoint-url)'),
    new Option('--store-secret <name>', "an existing Secret with the store's credentials (default: NAME-store)"),
    new Option('--store-ca <name>', 'an existing ConfigMap with the CA of the store under the key ca.crt'),
  ]
  for (const option of options) command.addOption(option.helpGroup(uploadedHeading))
  return addStoreOptions(command)
}

/** @throws NimctlError `usage` / `EMIT_SOURCE`, and what reading an inventory throws. */
export async function readUploaded(flags: UploadedFlags, context: Context): Promise<UploadedCache> {
  return await readUploadedFrom(flags, flags, context)
}

/** Where one inventory is: just one of `cache` and `inventory`. */
export type InventoryPlace = Pick<UploadedFlags, 'cache' | 'inventory' | 'storeUrl'>

/** @throws NimctlError `usage` / `EMIT_SOURCE`, and what reading an inventory throws. */
export async function readUploadedFrom(
  place: InventoryPlace,
  asked: StoreInClusterFlags,
  context: Context,
): Promise<UploadedCache> {
  const named = place.cache === undefined ? undefined : await findPlace(place.cache, asked, context)
  const flags = named?.flags ?? asked
  const { header, digest, url } = await readInventory({ ...place, at: named?.url }, flags, context)
  const storeUrl = place.storeUrl === undefined ? url : parseStoreUrl(place.storeUrl)
  return {
    header,
    // It is shown in comments and messages; where it is what the YAML names, what is secret in it is refused.
    cacheUrl: place.storeUrl === undefined ? url : new URL(shownUrl(url)),
    inventoryDigest: digest,
    ...(place.storeUrl !== undefined && { storeUrl }),
    ...storeInCluster(flags, context, storeUrl.protocol),
  }
}

/** How pods reach stores of a kind. @param protocol such as `s3:`, whose environment is that of other tools. */
export function storeInCluster(
  flags: Omit<StoreInClusterFlags, 'image'>,
  { env }: Context,
  protocol: string,
): Omit<UploadedCache, 'header' | 'cacheUrl'> {
  const s3 = protocol === 's3:' ? s3Environment(env) : {}
  const endpoint = flags.storeEndpointUrl ?? flags.endpointUrl ?? s3.endpoint
  return {
    storeSettings: storeSettings(flags, env),
    ...given({ storeSecret: flags.storeSecret, region: flags.region ?? s3.region }),
    ...(endpoint !== undefined && { endpointUrl: parseEndpoint(endpoint) }),
  }
}

function s3Environment(env: Context['env']): { endpoint?: string | undefined; region?: string | undefined } {
  return {
    endpoint: env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL,
    region: env.AWS_REGION ?? env.AWS_DEFAULT_REGION,
  }
}

/** What is wrong may hold a password, so it is not shown. */
function parseEndpoint(text: string): URL {
  const url = URL.parse(text)
  if (url !== null) return url
  throw new NimctlError('usage', 'ENDPOINT_URL_INVALID', {
    what: 'The endpoint for the YAML is not the address of a server.',
    next: 'Write it as: --store-endpoint-url https://HOST:PORT',
  })
}

function storeSettings(flags: Omit<StoreInClusterFlags, 'image'>, env: Context['env']): StoreSettings {
  const { pathStyle, requestPayer, billingProject, impersonateServiceAccount, webhdfsUrl, hdfsClient } = flags
  return given({
    pathStyle,
    requestPayer,
    billingProject,
    hdfsClient,
    impersonate: impersonateServiceAccount,
    webhdfsUrls: webhdfsUrl,
    signRequests: flags.signRequest ? undefined : false,
    emulatorHost: env.STORAGE_EMULATOR_HOST || undefined,
    azureAccount: env.AZURE_STORAGE_ACCOUNT || undefined,
    hdfsUser: env.HADOOP_USER_NAME || undefined,
    headerFile: flags.headerFile === undefined ? undefined : (true as const),
    clientCertificate: flags.clientCertificate === undefined ? undefined : (true as const),
    caFile: flags.caFile === undefined ? undefined : (true as const),
    caConfigMap: flags.storeCa,
    insecureSkipTlsVerify: flags.insecureSkipTlsVerify,
  })
}

async function readInventory(
  { at, inventory, storeUrl }: Omit<InventoryPlace, 'cache'> & { at: URL | undefined },
  flags: StoreInClusterFlags,
  context: Context,
): Promise<{ header: InventoryHeader; digest: string; url: URL }> {
  if ((at === undefined) === (inventory === undefined)) {
    throw new NimctlError('usage', 'EMIT_SOURCE', {
      what: 'Say what to emit for, in one way.',
      next: 'Give --cache URL, or --inventory FILE with --store-url URL.',
    })
  }
  if (at !== undefined) {
    const { requireHeader } = await import('../../../transfer/marker.ts')
    const store = await openFlaggedStore(at, flags, { context, readOnly: true })
    const { header, digest } = await requireHeader(store, flags.image, context.signal)
    store.close()
    return { header, digest, url: at }
  }
  const { readInventoryFile } = await import('../../../inventory/read-file.ts')
  const { header, digest } = await readInventoryFile(inventory ?? '')
  if (storeUrl !== undefined) return { header, digest, url: parseStoreUrl(storeUrl) }
  throw new NimctlError('usage', 'EMIT_SOURCE', {
    what: 'An inventory file does not say where its store is.',
    next: 'Add --store-url, such as --store-url s3://models/llama/',
  })
}
