import pMap from 'p-map'
import { expect, it } from 'vitest'

import type { Store } from '../../src/stores/store.ts'
import { inUtf8Order, listAll, listKeys, never, putText } from './contract-tools.ts'

/** @param severalPages how many objects no page holds. */
export function listingContract(open: () => Promise<Store>, nastyKeys: readonly string[], severalPages = 1203): void {
  it('lists nothing where nothing lies', async () => {
    const store = await open()
    expect(await store.list('', undefined, never)).toEqual({ objects: [] })
    expect(await store.list('absent/', undefined, never)).toEqual({ objects: [] })
  })

  it('lists each key once, with its size, in the order of UTF-8 bytes where it says so', async () => {
    const store = await open()
    const keys = [...nastyKeys, 'a-c/d', 'a-c.d', 'a0', 'a/b-c', 'a/b.c/d', 'z', 'Z']
    await pMap(keys, key => putText(store, key, key), { concurrency: 4 })
    const objects = await listAll(store)
    const listed = objects.map(object => object.key)
    expect(store.capabilities.sortedListing ? listed : inUtf8Order(listed)).toEqual(inUtf8Order(keys))
    for (const { key, size } of objects) expect(size).toBe(Buffer.byteLength(key))
  })

  it('lists what begins with a prefix, also in the middle of a name', async () => {
    const store = await open()
    const keys = ['ab', 'abc/d', 'abc/e/f', 'abd', 'b', 'ABC/d']
    await pMap(keys, key => putText(store, key, key), { concurrency: 4 })
    expect(inUtf8Order(await listKeys(store, 'ab'))).toEqual(['ab', 'abc/d', 'abc/e/f', 'abd'])
    expect(inUtf8Order(await listKeys(store, 'abc/'))).toEqual(['abc/d', 'abc/e/f'])
    expect(await listKeys(store, 'abc/e')).toEqual(['abc/e/f'])
    expect(await listKeys(store, 'abc/e/f')).toEqual(['abc/e/f'])
  })

  it('lists page by page, and any page again', { timeout: 60_000 }, async () => {
    const store = await open()
    const keys = Array.from({ length: severalPages }, (_, index) => `folder-${index % 7}/file-${index}`)
    await pMap(keys, key => putText(store, key, ''), { concurrency: 16 })
    const first = await store.list('', undefined, never)
    expect(first.cursor).toBeDefined()
    const second = await store.list('', first.cursor, never)
    const again = await store.list('', first.cursor, never)
    expect(again).toEqual(second)
    expect(inUtf8Order(await listKeys(store))).toEqual(inUtf8Order(keys))
  })
}
