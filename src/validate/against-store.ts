import { parseSnapshotPath } from '../cache/snapshots.ts'
import { archiveEntry, ownFolder, type InventoryEntry, type InventoryHeader } from '../inventory/inventory.ts'
import type { InventoryReader } from '../inventory/read.ts'
import type { Store } from '../stores/store.ts'
import { kindOfPath, namedObject, type NamedObject } from '../transfer/compare.ts'
import { parseModelKey } from '../transfer/key-layout.ts'
import { askEach, listObjects } from '../transfer/listing.ts'
import { chooseMarker, listMarkers, streamInventory, type ImageDigest } from '../transfer/marker.ts'
import { ngcKey } from '../transfer/wanted.ts'
import { notComparable } from './against-directory.ts'
import { findLayout, type AgainstRequest, type Expectation } from './against.ts'

/**
 * What another store's inventory names; where it has none, what its listing shows, with the checksums that it gives.
 *
 * @throws NimctlError `usage` / `LAYOUT_NOT_COMPARABLE`.
 */
export async function expectStore(
  { store: other, image }: { store: Store; image: ImageDigest | undefined },
  request: AgainstRequest,
): Promise<Expectation> {
  const key = chooseMarker(other, await listMarkers(other, request.signal), image)
  const use = (reader: InventoryReader) => expectEntries(reader, request)
  const named = key === undefined ? undefined : await streamInventory(other, { key, signal: request.signal }, use)
  return named ?? (await expectListing(other, request))
}

async function expectEntries({ header, entries }: InventoryReader, request: AgainstRequest): Promise<Expectation> {
  const own = await findLayout(request)
  const layout = own?.layout ?? header.layout
  if (layout !== header.layout && [layout, header.layout].includes('tar')) throw notComparable()
  const add = async (entry: InventoryEntry): Promise<void> => {
    const object = layout === header.layout ? namedObject(entry, header) : inLayout(entry, { ...header, layout })
    if (object !== undefined) await request.add(object)
  }
  for (const entry of archiveEntry(header)) await add(entry)
  for await (const entry of entries) await add(entry)
  const { models, profiles, files, bytes, imageDigest } = header
  return { layout, models, profiles, files, bytes, ...(imageDigest !== undefined && { imageDigest }) }
}

/** The key of the same file in another layout; layout `ngc` has snapshots alone. */
function inLayout(entry: InventoryEntry, { layout, links }: InventoryHeader): NamedObject | undefined {
  if (entry.type === 'directory' || (entry.type === 'link' && links === 'record')) return undefined
  const { path, size, crc32c } = entry
  const snapshot = parseSnapshotPath(path)
  if (layout === 'ngc' && snapshot === undefined) return undefined
  const key = layout === 'ngc' && snapshot !== undefined ? ngcKey(snapshot) : path
  return { key, expected: { kind: entry.type === 'link' ? 'link' : kindOfPath(path), size, crc32c } }
}

async function expectListing(other: Store, request: AgainstRequest): Promise<Expectation> {
  const models = new Set<string>()
  let files = 0
  let bytes = 0
  let layout: Expectation['layout'] | undefined
  for await (const { key, listed, object } of askEach(other, listContent(other, request.signal), request.signal)) {
    const model = parseModelKey(key)
    layout ??= model?.layout
    if (model !== undefined) models.add(`${model.repository}:${model.version}`)
    files += 1
    bytes += listed.size
    const { crc32c, md5, etag } = { ...listed, ...object }
    await request.add({
      key,
      expected: {
        kind: kindOfPath(key),
        size: listed.size,
        ...(crc32c !== undefined && { crc32c: crc32c.toString(16).padStart(8, '0') }),
        ...(md5 !== undefined && { md5 }),
        ...(etag !== undefined && other.url.protocol === request.store.url.protocol && { etag }),
      },
    })
  }
  return { layout: layout ?? 'plain', models: [...models].toSorted(), profiles: [], files, bytes }
}

async function* listContent(other: Store, signal: AbortSignal) {
  for await (const listed of listObjects(other, '', signal)) {
    if (!listed.key.startsWith(ownFolder)) yield { key: listed.key, listed }
  }
}
