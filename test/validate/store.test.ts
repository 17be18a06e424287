import { Readable } from 'node:stream'

import { expect, it } from 'vitest'

import { formatInventory } from '../../src/inventory/format.ts'
import {
  inventoryKey,
  ngcInventoryKey,
  type Inventory,
  type InventoryEntry,
  type Layout,
  type Links,
} from '../../src/inventory/inventory.ts'
import type { Store } from '../../src/stores/store.ts'
import type { Check } from '../../src/system/check.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { crc32c, crc32cToHex } from '../../src/system/hash.ts'
import { silent } from '../../src/system/progress.ts'
import { newSeed, seeded, type Seeded } from '../seeded.ts'
import { openMemoryStore, type MemoryStore } from '../transfer/memory-store.ts'
import { reportStore } from './store-report.ts'

const { signal } = new AbortController()
const first = Number(process.env.NIMCTL_TEST_SEED ?? newSeed())
const seeds = Array.from({ length: Number(process.env.NIMCTL_TEST_CASES ?? 60) }, (_, index) => first + index)

const names = ['a', 'a-b', 'a0', 'A', 'new\nline', 'ünï', '\uFFFD', 'emoji-😀', '\uE000', '%3A', 'sp ace', 'blobs/ab']

interface Case {
  store: MemoryStore
  inventory: Inventory
  /** What the inventory of another image in the same bucket names. */
  others: Set<string>
  deep: boolean
  /** Stats of these have no checksum: another tool wrote them. */
  bare: Set<string>
}

it.each(seeds)('says what a comparison of sets says, whatever the tree, damage and order (seed %i)', async seed => {
  const random = seeded(seed)
  const one = makeCase(random)
  const expected = compareNaively(one)
  for (const sortedListing of [true, false]) {
    const { ok, checks } = await reportStore({
      store: disguised(one, { sortedListing, random }),
      profiles: [],
      ...(one.inventory.header.layout === 'ngc' && { image }),
      deep: one.deep,
      concurrency: 1 + random.below(8),
      signal,
      report: silent,
    })
    expect(
      checks
        .filter(({ name }) => name !== 'store.inventory')
        .map(outline)
        .toSorted(),
    ).toEqual(expected)
    expect(ok).toBe(!checks.some(({ status }) => status === 'failed'))
    const ranks = checks.map(({ status }) => ['failed', 'warning', 'not-provable', 'ok'].indexOf(status))
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b))
  }
})

const image = { reference: 'nvcr.test/nim/one:1', digest: `sha256:${'1'.repeat(64)}` }
const other = { reference: 'nvcr.test/nim/two:1', digest: `sha256:${'2'.repeat(64)}` }

function makeCase(random: Seeded): Case {
  const layout = random.pick<Layout>(['cache', 'plain', 'ngc'])
  const links = random.pick<Links>(['copy', 'follow', 'record'])
  const checksums = random.below(3) > 0
  const store = openMemoryStore(checksums ? {} : { statProof: 'size', listingProof: 'size' }, 1 + random.below(20))
  const entries = randomPaths(random).map((path): InventoryEntry => {
    const bytes = random.bytes(random.below(20))
    const content = { size: bytes.length, crc32c: crc32cToHex(crc32c(bytes)) }
    // As of layout ngc: other keys than paths, in another order.
    const key = layout === 'ngc' ? encodeURIComponent(`${path}:v`).split('').toReversed().join('') : undefined
    const kind = random.below(8)
    if (kind === 0) return { type: 'directory', path, mode: 0o755 }
    if (kind > 3 || links !== 'record') store.place(key ?? path, bytes)
    const named = { path, ...(key !== undefined && { key }), ...content }
    return kind > 3 ? { type: 'file', ...named, mode: 0o644 } : { type: 'link', ...named, target: 'x' }
  })
  const inventory = anInventory(entries, { layout, links })
  const keys = [...store.objects.keys()]
  for (const key of some(keys, random)) damage(store, key, random)
  for (const key of some(['extra', 'zzz', '😀', 'blobs/extra'], random)) store.place(key, random.bytes(3))

  const others = new Set(layout === 'ngc' ? some([...keys, 'extra', 'zzz', 'gone'], random) : [])
  if (others.size > 0) {
    const foreign = [...others].map(key => ({ ...file, path: `other/${key}`, key }))
    publish(store, ngcInventoryKey(other.reference, other.digest), anInventory(foreign, { layout, links }))
  }
  const marker = markerOf(layout)
  publish(store, marker, inventory)
  return { store, inventory, others, deep: random.below(4) === 0, bare: new Set(some([...keys, marker], random)) }
}

