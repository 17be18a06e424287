import { join } from 'node:path'

import { beforeEach, describe, expect, it } from 'vitest'

import { scanCacheTree } from '../../src/cache/scan.ts'
import type { Store } from '../../src/stores/store.ts'
import { NimctlError } from '../../src/system/errors.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { requireInventory } from '../../src/transfer/marker.ts'
import { prepareUpload, type PreparedUpload } from '../../src/transfer/prepare-upload.ts'
import { openDirectorySource, type Source } from '../../src/transfer/source.ts'
import { openStoreSource } from '../../src/transfer/store-source.ts'
import { upload } from '../../src/transfer/upload.ts'
import { makeHubCache, temporaryDirectory } from '../hub-cache.ts'
import { type MemoryStore, openMemoryStore } from './memory-store.ts'

const { signal } = new AbortController()
const blobs = 'ngc/hub/models--nim--meta--test-model/blobs'
let stateDirectory: string
let origin: MemoryStore
let destination: MemoryStore
let reads: string[]
let events: ProgressEvent[]

beforeEach(async () => {
  const work = await temporaryDirectory()
  stateDirectory = join(work, 'state')
  reads = []
  events = []
  origin = openMemoryStore()
  destination = openMemoryStore()
  await makeHubCache(join(work, 'cache'))
  const source = await openDirectorySource(await scanCacheTree(join(work, 'cache')), stateDirectory)
  await upload(source, [await prepare(source, origin)], options())
})

const options = () => ({ memory: 2 ** 25, signal, report: (event: ProgressEvent) => events.push(event) })

function prepare(source: Source, store: Store): Promise<PreparedUpload> {
  const asked = { layout: 'cache', links: 'copy', replace: false, delete: false } as const
  return prepareUpload({ source, record: undefined, store, ...asked, stateDirectory, tool: 'nimctl/test', signal })
}

/** The source as another store sees it that copies from it, in a way of its own where one is given. */
async function open(copyFrom: NonNullable<Store['copyFrom']> = copyFromOrigin, service = 'the same') {
  const readable: Store = {
    ...origin,
    service: 'the same',
    read: async (key, ...rest) => {
      if (!key.startsWith('.nimctl/')) reads.push(key)
      return await origin.read(key, ...rest)
    },
  }
  const source = openStoreSource(readable, await requireInventory(readable, undefined, signal), () => {})
  return { source, prepared: await prepare(source, { ...destination, service, copyFrom }) }
}

const copyFromOrigin: NonNullable<Store['copyFrom']> = async ({ object }, to) => {
  destination.place(to, origin.objects.get(object.key)?.bytes ?? Buffer.alloc(0))
  return { key: to, size: object.size }
}
const refusing: NonNullable<Store['copyFrom']> = async () => {
  throw new NimctlError('auth', 'ACCESS_DENIED', { what: 'These credentials may not.', why: 'It says no.' })
}

const contentsOf = (store: MemoryStore) =>
  Object.fromEntries(
    [...store.objects]
      .filter(([key]) => !key.startsWith('.nimctl/'))
      .map(([key, { bytes }]) => [key, bytes.toString()]),
  )
const warnings = () => events.flatMap(event => (event.event === 'warning' ? event.message : []))
const aBlob = () => [...origin.objects].find(([key, { bytes }]) => key.startsWith(blobs) && bytes.length > 0)?.[0] ?? ''

