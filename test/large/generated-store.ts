import { Readable } from 'node:stream'

import { inventoryKey, type InventoryEntry, type InventoryHeader } from '../../src/inventory/inventory.ts'
import type { Page, Store, StoredObject } from '../../src/stores/store.ts'
import { openMemoryStore } from '../transfer/memory-store.ts'

export interface Generated {
  /** Number of files that the inventory names and the store holds. */
  files: number
  /** Listed by key, or in an order that has nothing to do with it. */
  sorted: boolean
  /** Every object has another size than the inventory says. */
  broken: boolean
}

/** A store whose inventory, listing and checksums are made while they are read: it holds nothing. */
export function openGeneratedStore({ files, sorted, broken }: Generated): Store {
  const objectAt = (position: number): StoredObject => {
    const index = sorted ? position : (position * step) % files
    return { key: pathOf(index), size: sizeOf(index) + (broken ? 1 : 0), etag: 'e' }
  }
  const list = async (prefix: string, cursor = '0'): Promise<Page> => {
    const start = Number(cursor)
    const end = Math.min(start + 1000, files)
    const objects = Array.from({ length: end - start }, (_, index) => objectAt(start + index))
    const marker = start === 0 ? [{ key: inventoryKey, size: 1 }] : []
    const found = [...marker, ...objects].filter(({ key }) => key.startsWith(prefix))
    return { objects: found, ...(end < files && found.length > 0 && { cursor: String(end) }) }
  }
  const store = openMemoryStore({ sortedListing: sorted })
  return {
    ...store,
    list: async (prefix, cursor) => await list(prefix, cursor),
    stat: async key => ({ key, size: 0, crc32c: sumOf(Number(/\d{8}$/.exec(key)?.[0])) }),
    read: async () => Readable.from(inventoryText(files)),
  }
}

/** Coprime to every number of files that is used here, so that each position has its own file. */
const step = 7_368_787

const version = '0.1+a1b2c3d4-h100x8-fp8-throughput'
const model = 'ngc/hub/models--nim--meta--llama-3_1-8b-instruct'

function pathOf(index: number): string {
  const number = String(index).padStart(8, '0')
  return `${model}/snapshots/${version}/part-${number.slice(0, 5)}/shard-${number}`
}

const sizeOf = (index: number) => index % 1000
const sumOf = (index: number) => Math.imul(index, 0x9e3779b1) >>> 0

function* inventoryText(files: number): Generator<Buffer> {
  let bytes = 0
  for (let index = 0; index < files; index += 2) bytes += sizeOf(index)
  const known = { profiles: [], models: [`nim/meta/llama-3_1-8b-instruct:${version}`], files, bytes }
  const header: InventoryHeader = {
    formatVersion: 1,
    kind: 'Inventory',
    tool: 'nimctl/test',
    layout: 'cache',
    links: 'copy',
    ...known,
  }
  let text = `${JSON.stringify(header)}\n`
  for (let index = 0; index < files; index++) {
    text += `${JSON.stringify(entryAt(index))}\n`
    if (text.length < 2 ** 16) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(text)
}

/** Files and links in turn. */
function entryAt(index: number): InventoryEntry {
  const path = pathOf(index)
  const content = { size: sizeOf(index), crc32c: sumOf(index).toString(16).padStart(8, '0') }
  if (index % 2 === 0) return { type: 'file', path, mode: 0o644, ...content }
  return { type: 'link', path, key: path, target: '../../../blobs/0123456789abcdef0123456789abcdef', ...content }
}
