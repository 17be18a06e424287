import { Readable } from 'node:stream'

import { expect, it } from 'vitest'

import { examineWriting } from '../../src/pipeline/doctor-write.ts'
import type { Store } from '../../src/stores/store.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { type MemoryStore, openMemoryStore } from '../transfer/memory-store.ts'

const signal = new AbortController().signal
const denied = () =>
  Promise.reject(new NimctlError('auth', 'ACCESS_DENIED', { what: 'You may not.', next: 'Ask for the permission.' }))

async function examine(store: Store, transferBytes?: number) {
  const findings = await examineWriting({
    name: 'memory://a',
    store,
    ...(transferBytes !== undefined && { transferBytes }),
    signal,
  })
  return {
    findings,
    steps: findings.map(({ name, status }) => `${name.replace('memory://a: ', '')} ${status}`),
  }
}

/** A store whose permissions or answers differ from those of a whole one. */
function different(change: (store: MemoryStore) => Partial<Store>): { memory: MemoryStore; store: Store } {
  const memory = openMemoryStore()
  return { memory, store: { ...memory, ...change(memory) } }
}

it('proves every permission, and leaves nothing', async () => {
  const memory = openMemoryStore()
  memory.place('models/a', Buffer.from('theirs'))
  expect((await examine(memory)).steps).toEqual(['write ok', 'list ok', 'read ok', 'delete ok'])
  expect([...memory.objects.keys()]).toEqual(['models/a'])
})

it.each<[string, (store: MemoryStore) => Partial<Store>, string[]]>([
  ['write', () => ({ put: denied }), ['write failed', 'delete ok']],
  ['list', () => ({ list: denied }), ['write ok', 'list failed', 'read ok', 'delete ok']],
  ['read', () => ({ read: denied }), ['write ok', 'list ok', 'read failed', 'delete ok']],
])('without permission to %s names that step alone, and leaves nothing', async (_, change, steps) => {
  const { memory, store } = different(change)
  const found = await examine(store)
  expect(found.steps).toEqual(steps)
  expect(found.findings.find(({ status }) => status === 'failed')).toMatchObject({ next: 'Ask for the permission.' })
  expect(memory.objects.size).toBe(0)
})

it('without permission to delete says so', async () => {
  const { store } = different(() => ({ remove: denied }))
  expect((await examine(store)).steps).toEqual(['write ok', 'list ok', 'read ok', 'delete failed'])
})

it('removes what arrived although its answer did not', async () => {
  const { memory, store } = different(whole => ({
    put: async (...parameters) => {
      await whole.put(...parameters)
      throw new NimctlError('unavailable', 'STORE_UNREACHABLE', { what: 'The connection broke.' })
    },
  }))
  expect((await examine(store)).steps).toEqual(['write failed', 'delete ok'])
  expect(memory.objects.size).toBe(0)
})

it('removes its objects also after a bug or Ctrl-C in between', async () => {
  const { memory, store } = different(() => ({ read: () => Promise.reject(new Error('told to stop')) }))
  await expect(examine(store)).rejects.toThrow('told to stop')
  expect(memory.objects.size).toBe(0)
})

it.each<[string, (store: MemoryStore) => Partial<Store>, string]>([
  ['lists without what was written', () => ({ list: async () => ({ objects: [] }) }), 'list failed'],
  ['gives back something else', () => ({ read: async () => Readable.from([Buffer.from('another')]) }), 'read failed'],
  ['keeps what was removed', () => ({ remove: async () => {} }), 'delete failed'],
])('does not believe a store that %s', async (_, change, step) => {
  expect((await examine(different(change).store)).steps).toContain(step)
})

it('does not ask for a listing where there is none', async () => {
  const memory = openMemoryStore({ listing: 'none' })
  expect((await examine({ ...memory, list: denied })).steps).toContain('list ok')
})

it('estimates the hours of a transfer, with objects of a size that the store takes, and leaves nothing', async () => {
  const memory = openMemoryStore({ maxPut: 1024 })
  const { findings, steps } = await examine(memory, 1e12)
  expect(steps).toEqual(['write ok', 'list ok', 'read ok', 'throughput ok', 'delete ok'])
  expect(findings[3]?.found).toMatch(/^\S+ MB\/s with 4 requests at once; 1\.00e\+3 GB take some \S+ h/)
  expect(memory.objects.size).toBe(0)
})