describe('a source of the same service', () => {
  it('is copied by the server, and no byte is read', async () => {
    const { source, prepared } = await open()
    expect(prepared.plan.totals.uploadBytes).toBe(0)
    const [done] = await upload(source, [prepared], options())
    expect(done).toMatchObject({ uploadedFiles: 0, copiedFiles: 13, proof: { 'full-checksum': 13 } })
    expect(contentsOf(destination)).toEqual(contentsOf(origin))
    expect([reads, warnings()]).toEqual([[], []])
  })

  it('is left alone where the copies are there', async () => {
    for (const copiedFiles of [13, 0]) {
      const { source, prepared } = await open()
      expect(await upload(source, [prepared], options())).toMatchObject([{ copiedFiles }])
    }
  })

  it('is streamed where the server refuses, after one try and with a warning', async () => {
    const tried: string[] = []
    const { source, prepared } = await open((from, to, ...rest) => {
      tried.push(to)
      return refusing(from, to, ...rest)
    })
    expect(await upload(source, [prepared], options())).toMatchObject([{ uploadedFiles: 7, copiedFiles: 6 }])
    expect(contentsOf(destination)).toEqual(contentsOf(origin))
    expect(tried).toHaveLength(1)
    expect(warnings()).toEqual([expect.stringMatching(/^7 of the objects .*ACCESS_DENIED. It says no\.$/)])
  })

  it('is streamed in part where the server refuses a part of it', async () => {
    const refused = aBlob()
    const { source, prepared } = await open((from, to, ...rest) =>
      (to === refused ? refusing : copyFromOrigin)(from, to, ...rest),
    )
    expect(await upload(source, [prepared], options())).toMatchObject([{ uploadedFiles: 1, copiedFiles: 12 }])
    expect(new Set(reads)).toEqual(new Set([refused]))
    expect(warnings()).toEqual([expect.stringMatching(/^1 of the objects /)])
  })

  it('fails with what streaming does not mend', async () => {
    const { source, prepared } = await open(async () => {
      throw new NimctlError('unavailable', 'STORE_UNREACHABLE', { what: 'Nobody is there.' })
    })
    await expect(upload(source, [prepared], options())).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' })
    await expect(requireInventory(destination, undefined, signal)).rejects.toMatchObject({ code: 'INVENTORY_MISSING' })
  })
})

describe('a damaged source', () => {
  it('is not copied, and nothing is published', async () => {
    const blob = aBlob()
    origin.place(blob, Buffer.alloc(origin.objects.get(blob)?.bytes.length ?? 0, 1))
    const { source, prepared } = await open()
    await expect(upload(source, [prepared], options())).rejects.toMatchObject({ code: 'SOURCE_DAMAGED' })
    expect(destination.objects.has(blob)).toBe(false)
    await expect(requireInventory(destination, undefined, signal)).rejects.toMatchObject({ code: 'INVENTORY_MISSING' })
  })

  it('that has no checksum of an object is noticed while that is streamed', async () => {
    const blob = aBlob()
    origin.place(blob, Buffer.alloc(origin.objects.get(blob)?.bytes.length ?? 0, 1))
    const whole = { ...origin }
    origin.stat = async (key, asked) => {
      const object = await whole.stat(key, asked)
      return key === blob && object !== undefined ? { key, size: object.size } : object
    }
    const { source, prepared } = await open()
    await expect(upload(source, [prepared], options())).rejects.toMatchObject({ code: 'SOURCE_DAMAGED' })
    await expect(requireInventory(destination, undefined, signal)).rejects.toMatchObject({ code: 'INVENTORY_MISSING' })
  })
})

it('a copy that is not what the source says is noticed before anything is published', async () => {
  const { source, prepared } = await open(async ({ object }, to) => {
    destination.place(to, Buffer.alloc(object.size, 1))
    return { key: to, size: object.size }
  })
  await expect(upload(source, [prepared], options())).rejects.toMatchObject({ code: 'UPLOAD_UNPROVED' })
  await expect(requireInventory(destination, undefined, signal)).rejects.toMatchObject({ code: 'INVENTORY_MISSING' })
})

it('another service is sent every byte', async () => {
  const { source, prepared } = await open(refusing, 'another')
  expect(await upload(source, [prepared], options())).toMatchObject([{ uploadedFiles: 7, copiedFiles: 6 }])
  expect(warnings()).toEqual([])
})
