import { expect, it } from 'vitest'

import type { OpenUpload, SavedUpload, Store, Upload } from '../../src/stores/store.ts'
import {
  listAll,
  never,
  partsOnTheWay,
  putMultipart,
  sameBytes,
  sendParts,
  sumsOf,
  threeParts,
} from './contract-tools.ts'

/** For stores that can tell which uploads are open. */
export function uploadsContract(open: () => Promise<Store>): void {
  it('lists uploads that were begun and not ended, and no others', async () => {
    const store = await open()
    expect(await listUploads(store)).toEqual([])
    const begun = await begin(store, 'models/umlaut-ü +%2F', [1, 2])
    const empty = await begin(store, 'models/none', [])
    await begin(store, 'other/blob', [1])
    await putMultipart(store, 'models/done')
    await (await begin(store, 'models/aborted', [1])).abort()

    const listed = await listUploads(store, 'models/')
    const expected = [
      { ...begun.saved, startedMs: expect.any(Number) },
      { ...empty.saved, partSize: 0, startedMs: expect.any(Number) },
    ]
    expect(listed.toSorted(byKey)).toEqual(expected.toSorted(byKey))
    for (const { startedMs } of listed) expect(Math.abs(Date.now() - startedMs)).toBeLessThan(60_000)
    expect((await listUploads(store, 'models/um')).map(({ id }) => id)).toEqual([begun.saved.id])
    expect(await listUploads(store, 'models/x')).toEqual([])
  })

  it('goes on with an upload that was found', async () => {
    const store = await open()
    const { whole, parts } = threeParts(store)
    const { sent } = partsOnTheWay(store)
    await begin(store, 'blob', sent)
    const [resume] = await listUploads(store)
    if (resume === undefined) throw new Error('found nothing')
    const upload = await store.openUpload('blob', {
      size: whole.length,
      partSize: resume.partSize,
      resume,
      ...never,
    })
    expect(upload.saved.id).toBe(resume.id)
    expect(upload.finished.map(({ number }) => number)).toEqual(sent.toSorted((a, b) => a - b))
    const finished = await sendParts(store, upload, { parts, order: [1, 2, 3] })
    await upload.complete(sumsOf(whole), finished, never)
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
    expect(await listUploads(store)).toEqual([])
  })

  it('aborts an upload that was found, also twice', async () => {
    const store = await open()
    await begin(store, 'blob', [1, 2])
    const kept = await begin(store, 'kept', [1])
    const found = await listUploads(store, 'blob')
    for (const upload of [...found, ...found]) await abort(store, upload)
    expect((await listUploads(store)).map(({ id }) => id)).toEqual([kept.saved.id])
    expect(found).toHaveLength(1)
  })
}

/** For every store. */
export function etagContract(open: () => Promise<Store>): void {
  it('answers with an ETag that a listing shows, where it has ETags', async () => {
    const store = await open()
    const bytes = Buffer.from('text')
    const small = await store.put('small', bytes, sumsOf(bytes), never)
    const { stored: large } = await putMultipart(store, 'large')
    const objects = await listAll(store)
    const listed = new Map(objects.map(({ key, etag }) => [key, etag]))
    expect([small.etag, large.etag]).toEqual([listed.get('small'), listed.get('large')])
    expect(small.crc32c).toBe((await store.stat('small', never))?.crc32c)
    expect(small.etag !== undefined || store.capabilities.listingProof !== 'etag').toBe(true)
  })

  it('reads an object only while it is the one that was asked for', async () => {
    const store = await open()
    const bytes = Buffer.from('first')
    const { etag } = await store.put('key', bytes, sumsOf(bytes), never)
    if (etag === undefined) return
    const same = await store.read('key', undefined, { ifMatch: etag, ...never })
    expect(await same.toArray()).toEqual([bytes])
    const other = Buffer.from('other')
    await store.put('key', other, sumsOf(other), never)
    await expect(store.read('key', { start: 1, end: 2 }, { ifMatch: etag, ...never })).rejects.toMatchObject({
      category: 'check-failed',
      code: 'OBJECT_CHANGED',
    })
  })
}

async function begin(store: Store, key: string, numbers: number[]): Promise<Upload> {
  const { whole, partSize, parts } = threeParts(store)
  const upload = await store.openUpload(key, { size: whole.length, partSize, ...never })
  await sendParts(store, upload, { parts, order: numbers })
  return upload
}

async function listUploads(store: Store, prefix = ''): Promise<OpenUpload[]> {
  if (store.listUploads === undefined) throw new Error('can not tell')
  return await Array.fromAsync(store.listUploads(prefix, never))
}

async function abort(store: Store, saved: SavedUpload): Promise<void> {
  if (store.abortUpload === undefined) throw new Error('can not abort')
  await store.abortUpload(saved, never)
}

function byKey(a: OpenUpload, b: OpenUpload): number {
  return a.key < b.key ? -1 : 1
}
