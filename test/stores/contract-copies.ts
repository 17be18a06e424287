import { expect, it } from 'vitest'

import type { Store } from '../../src/stores/store.ts'
import { listKeys, never, putMultipart, putText, readText, sameBytes, statStored } from './contract-tools.ts'

/** Between two stores of one service. A store that names no service copies from no other one. */
export function copiesContract(open: () => Promise<Store>, nastyKeys: readonly string[]): void {
  const openTwo = async () => {
    const [source, store] = [await open(), await open()]
    const { copyFrom } = store
    expect(source.service).toBe(store.service)
    expect(copyFrom === undefined).toBe(store.service === undefined)
    return { source, store, copyFrom }
  }

  it('copies what another store of its service has, with its checksum', async () => {
    const { source, store, copyFrom } = await openTwo()
    if (copyFrom === undefined) return
    const { whole } = await putMultipart(source, 'parts')
    await putText(source, 'empty', '')
    await putText(source, 'small', 'small')
    for (const key of ['parts', 'empty', 'small']) {
      const object = await statStored(source, key)
      const copied = await copyFrom({ store: source, object }, `of/${key}`, never)
      expect(copied).toMatchObject({ key: `of/${key}`, size: object.size })
      expect(await store.stat(`of/${key}`, never)).toMatchObject({ crc32c: object.crc32c })
    }
    expect(await listKeys(store)).toEqual(['of/empty', 'of/parts', 'of/small'])
    expect(await sameBytes(store, 'of/parts', whole)).toBe(true)
  })

  it.each(nastyKeys)('copies %j from another store', async key => {
    const { source, store, copyFrom } = await openTwo()
    if (copyFrom === undefined) return
    await putText(source, key, key)
    const object = await statStored(source, key)
    await copyFrom({ store: source, object }, key, never)
    expect(await readText(store, key)).toBe(key)
  })

  it('copies nothing that was replaced or removed meanwhile', async () => {
    const { source, store, copyFrom } = await openTwo()
    if (copyFrom === undefined) return
    await putText(source, 'key', 'first')
    const object = await statStored(source, 'key')
    await putText(source, 'key', 'second')
    await expect(copyFrom({ store: source, object }, 'copy', never)).rejects.toMatchObject({ code: 'OBJECT_CHANGED' })
    await source.remove('key', never)
    await expect(copyFrom({ store: source, object }, 'copy', never)).rejects.toMatchObject({ category: 'not-found' })
    expect(await listKeys(store)).toEqual([])
  })
}
