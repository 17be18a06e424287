import { describe, expect, it } from 'vitest'

import { formatInventory, inventoryDigest, parseInventory } from '../../src/inventory/format.ts'
import { ngcInventoryKey, type Inventory, type InventoryEntry } from '../../src/inventory/inventory.ts'

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
      files: entries.length,
      bytes: 3,
    },
    entries,
  }
}

it('comes back as it was written, sorted, with the same digest whatever the order', () => {
  const text = formatInventory(anInventory([link, file, { type: 'directory', path: 'tmp', mode: 0o755 }]))
  expect(parseInventory(text, 'x').entries.map(({ path }) => path)).toEqual(['blobs/ab', 'snapshots/v/a', 'tmp'])
  expect(formatInventory(parseInventory(text, 'x'))).toBe(text)
  expect(inventoryDigest(text)).toMatch(/^sha256:[0-9a-f]{64}$/)
})

describe('what is no whole inventory is refused', () => {
  const text = formatInventory(anInventory())
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
    ['a kind that nobody knows', withEntry({ ...file, path: 'z', type: 'socket' }), 'type'],
  ])('%s', (_case, damaged, why) => {
    expect(() => parseInventory(damaged, 's3://b/p')).toThrow(
      expect.objectContaining({
        category: 'check-failed',
        code: 'INVENTORY_INVALID',
        why: expect.stringContaining(why),
      }),
    )
  })
})

it('says that a newer nimctl wrote it', () => {
  const text = formatInventory(anInventory()).replace('"formatVersion":1', '"formatVersion":2')
  expect(() => parseInventory(text, 'x')).toThrow(expect.objectContaining({ code: 'INVENTORY_TOO_NEW' }))
})

it.each([
  ['nvcr.io/nim/meta/llama:1.0', '.nimctl/llama@0123456789ab.jsonl'],
  ['127.0.0.1:5000/nim/llama', '.nimctl/llama@0123456789ab.jsonl'],
])('names the inventory of %s in a shared bucket', (image, key) => {
  expect(ngcInventoryKey(image, 'sha256:0123456789abcdef')).toBe(key)
})
