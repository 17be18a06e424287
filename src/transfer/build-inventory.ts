import type { CacheTree } from '../cache/cache-tree.ts'
import { listModels } from '../cache/snapshots.ts'
import { listStoredEntries, type Inventory, type InventoryEntry, type StoredArchive } from '../inventory/inventory.ts'
import { compareUtf8 } from '../system/utf8-order.ts'
import type { PreparedUpload } from './prepare-upload.ts'
import type { Archive } from './source.ts'
import { sourceOf, type WantedObject } from './wanted.ts'

interface KnownContents {
  /** CRC32C by path of the file. */
  sums: ReadonlyMap<string, number>
  /** Bytes of the parts in which a file was sent, by path. */
  partSizes: ReadonlyMap<string, number>
}

interface Sent extends KnownContents {
  /** CRC32C by path of the files in an archive. */
  archivedSums: ReadonlyMap<string, number>
}

/** What lies under the prefix after an upload, for whoever reads or restores it. Pure. */
export function buildInventory(prepared: PreparedUpload, sent: Sent): Inventory {
  const contents = withFormerParts(prepared, sent)
  const { tree, archive, layout, links, record, tool } = prepared
  const entries = listEntries(prepared, contents).toSorted((a, b) => compareUtf8(a.path, b.path))
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
      ...(archive !== undefined && { archive: storedArchive(archive, contents) }),
      files: entries.filter(entry => entry.type !== 'directory').length,
      bytes,
    },
    entries,
  }
}

function listEntries(prepared: PreparedUpload, contents: Sent): InventoryEntry[] {
  const { layout, archive } = prepared
  if (archive !== undefined) return archivedEntries(prepared.tree, archive, contents.archivedSums)
  return layout === 'ngc' ? ngcEntries(prepared, contents) : treeEntries(prepared, contents)
}

function archivedEntries(tree: CacheTree, archive: Archive, sums: Sent['archivedSums']): InventoryEntry[] {
  return treeEntries({ tree, wanted: [] }, { sums, partSizes: new Map() }).map(entry => {
    if (entry.type !== 'file') return entry
    const { type, path, ...content } = entry
    return { type, path, key: archive.file.path, offset: archive.offsetOf(path), ...content }
  })
}

function storedArchive({ file }: Archive, contents: KnownContents): StoredArchive {
  const { path: key, size, crc32c, partSize } = fileEntry({ key: file.path, path: file.path, source: file }, contents)
  return { key, size, crc32c, ...(partSize !== undefined && { partSize }) }
}

/** Files that stay as they are were sent in parts of the size that the last inventory states. */
function withFormerParts({ published }: PreparedUpload, sent: Sent): Sent {
  const known = new Map<string, number>()
  for (const entry of published === undefined ? [] : listStoredEntries(published.inventory)) {
    if (entry.type !== 'file' || entry.partSize === undefined) continue
    if (Number.parseInt(entry.crc32c, 16) === sent.sums.get(entry.path)) known.set(entry.path, entry.partSize)
  }
  return { ...sent, partSizes: new Map([...known, ...sent.partSizes]) }
}

function treeEntries(
  { tree, wanted }: Pick<PreparedUpload, 'tree' | 'wanted'>,
  { sums, partSizes }: KnownContents,
): InventoryEntry[] {
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
