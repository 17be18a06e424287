import { setImmediate } from 'node:timers/promises'

import { describe, expect, it } from 'vitest'

import { formatInventory, inventoryDigest } from '../../src/inventory/format.ts'
import {
  listStoredEntries,
  ngcInventoryKey,
  type Inventory,
  type InventoryEntry,
} from '../../src/inventory/inventory.ts'
import { collectInventory, readInventory } from '../../src/inventory/read.ts'
import { newSeed, seeded } from '../seeded.ts'

const file: InventoryEntry = { type: 'file', path: 'blobs/ab', size: 3, mode: 0o644, crc32c: '00000001' }
const link: InventoryEntry = {
  type: 'link',
  path: 'snapshots/v/a',
  key: 'snapshots/v/a',
  target: '../../blobs/ab',
  size: 3,
  crc32c: '00000001',
}

function anInventory(entries: InventoryEntry[] = [file, link]): Inventory {
  return {
    header: {
      formatVersion: 1,
      kind: 'Inventory',
      tool: 'nimctl/test',
      profiles: [],
      models: [],
      layout: 'cache',
      links: 'copy',
      files: entries.filter(({ type }) => type !== 'directory').length,
      bytes: entries.reduce((sum, entry) => (entry.type === 'file' ? sum + entry.size : sum), 0),
    },
    entries,
  }
}

/** In pieces of `length` bytes, as a connection brings them. */
async function* inPieces(text: string, length: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += length) {
    await setImmediate()
    yield bytes.subarray(start, start + length)
  }
}

async function read(text: string, { length = 1000 } = {}): Promise<Inventory> {
  return await collectInventory(await readInventory(inPieces(text, length), 's3://b/p'))
}

it('comes back as it was written, sorted, with the same digest whatever the order', async () => {
  const text = formatInventory(anInventory([link, file, { type: 'directory', path: 'tmp', mode: 0o755 }]))
  const inventory = await read(text)
  expect(inventory.entries.map(({ path }) => path)).toEqual(['blobs/ab', 'snapshots/v/a', 'tmp'])
  expect(formatInventory(inventory)).toBe(text)
})

const seed = newSeed()

it(`is the same in pieces of any length (seed ${seed})`, async () => {
  const random = seeded(seed)
  const names = ['ünï', 'emoji-😀', 'new\nline', 'lone-\ud800', '\u2028', 'plain', '"quoted"']
  const paths = new Set(
    Array.from({ length: 50 }, () => `${random.pick(names)}/${random.pick(names)}-${random.below(99)}`),
  )
  const text = formatInventory(anInventory([...paths].map(path => ({ ...file, path }))))
  const whole = await read(text, { length: Infinity })
  for (const length of [1, 2, 3, 7, 1 + random.below(500)]) {
    const reader = await readInventory(inPieces(text, length), 's3://b/p')
    expect(await collectInventory(reader)).toEqual(whole)
    expect(reader.digest()).toBe(inventoryDigest(text))
  }
})

it('says of an archive which objects there are', async () => {
  const inventory = anInventory([{ ...file, key: 'cache.tar', offset: 512 }, link])
  const archive = { key: 'cache.tar', size: 2048, crc32c: '00000002', partSize: 1024 }
  const stored: Inventory = { ...inventory, header: { ...inventory.header, layout: 'tar', links: 'record', archive } }
  expect(await read(formatInventory(stored))).toEqual(stored)
  expect(listStoredEntries(stored)).toMatchObject([{ type: 'file', ...archive }])
  expect(listStoredEntries(anInventory()).map(({ path }) => path)).toEqual([file.path, link.path])
})

describe('what is no whole inventory is refused', () => {
  const text = formatInventory(anInventory())
  const tar = text.replace('"layout":"cache"', '"layout":"tar"')
  const withArchive = (from: string, key = 'cache.tar') =>
    from.replace('"files"', `"archive":{"key":"${key}","size":9,"crc32c":"00000001"},"files"`)
  const withEntry = (entry: object) => `${text}${JSON.stringify(entry)}\n`
  it.each([
    ['a cut end', text.slice(0, -1), 'cut off'],
    ['an empty file', '', 'cut off'],
    ['no JSON', `${text}{\n`, 'no JSON'],
    ['a path that leads outside', withEntry({ ...file, path: '../x' }), 'leads outside'],
    ['an absolute path', withEntry({ ...file, path: '/etc/passwd' }), 'leads outside'],
    ['a link that leads outside', withEntry({ ...link, path: 'z', target: '../../etc/passwd' }), 'leads outside'],
    ['a path twice', withEntry(link), 'twice or out of order'],
    ['a wrong order', withEntry({ ...file, path: 'a' }), 'twice or out of order'],
    ['a size that is none', withEntry({ ...file, path: 'z', size: -1 }), 'size'],
    ['an archive in another layout', withArchive(text), 'belongs to layout tar'],
    ['layout tar without an archive', tar, 'belongs to layout tar'],
    ['an archive that lies outside', withArchive(tar, '../cache.tar'), 'leads outside'],
    ['an offset that is none', withEntry({ ...file, path: 'z', offset: 0.5 }), 'offset'],
    ['a kind that nobody knows', withEntry({ ...file, path: 'z', type: 'socket' }), 'type'],
    ['an end that is missing whole', text.slice(0, text.trimEnd().lastIndexOf('\n') + 1), 'the header counts 2 files'],
    ['an entry too many', withEntry({ ...file, path: 'z' }), 'the header counts 2 files'],
    ['a line without end', `${text}${' '.repeat(17 * 2 ** 20)}`, 'no end'],
  ])('%s', async (_case, damaged, why) => {
    await expect(read(damaged, { length: 2 ** 20 })).rejects.toMatchObject({
      category: 'check-failed',
      code: 'INVENTORY_INVALID',
      why: expect.stringContaining(why),
    })
  })

  it.each([1, 2, 3])('damage in line %i is told with its number', async number => {
    const lines = text.split('\n')
    lines[number - 1] = '{"formatVersion":1'
    await expect(read(lines.join('\n'), { length: 10 })).rejects.toMatchObject({
      code: 'INVENTORY_INVALID',
      message: expect.stringContaining(`s3://b/p is damaged in line ${number}.`),
    })
  })
})

it('says that a newer nimctl wrote it', async () => {
  const text = formatInventory(anInventory()).replace('"formatVersion":1', '"formatVersion":2')
  await expect(read(text)).rejects.toMatchObject({ code: 'INVENTORY_TOO_NEW' })
})

it.each([
  ['nvcr.io/nim/meta/llama:1.0', '.nimctl/llama@0123456789ab.jsonl'],
  ['127.0.0.1:5000/nim/llama', '.nimctl/llama@0123456789ab.jsonl'],
])('names the inventory of %s in a shared bucket', (image, key) => {
  expect(ngcInventoryKey(image, 'sha256:0123456789abcdef')).toBe(key)
})
