import { listModels } from '../cache/snapshots.ts'
import type { Inventory, InventoryEntry } from '../inventory/inventory.ts'
import { compareUtf8 } from '../system/utf8-order.ts'
import type { PreparedUpload } from './prepare-upload.ts'
import { sourceOf, type WantedObject } from './wanted.ts'

interface KnownContents {
  /** CRC32C by path of the file. */
  sums: ReadonlyMap<string, number>
  /** Bytes of the parts in which a file was sent, by path. */
  partSizes: ReadonlyMap<string, number>
}

/** What lies under the prefix after an upload, for whoever reads or restores it. Pure. */
export function buildInventory(prepared: PreparedUpload, sent: KnownContents): Inventory {
  const contents = withFormerParts(prepared, sent)
  const { tree, layout, links, record, tool } = prepared
  const entries = (layout === 'ngc' ? ngcEntries(prepared, contents) : treeEntries(prepared, contents)).toSorted(
    (a, b) => compareUtf8(a.path, b.path),
  )
  const bytes = entries.reduce((sum, entry) => (entry.type === 'file' ? sum + entry.size : sum), 0)
  return {
    header: {
      formatVersion: 1,
      kind: 'Inventory',
      tool,
      ...(record !== undefined && {
        image: record.image,
        imageDigest: record.imageDigest,
        family: record.family,
        ...(record.manifestVersion !== undefined && { manifestVersion: record.manifestVersion }),
      }),
      profiles: record?.profiles ?? [],
      models: listModels(tree.entries),
      layout,
      links,
      files: entries.filter(entry => entry.type !== 'directory').length,
      bytes,
    },
    entries,
  }
}

/** Files that stay as they are were sent in parts of the size that the last inventory states. */
function withFormerParts({ published }: PreparedUpload, { sums, partSizes }: KnownContents): KnownContents {
  const known = new Map<string, number>()
  for (const entry of published?.inventory.entries ?? []) {
    if (entry.type !== 'file' || entry.partSize === undefined) continue
    if (Number.parseInt(entry.crc32c, 16) === sums.get(entry.path)) known.set(entry.path, entry.partSize)
  }
  return { sums, partSizes: new Map([...known, ...partSizes]) }
}

function treeEntries({ tree, wanted }: PreparedUpload, { sums, partSizes }: KnownContents): InventoryEntry[] {
  const files = new Map(tree.entries.filter(entry => entry.type === 'file').map(file => [file.path, file]))
  const keys = new Map(wanted.map(object => [object.path, object.key]))
  return tree.entries.map((entry): InventoryEntry => {
    if (entry.type === 'directory') return entry
    if (entry.type === 'file')
      return fileEntry({ key: entry.path, path: entry.path, source: entry }, { sums, partSizes })
    const source = sourceOf(entry, { files, root: tree.root })
    const { path, target } = entry
    const key = keys.get(path)
    return {
      type: 'link',
      path,
      ...(key !== undefined && { key }),
      target,
      size: source.size,
      crc32c: hexOf(sums.get(source.path)),
    }
  })
}

/** The bucket holds no links: every file of a snapshot is an object of its own. */
function ngcEntries({ wanted }: PreparedUpload, contents: KnownContents): InventoryEntry[] {
  return wanted.map(object => fileEntry(object, contents))
}

function fileEntry(
  { key, path, source }: WantedObject,
  { sums, partSizes }: KnownContents,
): InventoryEntry & { type: 'file' } {
  const partSize = partSizes.get(source.path)
  return {
    type: 'file',
    path,
    ...(key !== path && { key }),
    size: source.size,
    mode: source.mode,
    crc32c: hexOf(sums.get(source.path)),
    ...(partSize !== undefined && { partSize }),
  }
}

/** Every file has been read, in this run or a former one, before an inventory is made. */
function hexOf(crc32c: number | undefined): string {
  if (crc32c === undefined) throw new Error('A file without checksum came into the inventory.')
  return crc32c.toString(16).padStart(8, '0')
}
