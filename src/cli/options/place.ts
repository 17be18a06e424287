import type { StoreConfig } from '../../pipeline/config/schema.ts'
import type { Store } from '../../stores/store.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { openFlaggedStore, type StoreFlags } from './store.ts'
import { parseList, parseStoreUrl, parseWebhdfsUrls } from './values.ts'

/** A URL, and how it is reached. */
interface Place<Flags> {
  url: URL
  flags: Flags
}

/** The file with named stores, and with what `nimctl run` does. */
export function configFile({ config }: { config?: string }, { env }: Context): string {
  return config ?? (env.NIMCTL_CONFIG || 'nimctl.yaml')
}

/**
 * What a user wrote where a store belongs: a URL, or `@name/prefix` of a store in nimctl.yaml, which is reached as it says
 * there.
 *
 * @throws NimctlError `usage` / `URL_INVALID`, `STORE_UNKNOWN`, and what reading the file throws.
 */
export async function findPlace<Flags extends StoreFlags>(
  text: string,
  flags: Flags,
  context: Context,
): Promise<Place<Flags>> {
  const [, name, prefix = ''] = /^@([^/]+)(?:\/(.*))?$/s.exec(text) ?? []
  if (name === undefined) return { url: parseStoreUrl(text), flags }
  const { readConfig } = await import('../../pipeline/config/read.ts')
  const file = configFile(flags, context)
  const { stores = {} } = await readConfig(file, context.env)
  const store = stores[name]
  if (store === undefined) throw storeUnknown(name, { file, names: Object.keys(stores) })
  return { url: below(parseStoreUrl(store.url), prefix), flags: { ...flags, ...flagsFrom(store) } }
}

/** Opens what a user wrote where a store belongs; throws as `findPlace` and `openFlaggedStore`. */
export async function openPlace(
  text: string,
  flags: StoreFlags,
  { context, readOnly = false }: { context: Context; readOnly?: boolean },
): Promise<Store> {
  const place = await findPlace(text, flags, context)
  return await openFlaggedStore(place.url, place.flags, { context, readOnly })
}

/** A query, such as a signature, stays behind. */
function below(url: URL, prefix: string): URL {
  const whole = new URL(url)
  whole.pathname = `${url.pathname.replace(/\/$/, '')}/${prefix.split('/').map(encodeURIComponent).join('/')}`
  return whole
}

function flagsFrom(store: StoreConfig): Partial<StoreFlags> {
  const { url: _, webhdfsUrl, impersonateServiceAccount, hdfsClient, insecureSkipTlsVerify, ...asTheyAre } = store
  return {
    ...asTheyAre,
    ...(webhdfsUrl !== undefined && { webhdfsUrl: parseWebhdfsUrls(webhdfsUrl) }),
    ...(impersonateServiceAccount !== undefined && {
      impersonateServiceAccount: parseList(impersonateServiceAccount),
    }),
    ...(hdfsClient === true && { hdfsClient }),
    ...(insecureSkipTlsVerify === true && { insecureSkipTlsVerify }),
  }
}

function storeUnknown(name: string, { file, names }: { file: string; names: readonly string[] }): NimctlError {
  return new NimctlError('usage', 'STORE_UNKNOWN', {
    what: `${file} has no store ${name}.`,
    next:
      names.length === 0
        ? 'Add it under stores: with its url.'
        : `There are: ${names.map(known => `@${known}`).join(', ')}`,
  })
}
