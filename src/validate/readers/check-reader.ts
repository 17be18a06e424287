import { archiveKey, ownFolder, type InventoryHeader } from '../../inventory/inventory.ts'
import type { Store, StoredObject } from '../../stores/store.ts'
import type { Check, CheckLog } from '../../system/check.ts'
import { NimctlError } from '../../system/errors.ts'
import type { NamedObject } from '../../transfer/compare.ts'
import { canList, listObjects, listSorted } from '../../transfer/listing.ts'
import { parseReaderAddress, splitPrefix, storeUrlOf, type ReaderAddress } from './address.ts'
import { awsSync } from './aws-sync.ts'
import { hybridManager } from './hybrid-manager.ts'
import { kserve } from './kserve.ts'
import { nim } from './nim.ts'
import { collision, openCollisionFinder } from './paths.ts'
import { structural, type Reader, type ReaderName } from './reader.ts'

const readers: Record<ReaderName, Reader> = { nim, kserve, hm: hybridManager, 'aws-sync': awsSync }

/** Who will read the store, and with which address. */
export interface ReadAs {
  name: ReaderName
  /** As it is given to the reader, character by character. */
  url: string
  /** Opens the folder above the prefix: there lie neighbours that some readers take along. */
  openFolder(url: URL): Promise<Store>
}

/**
 * The URL of the store that an address for a reader lies in: for nimctl the archive of layout `tar` is an object in it.
 *
 * @throws NimctlError `usage` / `READER_STORE`, `OVERRIDE_NEEDS_S3` or `OVERRIDE_PREFIX` where the reader can't have it.
 */
export function storeUrlFor(name: ReaderName, url: string): string {
  readers[name].requireAddress(parseReaderAddress(url))
  return storeUrlOf(url)
}

interface ReaderRequest {
  store: Store
  readAs: ReadAs
  /** Absent: no inventory says what should be there. */
  header?: InventoryHeader
  /** What the inventory names. */
  named: AsyncIterable<NamedObject>
  checks: CheckLog
  signal: AbortSignal
}

interface Reading extends ReaderRequest {
  reader: Reader
  address: ReaderAddress
}

/**
 * Says what arrives when somebody else than nimctl reads the store, beside what `compareStore` says of the objects
 * themselves: with it, `ok` means that the reader gets all that the inventory names and nothing of another model.
 *
 * @throws NimctlError `usage` / `READER_LAYOUT` for a layout that the reader can't read.
 */
export async function checkReader(request: ReaderRequest): Promise<void> {
  const { readAs, header, checks } = request
  const reader = readers[readAs.name]
  const address = parseReaderAddress(readAs.url)
  const reading = { ...request, reader, address }
  if (header !== undefined && !reader.layouts.includes(header.layout)) throw unreadable(reader, address, header.layout)
  const aboutAll = [
    ...reader.checkAddress(address, header),
    ...(header === undefined ? [] : (reader.checkHeader?.(header) ?? [])),
    ...(await askContentType(reading)),
  ]
  for (const check of aboutAll) await checks.add(check)
  await checkArrival(reading)
  await checkListing(reading)
  await checkSiblings(reading)
}

function unreadable({ title, layouts }: Reader, { text }: ReaderAddress, layout: string): NimctlError {
  const what =
    layout === 'cache'
      ? 'a raw cache'
      : layout === 'ngc'
        ? 'a mirror of NGC for NIM_REPOSITORY_OVERRIDE'
        : `layout ${layout}`
  return new NimctlError('usage', 'READER_LAYOUT', {
    what: `${title} can't read what lies in ${text}: ${what}.`,
    why: `It reads layout ${layouts.join(', ')}.`,
    next: `Upload it for that: nimctl upload DIR URL --layout ${layouts[0]}`,
  })
}

async function askContentType({ reader, address, store, checks, signal }: Reading): Promise<Check[]> {
  if (reader.checkContentType === undefined || address.kind !== 'https' || !address.isArchive) return []
  if (!checks.wants('reader.content-type')) return []
  const archive = await store.stat(archiveKey, { signal })
  // That it is missing, another check says.
  return archive === undefined ? [] : reader.checkContentType(archive.contentType, address)
}

/** What should be there and the reader leaves behind; and how much comes. */
async function checkArrival({ reader, address, header, named, checks }: Reading): Promise<void> {
  let [objects, files, bytes, copies, copiedBytes] = [0, 0, 0, 0, 0]
  for await (const { key, expected } of named) {
    if (expected === undefined) continue
    const { kind, size } = expected
    objects += 1
    // By an image's manifest sizes are mostly unknown.
    if (size !== undefined && reader.drops({ key, size }, address)) {
      await checks.add(emptyFile(key, reader))
      continue
    }
    files += 1
    bytes += size ?? 0
    if (kind !== 'link') continue
    copies += 1
    copiedBytes += size ?? 0
  }
  const isArchive = header?.layout === 'tar'
  if (!isArchive && header?.links === 'record') await checks.add(linksCheck(header.files - objects, reader))
  // Nobody knows what should be there: another check says so.
  if (objects === 0) return
  const links = copies > 0 ? `; ${copies} of them are copies in place of links, ${copiedBytes} bytes` : ''
  const found = `${isArchive ? 'an archive: ' : ''}${files} objects with ${bytes} bytes${links}`
  await checks.add(structural({ name: 'reader.arrives', status: 'ok', path: address.text, found }))
}

