import { isAbsolute, resolve } from 'node:path'

import { InvalidArgumentError } from 'commander'

import type { Against } from '../../validate/against.ts'
import type { Sample } from '../../validate/sample.ts'
import type { Context } from '../context.ts'
import { stateDirectory } from '../settings.ts'
import { listFromManifest, type RegistryFlags } from './image.ts'
import { openPlace } from './place.ts'
import type { StoreFlags } from './store.ts'
import { parseCount } from './values.ts'

/**
 * What a store is compared with: a directory begins with `/`, `./` or `../`, a store's URL has its scheme, and all else is
 * an image. A store that is opened has to be closed.
 *
 * @throws NimctlError as `listFromManifest` and `openPlace`.
 */
export async function openAgainst(
  text: string,
  flags: StoreFlags & RegistryFlags,
  context: Context,
): Promise<Against & { close(): void }> {
  const close = () => {}
  if (isAbsolute(text) || /^\.{1,2}(?:\/|$)/.test(text)) {
    return { type: 'directory', directory: resolve(text), stateDirectory: stateDirectory(context.env), close }
  }
  if (/^(?:@|(?!docker:)[a-z][a-z0-9+.-]*:\/\/)/i.test(text)) {
    const store = await openPlace(text, flags, { context, readOnly: true })
    return { type: 'store', store, close: () => store.close() }
  }
  const { listing, manifest } = await listFromManifest(text, flags, context)
  return { type: 'image', reference: listing.image ?? text, manifest, close }
}

/** `5%` of the objects, or `200` of them. */
export function parseSample(text: string): Sample {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text.trim())?.[1]
  if (percent === undefined) return { objects: parseCount(text) }
  if (Number(percent) > 0 && Number(percent) <= 100) return { percent: Number(percent) }
  throw new InvalidArgumentError('Expected a share such as 5%, or a number of objects such as 200.')
}
