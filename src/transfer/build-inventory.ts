import type { CacheTree } from '../cache/cache-tree.ts'
import { listModels } from '../cache/snapshots.ts'
import { listStoredEntries, type Inventory, type InventoryEntry, type StoredArchive } from '../inventory/inventory.ts'
import type { Sums } from '../stores/store.ts'
import { compareUtf8 } from '../system/utf8-order.ts'
import type { PreparedUpload } from './prepare-upload.ts'
import type { Archive } from './source.ts'
import { sourceOf, type WantedObject } from './wanted.ts'

interface KnownContents {
  /** CRC32C by path of the file. */
  sums: ReadonlyMap<string, number>
  /** MD5 and BLAKE3 by path of the file, where somebody had them computed. */
  noted: ReadonlyMap<string, Pick<Sums, 'md5' | 'blake3'>>
  /** Bytes of the parts in which a file was sent, by path. */
  partSizes: ReadonlyMap<string, number>
}

interface Sent extends KnownContents {
  /** CRC32C by path of the files in an archive. */
  archivedSums: ReadonlyMap<string, number>
}

/** What lies under the prefix after an upload, for whoever reads or restores it. Pure. */
export function buildInventory(prepared: PreparedUpload, sent: Sent): Inventory {
  const contents = withFormer(prepared, sent)
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
        ...(record.form !== undefined && record.form !== 'hub' && { form: record.form }),
        ...(record.sources !== undefined && { sources: record.sources }),
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
  return treeEntries({ tree, wanted: [] }, { sums, noted: new Map(), partSizes: new Map() }).map(entry => {
    if (entry.type !== 'file') return entry
    const { type, path, ...content } = entry
    return { type, path, key: archive.file.path, offset: archive.offsetOf(path), ...content }
  })
}

function storedArchive({ file }: Archive, contents: KnownContents): StoredArchive {
  const { path: key, size, crc32c, partSize } = fileEntry({ key: file.path, path: file.path, source: file }, contents)
  return { key, size, crc32c, ...(partSize !== undefined && { partSize }) }
}

/** Files that stay as they are were sent in parts of the size, and have the digests, that the last inventory states. */
function withFormer({ published }: PreparedUpload, sent: Sent): Sent {
  const partSizes = new Map<string, number>()
  const noted = new Map<string, Pick<Sums, 'md5' | 'blake3'>>()
  for (const entry of published === undefined ? [] : listStoredEntries(published.inventory)) {
    if (entry.type !== 'file' || Number.parseInt(entry.crc32c, 16) !== sent.sums.get(entry.path)) continue
    const { path, partSize, md5, blake3 } = entry
    if (partSize !== undefined) partSizes.set(path, partSize)
    if (md5 === undefined && blake3 === undefined) continue
    noted.set(path, {
      ...(md5 !== undefined && { md5: Buffer.from(md5, 'hex') }),
      ...(blake3 !== undefined && { blake3: Buffer.from(blake3, 'hex') }),
    })
  }
  return {
    ...sent,
    partSizes: new Map([...partSizes, ...sent.partSizes]),
    noted: new Map([...noted, ...sent.noted]),
  }
}

function treeEntries(
  { tree, wanted }: Pick<PreparedUpload, 'tree' | 'wanted'>,
  contents: KnownContents,
): InventoryEntry[] {
  const files = new Map(tree.entries.filter(entry => entry.type === 'file').map(file => [file.path, file]))
  const keys = new Map(wanted.map(object => [object.path, object.key]))
  return tree.entries.map((entry): InventoryEntry => {
    if (entry.type === 'directory') return entry
    if (entry.type === 'file') return fileEntry({ key: entry.path, path: entry.path, source: entry }, contents)
    const source = sourceOf(entry, { files, root: tree.root })
    const { path, target } = entry
    const key = keys.get(path)
    return {
      type: 'link',
      path,
      ...(key !== undefined && { key }),
      target,
      size: source.size,
      crc32c: hexOf(contents.sums.get(source.path)),
    }
  })
}

/** The bucket holds no links: every file of a snapshot is an object of its own. */
function ngcEntries({ wanted }: PreparedUpload, contents: KnownContents): InventoryEntry[] {
  return wanted.map(object => fileEntry(object, contents))
}

function fileEntry(
  { key, path, source }: WantedObject,
  { sums, noted, partSizes }: KnownContents,
): InventoryEntry & { type: 'file' } {
  const { md5, blake3 } = noted.get(source.path) ?? {}
  const partSize = partSizes.get(source.path)
  return {
    type: 'file',
    path,
    ...(key !== path && { key }),
    size: source.size,
    mode: source.mode,
    crc32c: hexOf(sums.get(source.path)),
    ...(md5 !== undefined && { md5: Buffer.from(md5).toString('hex') }),
    ...(blake3 !== undefined && { blake3: Buffer.from(blake3).toString('hex') }),
    ...(partSize !== undefined && { partSize }),
  }
}

/** Every file has been read, in this run or a former one, before an inventory is made. */
function hexOf(crc32c: number | undefined): string {
  if (crc32c === undefined) throw new Error('A file without checksum came into the inventory.')
  return crc32c.toString(16).padStart(8, '0')
}