function emptyFile(key: string, { title }: Reader): Check {
  return structural({
    name: 'reader.empty-file',
    status: 'failed',
    path: key,
    expected: 'an empty file',
    found: `${title} passes over objects of 0 bytes`,
    next: 'Upload an archive, which keeps it: --layout tar. Or let the pod make it before the NIM starts.',
  })
}

function linksCheck(recorded: number, { title }: Reader): Check {
  const name = 'reader.links'
  if (recorded <= 0) return structural({ name, status: 'ok' })
  return structural({
    name,
    status: 'failed',
    expected: 'an object for each link',
    found: `${recorded} links stand in the inventory alone, which ${title} does not read`,
    next: 'Upload again with --links copy.',
  })
}

/** What a listing tells; without any of them it is not asked for. */
const keyChecks = [
  'reader.key',
  'reader.folder-key',
  'reader.parent-key',
  'reader.collision',
  'reader.unpacked',
  'reader.depth',
  'reader.doubled',
]

/** What keys alone tell. */
async function checkListing(reading: Reading): Promise<void> {
  const { reader, address, store, header, checks } = reading
  if (!keyChecks.some(name => checks.wants(name))) return
  const lists = canList(store) && !address.isArchive
  const roots = lists ? await checkKeys(reading) : []
  if (!lists && header?.layout !== 'tar') return
  for (const check of reader.checkHubs?.(roots, address, header) ?? []) await checks.add(check)
}

/** @returns the folders in which models lie. */
async function checkKeys({ reader, address, store, header, checks, signal }: Reading): Promise<string[]> {
  // Those of HDFS, directories and web servers are files already.
  const canCollide = reader.writesPaths && ['s3', 'gs', 'azure'].includes(address.kind)
  const finder = openCollisionFinder()
  const roots = new Set<string>()
  let taken = 0
  let last = ''
  for await (const object of listSorted(store, '', signal)) {
    const { key } = object
    const drops = reader.drops(object, address)
    if (!drops) {
      taken += 1
      last = key
    }
    if (key.startsWith(ownFolder)) continue
    for (const check of reader.checkObject(object, address)) await checks.add(check)
    const root = hubRootOf(key)
    if (root !== undefined && roots.size < mostRoots) roots.add(root)
    if (root !== undefined && header === undefined && !reader.layouts.includes('cache')) {
      throw unreadable(reader, address, 'cache')
    }
    const file = canCollide && !drops ? finder.add(key) : undefined
    if (file !== undefined) await checks.add(collision({ file, inside: key, title: reader.title }))
  }
  if (taken === 1 && reader.unpacks?.(last) === true) await checks.add(unpacked(last, reader))
  return [...roots]
}

function unpacked(key: string, { title }: Reader): Check {
  return structural({
    name: 'reader.unpacked',
    status: 'failed',
    path: key,
    expected: 'the file',
    found: `what is packed in it: ${title} unpacks an archive that comes alone, and removes it`,
    next: 'If that is wanted: --skip reader.unpacked. Otherwise put another file beside it.',
  })
}

/** More folders of caches than anybody puts beside each other. */
const mostRoots = 1000

/** Where `models--…` lies: `ngc/hub`, with or without something before it; empty at the top. */
function hubRootOf(key: string): string | undefined {
  const match = /^(?:(.*?)\/)?models--[^/]+\/(?:blobs|refs|snapshots)\//.exec(key)
  return match === null ? undefined : (match[1] ?? '')
}

/** Neighbours whose names begin as the prefix does. They are counted: there may be any number. */
async function checkSiblings({ reader, readAs, address, checks, signal }: Reading): Promise<void> {
  if (!reader.takesSiblings(address) || !checks.wants('reader.sibling')) return
  const { folder, base } = splitPrefix(address)
  const url = new URL(readAs.url)
  const end = address.text.replace(/\/+$/, '').length - base.length
  const above = await readAs.openFolder(new URL(`${address.text.slice(0, end)}${url.search}`))
  try {
    const name = decodeURIComponent(base)
    let [count, bytes] = [0, 0]
    let first: StoredObject | undefined
    for await (const object of listObjects(above, name, signal)) {
      const own = address.isArchive ? object.key === name : object.key.startsWith(`${name}/`)
      if (own || reader.drops(object, address)) continue
      first ??= object
      count += 1
      bytes += object.size
    }
    await checks.add(siblingCheck({ reader, address, count, bytes, first: first && folder + first.key }))
  } catch (error) {
    if (!(error instanceof NimctlError) || error.category !== 'auth') throw error
    await checks.add(siblingsUnknown(address, error))
  } finally {
    above.close()
  }
}

/** Credentials may be for the prefix alone. */
function siblingsUnknown({ text }: ReaderAddress, { message }: NimctlError): Check {
  return structural({
    name: 'reader.sibling',
    status: 'not-provable',
    path: text,
    expected: `a list of all that begins with ${text}`,
    found: message,
    next: 'Check with credentials that may list the folder above, as those of the reader have to.',
  })
}

function siblingCheck({
  reader: { title },
  address: { kind, text },
  count,
  bytes,
  first,
}: {
  reader: Reader
  address: ReaderAddress
  count: number
  bytes: number
  first: string | undefined
}): Check {
  const name = 'reader.sibling'
  if (first === undefined) return structural({ name, status: 'ok', path: text })
  return structural({
    name,
    status: 'failed',
    path: first,
    expected: `nothing else that begins with ${text}`,
    found: `${count} objects with ${bytes} bytes, which ${title} takes along`,
    next:
      kind === 's3'
        ? `End the address with a slash: ${text}/`
        : 'Move them, or upload to a prefix that no other begins with: a slash at the end does not help here.',
  })
}