function markerOf(layout: Layout): string {
  return layout === 'ngc' ? ngcInventoryKey(image.reference, image.digest) : inventoryKey
}

const file = { type: 'file' as const, path: 'x', size: 0, mode: 0o644, crc32c: '00000000' }

function randomPaths(random: Seeded): string[] {
  const parts = () => Array.from({ length: 1 + random.below(3) }, () => random.pick(names)).join('/')
  return [...new Set(Array.from({ length: random.below(40) }, parts))]
}

function anInventory(entries: InventoryEntry[], { layout, links }: { layout: Layout; links: Links }): Inventory {
  const files = entries.filter(({ type }) => type !== 'directory').length
  const bytes = entries.reduce((sum, entry) => (entry.type === 'file' ? sum + entry.size : sum), 0)
  const known = { profiles: [], models: [], layout, links, files, bytes }
  return { header: { formatVersion: 1, kind: 'Inventory', tool: 'nimctl/test', ...known }, entries }
}

function publish(store: MemoryStore, key: string, inventory: Inventory): void {
  store.place(key, Buffer.from(formatInventory(inventory)))
}

function damage(store: MemoryStore, key: string, random: Seeded): void {
  const size = store.objects.get(key)?.bytes.length ?? 0
  const kind = random.below(3)
  if (kind === 0) store.objects.delete(key)
  else store.place(key, random.bytes(kind === 1 ? size : size + 1))
}

function some<T>(items: readonly T[], random: Seeded): T[] {
  return random.shuffle(items).slice(0, random.below(items.length + 1))
}

/** Lists as SeaweedFS and others do: in an order of its own. */
function disguised(
  { store, bare }: Case,
  { sortedListing, random }: { sortedListing: boolean; random: Seeded },
): Store {
  const stat: Store['stat'] = async (key, options) => {
    const object = await store.stat(key, options)
    if (object === undefined || !bare.has(key)) return object
    const { crc32c: _, ...rest } = object
    return rest
  }
  if (sortedListing) return { ...store, stat }
  const order = random.shuffle([...store.objects.keys()])
  const list: Store['list'] = async (prefix, cursor = '0') => {
    const end = Number(cursor) + 5
    const keys = order.slice(Number(cursor), end).filter(key => key.startsWith(prefix))
    const objects = keys.map(key => ({ key, size: store.objects.get(key)?.bytes.length ?? 0 }))
    return { objects, ...(end < order.length && { cursor: String(end) }) }
  }
  return { ...store, stat, list, capabilities: { ...store.capabilities, sortedListing } }
}

/** Sets and maps of everything; sorted outlines of checks. */
function compareNaively({ store, inventory, others, deep, bare }: Case): string[] {
  const { header, entries } = inventory
  const hasChecksums = store.capabilities.statProof === 'full-checksum'
  const found = new Map<string, string>()
  const unproved = new Map<string, { kind: string; same: boolean }>()
  for (const entry of entries) {
    if (entry.type === 'directory' || (entry.type === 'link' && header.links === 'record')) continue
    const key = entry.key ?? entry.path
    const kind = entry.type === 'link' ? 'link' : /(?:^|\/)blobs\/[^/]+$/.test(entry.path) ? 'blob' : 'file'
    const bytes = store.objects.get(key)?.bytes
    const same = bytes !== undefined && crc32cToHex(crc32c(bytes)) === entry.crc32c
    const status = same ? 'ok' : 'failed'
    if (bytes === undefined) found.set(key, `store.${kind}-missing failed structure ${key}`)
    else if (bytes.length !== entry.size) found.set(key, `store.${kind}-size failed size ${key}`)
    else if (deep) found.set(key, `store.${kind}-checksum ${status} content ${key}`)
    else if (hasChecksums && !bare.has(key)) found.set(key, `store.${kind}-checksum ${status} stat-checksum ${key}`)
    else unproved.set(key, { kind, same })
  }
  const ofInventory = hasChecksums && !bare.has(markerOf(header.layout))
  const keepsChecksums = ofInventory || [...found.values()].some(outlined => outlined.includes(' stat-checksum '))
  for (const [key, { kind, same }] of unproved) {
    const verdict = keepsChecksums ? `${same ? 'ok' : 'failed'} content` : 'not-provable size'
    found.set(key, `store.${kind}-checksum ${verdict} ${key}`)
  }
  for (const key of store.objects.keys()) {
    if (!found.has(key) && !others.has(key) && !key.startsWith('.nimctl/'))
      found.set(key, `store.extra warning structure ${key}`)
  }
  return [...found.values()].toSorted()
}

