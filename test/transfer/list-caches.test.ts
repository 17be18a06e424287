import { expect, it } from 'vitest'

import { formatInventory } from '../../src/inventory/format.ts'
import type { Store } from '../../src/stores/store.ts'
import { listCaches } from '../../src/transfer/list-caches.ts'
import { openMemoryStore, type MemoryStore } from './memory-store.ts'

const { signal } = new AbortController()

/** A cache of two files below a prefix; only one of them has to lie there. */
function place(store: MemoryStore, prefix: string, { whole }: { whole: boolean }): void {
  const paths = ['a', 'a-b/c']
  const known = { profiles: [], models: [], files: paths.length, bytes: paths.length }
  const header = { formatVersion: 1, kind: 'Inventory', tool: 'nimctl/test', layout: 'plain', links: 'copy' } as const
  const file = { type: 'file', size: 1, mode: 0o644, crc32c: '00000000' } as const
  const text = formatInventory({ header: { ...header, ...known }, entries: paths.map(path => ({ ...file, path })) })
  store.place(`${prefix}.nimctl/inventory.jsonl`, Buffer.from(text))
  for (const path of whole ? paths : paths.slice(1)) store.place(prefix + path, Buffer.alloc(1))
}

/** Each folder by itself, as SeaweedFS lists: `a/b` before `a-b`. */
function byFolder(store: MemoryStore): Store {
  const list: Store['list'] = async () => {
    const sorted = [...store.objects.keys()].toSorted((a, b) =>
      a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1,
    )
    return { objects: sorted.map(key => ({ key, size: store.objects.get(key)?.bytes.length ?? 0 })) }
  }
  return { ...store, list, capabilities: { ...store.capabilities, sortedListing: false } }
}

it.each([
  ['by key', (store: MemoryStore): Store => store],
  ['by folder', byFolder],
])('tells caches beside and inside each other apart, listed %s', async (_case, disguise) => {
  const store = openMemoryStore()
  place(store, 'models/', { whole: true })
  place(store, 'models/inner/', { whole: false })
  place(store, 'models-b/', { whole: true })
  store.place('other/ngc/hub/models--x/blobs/1', Buffer.alloc(3))
  store.place('models/ngc/hub/models--x/blobs/extra', Buffer.alloc(3))

  const caches = await listCaches(disguise(store), signal)
  expect(caches.map(({ prefix, files, bytes, complete }) => ({ prefix, files, bytes, complete }))).toEqual(
    expect.arrayContaining([
      { prefix: 's3://memory/models/', files: 2, bytes: 2, complete: true },
      { prefix: 's3://memory/models/inner/', files: 2, bytes: 2, complete: false },
      { prefix: 's3://memory/models-b/', files: 2, bytes: 2, complete: true },
      { prefix: 's3://memory/other/', files: 1, bytes: 3, complete: false },
    ]),
  )
  expect(caches).toHaveLength(4)
})
