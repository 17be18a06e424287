import { buffer } from 'node:stream/consumers'

import { expect, it } from 'vitest'

import type { Store } from '../../src/stores/store.ts'
import { listKeys, never, provedSum, putText, readText, refusalOf, sumsOf, wrongSumsOf } from './contract-tools.ts'

export function objectContract(open: () => Promise<Store>, nastyKeys: readonly string[]): void {
  it('stats what is stored, and nothing where nothing is', async () => {
    const store = await open()
    await putText(store, 'a/b', 'hello')
    const found = await store.stat('a/b', never)
    expect(found).toMatchObject({ key: 'a/b', size: 5 })
    expect(found?.crc32c).toBe(provedSum(store, Buffer.from('hello')))
    expect(await store.stat('a', never)).toBeUndefined()
    expect(await store.stat('a/b/c', never)).toBeUndefined()
    expect(await store.stat('absent', never)).toBeUndefined()
  })

  it('replaces an object', async () => {
    const store = await open()
    await putText(store, 'key', 'first')
    await putText(store, 'key', 'second')
    expect(await readText(store, 'key')).toBe('second')
  })

  it('keeps what is there with ifAbsent, whoever comes first', async () => {
    const store = await open()
    const attempt = (text: string) => {
      const bytes = Buffer.from(text)
      return store.put('key', bytes, sumsOf(bytes), { ifAbsent: true, ...never })
    }
    const outcomes: PromiseSettledResult<unknown>[] = []
    if (store.capabilities.conditionalPut) {
      outcomes.push(...(await Promise.allSettled(['one', 'two', 'six'].map(attempt))))
    } else for (const text of ['one', 'two', 'six']) outcomes.push(...(await Promise.allSettled([attempt(text)])))
    const refused = outcomes.filter(outcome => outcome.status === 'rejected').map(outcome => outcome.reason)
    expect(refused).toHaveLength(2)
    for (const error of refused) expect(error).toMatchObject({ category: 'check-failed', code: 'STORE_KEY_EXISTS' })
    expect(['one', 'two', 'six']).toContain(await readText(store, 'key'))
  })

  it('refuses bytes that are not those of the checksum, and keeps what was there', async () => {
    const store = await open()
    await putText(store, 'old', 'old')
    for (const key of ['new', 'old']) {
      const bytes = Buffer.from('changed on the way')
      const refused = await refusalOf(() => store.put(key, bytes, wrongSumsOf(bytes), never))
      expect(refused).toMatchObject({ code: 'CHECKSUM_MISMATCH', mend: 'same' })
    }
    expect(await listKeys(store)).toEqual(['old'])
    expect(await readText(store, 'old')).toBe('old')
  })

  it('reads ranges, both ends included', async () => {
    const store = await open()
    await putText(store, 'key', '0123456789')
    expect(await readText(store, 'key', { start: 0, end: 0 })).toBe('0')
    expect(await readText(store, 'key', { start: 3, end: 6 })).toBe('3456')
    expect(await readText(store, 'key', { start: 9, end: 9 })).toBe('9')
  })

  it('says that it is not there when an absent object is read or copied', async () => {
    const store = await open()
    await expect(store.read('absent', undefined, never)).rejects.toMatchObject({ category: 'not-found' })
    if (!store.capabilities.serverCopy) return
    await expect(store.copy('absent', 'copy', never)).rejects.toMatchObject({ category: 'not-found' })
  })

  it('holds objects without a byte', async () => {
    const store = await open()
    await putText(store, 'empty', '')
    const { serverCopy } = store.capabilities
    if (serverCopy) await store.copy('empty', 'copy', never)
    for (const key of serverCopy ? ['empty', 'copy'] : ['empty']) {
      expect(await store.stat(key, never)).toMatchObject({ size: 0 })
      expect(await buffer(await store.read(key, undefined, never))).toHaveLength(0)
    }
  })

  it('refuses to copy where it can not', async () => {
    const store = await open()
    if (store.capabilities.serverCopy) return
    await putText(store, 'from', 'text')
    await expect(store.copy('from', 'to', never)).rejects.toMatchObject({ code: 'STORE_UNSUPPORTED', mend: 'not' })
    expect(await listKeys(store)).toEqual(['from'])
  })

  it('removes twice', async () => {
    const store = await open()
    await putText(store, 'a/b/c', 'text')
    await store.remove('a/b/c', never)
    await store.remove('a/b/c', never)
    expect(await listKeys(store)).toEqual([])
  })

  it('copies, and the copies live apart', async () => {
    const store = await open()
    if (!store.capabilities.serverCopy) return
    await putText(store, 'from', 'first')
    expect(await store.copy('from', 'deep/to', never)).toMatchObject({ key: 'deep/to', size: 5 })
    await putText(store, 'from', 'second')
    expect(await readText(store, 'deep/to')).toBe('first')
    await store.remove('from', never)
    expect(await readText(store, 'deep/to')).toBe('first')
  })

  it.each(nastyKeys)('writes, reads and removes %j', async key => {
    const store = await open()
    await putText(store, key, key)
    expect(await listKeys(store)).toEqual([key])
    expect(await readText(store, key)).toBe(key)
    await store.remove(key, never)
    expect(await store.stat(key, never)).toBeUndefined()
  })

  it.each(nastyKeys)('copies %j', async key => {
    const store = await open()
    if (!store.capabilities.serverCopy) return
    await putText(store, key, key)
    await store.copy(key, `copy of/${key}`, never)
    expect(await store.stat(`copy of/${key}`, never)).toMatchObject({ size: Buffer.byteLength(key) })
  })

  it.each(['../up', 'a/../../up', '/absolute', '..', '.', 'a/./b', 'nul\0', ''])('refuses the key %j', async key => {
    const store = await open()
    const refused = { category: 'usage', code: 'STORE_KEY_OUTSIDE' }
    await putText(store, 'inside', 'text')
    await expect(putText(store, key, 'text')).rejects.toMatchObject(refused)
    await expect(store.stat(key, never)).rejects.toMatchObject(refused)
    await expect(store.read(key, undefined, never)).rejects.toMatchObject(refused)
    await expect(store.copy('inside', key, never)).rejects.toMatchObject(refused)
    await expect(store.copy(key, 'copy', never)).rejects.toMatchObject(refused)
    await expect(store.remove(key, never)).rejects.toMatchObject(refused)
    await expect(store.openUpload(key, { size: 1, partSize: 1, ...never })).rejects.toMatchObject(refused)
  })

  it('tells an abort to a reader that comes later', async () => {
    const store = await open()
    await putText(store, 'large', 'x'.repeat(4 * 2 ** 20))
    const abort = new AbortController()
    const body = await store.read('large', undefined, { signal: abort.signal })
    abort.abort()
    await new Promise(resolve => setTimeout(resolve, 20))
    await expect(Array.fromAsync(body)).rejects.toThrow('abort')
  })

  it('does nothing once it was told to stop', async () => {
    const store = await open()
    const reason = new Error('told to stop')
    const stopped = { signal: AbortSignal.abort(reason) }
    const bytes = Buffer.from('text')
    await expect(store.put('key', bytes, sumsOf(bytes), stopped)).rejects.toBe(reason)
    await expect(store.stat('key', stopped)).rejects.toBe(reason)
    await expect(store.list('', undefined, stopped)).rejects.toBe(reason)
    await expect(store.openUpload('key', { size: 1, partSize: 1, ...stopped })).rejects.toBe(reason)
    expect(await listKeys(store)).toEqual([])
  })
}