function outline({ name, status, method, path }: Check): string {
  return `${name} ${status} ${method} ${path}`
}

it('begins anew where the answer with the inventory breaks off', async () => {
  const store = openMemoryStore()
  const paths = Array.from({ length: 500 }, (_, index) => `file-${index}`)
  for (const path of paths) store.place(path, Buffer.alloc(0))
  publish(
    store,
    inventoryKey,
    anInventory(
      paths.map(path => ({ ...file, path })),
      { layout: 'plain', links: 'copy' },
    ),
  )
  let reads = 0
  const breaking: Store['read'] = async (...args) => {
    reads += 1
    const whole = (await (await store.read(...args)).toArray())[0] as Buffer
    return reads === 3 ? Readable.from([whole]) : Readable.from(brokenOff(whole.subarray(0, 10_000)))
  }
  const request = { profiles: [], deep: false, concurrency: 4, signal, report: silent }
  const { ok, checks } = await reportStore({ store: { ...store, read: breaking }, ...request })
  expect({ ok, checks: checks.length }).toEqual({ ok: true, checks: 501 })
})

async function* brokenOff(bytes: Buffer) {
  yield bytes
  throw new NimctlError('unavailable', 'STORE_UNAVAILABLE', { what: 'The connection broke.' })
}

it('a failed request ends the others and the check', async () => {
  const store = openMemoryStore()
  const paths = ['a', 'b', 'c', 'd']
  for (const path of paths) store.place(path, Buffer.alloc(0))
  publish(
    store,
    inventoryKey,
    anInventory(
      paths.map(path => ({ ...file, path })),
      { layout: 'plain', links: 'copy' },
    ),
  )
  let pending = 0
  const stat: Store['stat'] = async (key, options) => {
    if (key === 'b') throw new NimctlError('auth', 'ACCESS_DENIED', { what: 'No.' })
    pending += 1
    await new Promise(resolve => {
      options.signal.addEventListener('abort', resolve)
    })
    pending -= 1
    throw options.signal.reason
  }
  const request = { profiles: [], deep: false, concurrency: 4, signal, report: silent }
  await expect(reportStore({ store: { ...store, stat }, ...request })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  expect(pending).toBe(0)
})

/** Two images in one bucket, one of whose inventories is cut. */
async function reportDamaged({ reference, digest }: typeof image) {
  const store = openMemoryStore()
  store.place('x', Buffer.alloc(0))
  const inventory = anInventory([file], { layout: 'ngc', links: 'copy' })
  for (const one of [image, other]) publish(store, ngcInventoryKey(one.reference, one.digest), inventory)
  const key = ngcInventoryKey(reference, digest)
  store.place(key, store.objects.get(key)?.bytes.subarray(0, -1) ?? Buffer.alloc(0))
  return await reportStore({ store, image, profiles: [], deep: false, concurrency: 4, signal, report: silent })
}

it('a damaged inventory is the one failure', async () => {
  const checks = [{ name: 'store.inventory', status: 'failed', path: ngcInventoryKey(image.reference, image.digest) }]
  expect(await reportDamaged(image)).toMatchObject({ ok: false, checks })
})

it('a damaged inventory of another image is no failure of this one, and nothing can be said', async () => {
  await expect(reportDamaged(other)).rejects.toMatchObject({
    code: 'INVENTORY_INVALID',
    message: expect.stringContaining(ngcInventoryKey(other.reference, other.digest)),
  })
})
